"""Who may do what with which key of a fake kernel: special keyrings, possession, permissions, searches."""

import errno

from coldframe.engines.keyring.errors import KeyringError, refused
from coldframe.engines.keyring.fake.store import FakeKey, Keys
from coldframe.engines.keyring.keys import (
    PROCESS,
    SESSION,
    SPECIAL,
    THREAD,
    USER,
    USER_SESSION,
    WHO,
    Permission,
)

_MOST_NESTED = 6


class Access:
    """What one process of a fake kernel can reach."""

    def __init__(self, kernel: Keys, uid: int, gid: int) -> None:
        self.kernel, self.uid, self.gid = kernel, uid, gid
        self.held: dict[int, int] = {}
        kernel.processes.append(self)

    def _key(
        self, serial: int, need: Permission, operation: str, *, create: bool = False, dead: bool = False
    ) -> FakeKey:
        key = self._special(serial, operation, create=create) if serial < 0 else self.kernel.keys.get(serial)
        if serial == 0:
            raise refused(errno.EINVAL, operation)
        if key is None or key.gone:
            raise refused(errno.ENOKEY, operation)
        if not dead:
            self._valid(key, operation)
        if need:
            self._allowed(key, need, operation)
        return key

    def _special(self, number: int, operation: str, *, create: bool) -> FakeKey | None:
        user, session = self.kernel.user_keyrings(self)
        if number == USER:
            return self.kernel.keys[user]
        if number == USER_SESSION:
            return self.kernel.keys[session]
        if number not in SPECIAL.values() or number not in {THREAD, PROCESS, SESSION}:
            raise refused(errno.EINVAL, operation)
        if number == SESSION and number not in self.held:
            if not create:
                return self.kernel.keys[session]
            self.held[SESSION] = self.kernel.make("keyring", "_ses", self, 0x3F030000).serial
        if number not in self.held and create:
            name = "_tid" if number == THREAD else "_pid"
            self.held[number] = self.kernel.make("keyring", name, self, 0x3F010000).serial
        return self.kernel.keys.get(self.held.get(number, 0))

    def _valid(self, key: FakeKey, operation: str) -> None:
        if key.revoked:
            raise refused(errno.EKEYREVOKED, operation)
        if key.expires is not None and self.kernel.clock() >= key.expires:
            raise refused(errno.EKEYEXPIRED, operation)

    def _allowed(self, key: FakeKey, need: Permission, operation: str) -> None:
        if not self._may(key, need):
            raise refused(errno.EACCES, operation)

    def _may(self, key: FakeKey, need: Permission, *, possessed: bool | None = None) -> bool:
        who = "user" if key.uid == self.uid else "group" if key.gid == self.gid else "other"
        mask = key.mask >> WHO[who]
        if possessed if possessed is not None else self._possessed(key):
            mask |= key.mask >> WHO["possessor"]
        return mask & need == need

    def _searched(self) -> list[FakeKey]:
        numbers = [number for number in (THREAD, PROCESS, SESSION) if number in self.held]
        rings = [
            self.kernel.keys[self.held[number]] for number in numbers if self.held[number] in self.kernel.keys
        ]
        if SESSION not in self.held:
            rings.append(self.kernel.keys[self.kernel.user_keyrings(self)[1]])
        return rings

    def _possessed(self, key: FakeKey) -> bool:
        # Possession is found out by a search, so that a key whose possessor may not search it is not possessed.
        searchable = self._may(key, Permission.SEARCH, possessed=True)
        return searchable and any(ring is key or key.serial in self._below(ring) for ring in self._searched())

    def _below(self, ring: FakeKey, depth: int = 0) -> set[int]:
        """Return what can be reached from a keyring that is possessed, through keyrings that may be searched."""
        if (
            depth > _MOST_NESTED
            or ring.kind != "keyring"
            or not self._may(ring, Permission.SEARCH, possessed=True)
        ):
            return set()
        found = set(ring.links.values())
        for serial in ring.links.values():
            if serial in self.kernel.keys:
                found |= self._below(self.kernel.keys[serial], depth + 1)
        return found

    def _find(self, ring: FakeKey, name: tuple[str, str], operation: str) -> int:
        possessed = self._possessed(ring)
        queue = [ring]
        problem = refused(errno.ENOKEY, operation)
        while queue:
            at = queue.pop(0)
            for serial in at.links.values():
                key = self.kernel.keys[serial]
                if key.name == name:
                    if not self._may(key, Permission.SEARCH, possessed=possessed):
                        problem = refused(errno.EACCES, operation)
                        continue
                    try:
                        self._valid(key, operation)
                    except KeyringError as error:
                        problem = error
                        continue
                    return serial
                if key.kind == "keyring" and self._may(key, Permission.SEARCH, possessed=possessed):
                    queue.append(key)
        raise problem

    def _link(self, key: FakeKey, ring: FakeKey, operation: str) -> None:
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, operation)
        if ring.restriction is not None:
            raise refused(errno.EPERM, operation)
        if key is ring or ring.serial in self._below(key):
            raise refused(errno.EDEADLK, operation)
        ring.links[key.name] = key.serial
        self.kernel.collect()
