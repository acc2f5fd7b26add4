"""Encrypted folders that a backup in another process wants to read are open while it runs: it has no key."""

from contextlib import ExitStack
from pathlib import Path

import msgspec

from coldframe.core import durable
from coldframe.core.installation import Installation
from coldframe.engines.database import DatabaseError
from coldframe.engines.encrypted_folders import key_of
from coldframe.services.rds import sealed_trees
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.encryption import KeyInaccessible
from coldframe.services.rds.known_keys import known_keys
from coldframe.services.rds.staged_copies import ANSWERED, HOME, WANTED, Answer, encrypted_in, in_use


class OpenForBackups:
    """What is open for which backup, by its folder; `look` is for one thread."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._databases = installation.parts.get(Databases)
        self._open: dict[Path, _Opened] = {}
        self._published = False

    def look(self) -> None:
        """Open for backups that have begun, and close for those that have ended, whichever way."""
        root = self._databases.root
        if not self._published:
            sealed_trees.publish(root, self._installation.seal)
            self._published = True
        for folder in [each for each in self._open if not in_use(each)]:
            self._open.pop(folder).stack.close()
        home = root / HOME
        for folder in sorted(home.iterdir()) if home.exists() else ():
            if not (folder / WANTED).exists() or not in_use(folder):
                continue
            opened = self._open.setdefault(folder, _Opened())
            try:
                self._open_all(opened)
                answer = Answer(closed=opened.closed)
            except DatabaseError as error:
                answer = Answer(failed=str(error) + (f" ({error.hint})" if error.hint else ""))
            if not (folder / ANSWERED).exists():
                durable.write(folder / ANSWERED, msgspec.json.encode(answer))

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            self._open.popitem()[1].stack.close()

    def _open_all(self, opened: "_Opened") -> None:
        """Open all encrypted folders that are there by now; raises DatabaseError."""
        with self._installation.store.read() as transaction:
            keys = known_keys(transaction.records("", ""))
        root = self._databases.root
        for folder in [path for below in ("", "snapshots", "archive") for path in encrypted_in(root / below)]:
            name = key_of(folder)
            if name is None or name in opened.names:
                continue
            if name not in keys:
                opened.closed[name] = "no record has its key: it is about to be removed"
                continue
            try:
                opened.stack.enter_context(self._databases.encryption.open(folder, keys[name]))
            except KeyInaccessible as error:
                opened.closed[name] = str(error)
            else:
                opened.names.add(name)


class _Opened:
    """What is open for a backup: by the names of keys, and why others could not be opened."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.names: set[str] = set()
        self.closed: dict[str, str] = {}
