"""When values were last read: noted in memory, written once a minute, told by the day."""

import threading

from coldframe.core.store import Store
from coldframe.services.secretsmanager.records import Secret, Version


class Accesses:
    """Collects readings; a crash forgets those of the last minute."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str, str, str], int] = {}

    def note(self, account: str, region: str, version: Version, now: int) -> None:
        """Remember that a value was read."""
        self._read[account, region, version.name, version.id] = now

    def of_version(self, account: str, region: str, version: Version) -> int:
        """When a version was read last, of what is not written yet; 0 for not at all."""
        return self._read.get((account, region, version.name, version.id), 0)

    def of_secret(self, account: str, region: str, secret: Secret) -> int:
        """When any version of a secret was read last, of what is not written yet; 0 for not at all."""
        read = self._read
        return max((read.get((account, region, secret.name, each), 0) for each in secret.stages), default=0)

    def flush(self) -> None:
        """Write what was collected; secrets that are gone by now are left out."""
        with self._lock:
            read, self._read = self._read, {}
            if not read:
                return
            with self._store.write() as transaction:
                for (account, region, name, version_id), at in read.items():
                    records = transaction.records(account, region)
                    secret, version = records.find(Secret, name), records.find(Version, name, version_id)
                    if secret is not None:
                        records.change(secret, accessed=max(at, secret.accessed))
                    if version is not None:
                        records.change(version, accessed=max(at, version.accessed))

    def close(self) -> None:
        """Write the rest."""
        self.flush()
