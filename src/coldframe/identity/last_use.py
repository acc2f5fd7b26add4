"""When access keys and roles were last used, and what of each service by whom: noted in memory on every call, written once a minute."""

import threading
from typing import NamedTuple

from coldframe.core.records import Records
from coldframe.core.store import Store
from coldframe.identity.caller import Caller
from coldframe.identity.records import AccessKey, Role, ServiceUse, User


class Use(NamedTuple):
    """One use: when (seconds since the epoch), of which service, in which region.

    `service` is what signatures call it, `namespace` what policies call it.
    """

    at: int
    service: str
    namespace: str
    region: str


class LastUse:
    """Collects uses; a crash forgets those of the last minute, as AWS's own report lags by more than that."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._keys: dict[str, Use] = {}
        self._roles: dict[tuple[str, str], Use] = {}
        self._services: dict[tuple[str, str, str], Use] = {}

    def note(self, access_key_id: str, caller: Caller, use: Use) -> None:
        """Remember that a caller used a service with a key."""
        if caller.kind == "role-session":
            self._roles[caller.account, caller.issuer_arn.rpartition("/")[2]] = use
        elif caller.session is None:
            self._keys[access_key_id] = use
        if caller.kind in {"role-session", "user"}:
            # The id of a session is that of its role, a colon and the name of the session.
            self._services[caller.account, caller.user_id.partition(":")[0], use.namespace] = use

    def flush(self) -> None:
        """Write what was collected; keys and roles that are gone by now are left out."""
        with self._lock:
            keys, self._keys = self._keys, {}
            roles, self._roles = self._roles, {}
            services, self._services = self._services, {}
            if not keys and not roles and not services:
                return
            with self._store.write() as transaction:
                for key_id, use in keys.items():
                    _used_key(transaction.records("", ""), key_id, use)
                for (account, name), use in roles.items():
                    _used_role(transaction.records(account, ""), name, use)
                for (account, principal, _), use in services.items():
                    _used_service(transaction.records(account, ""), principal, use)

    def close(self) -> None:
        """Write the rest."""
        self.flush()


def _used_key(records: Records, key_id: str, use: Use) -> None:
    key = records.find(AccessKey, key_id)
    if key is not None:
        records.change(key, last_used=use.at, last_service=use.service, last_region=use.region)


def _used_role(records: Records, name: str, use: Use) -> None:
    role = records.find(Role, name)
    if role is not None:
        records.change(role, last_used=use.at, last_region=use.region)


def _used_service(records: Records, principal: str, use: Use) -> None:
    if any(records.count(kind, where={"id": principal}) for kind in (User, Role)):
        used = ServiceUse(
            principal=principal, service=use.namespace, last_used=use.at, last_region=use.region
        )
        records.put(used)
