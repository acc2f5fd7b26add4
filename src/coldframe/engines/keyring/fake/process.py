"""A fake kernel and its processes, which answer with the kernel's own errnos."""

import errno

from coldframe.engines.keyring.errors import KeyringError, refused
from coldframe.engines.keyring.fake.asymmetric import Asymmetric, parse
from coldframe.engines.keyring.fake.store import Keys
from coldframe.engines.keyring.keys import SESSION, USER, WHO, Description, Entry, Permission, Quota

_POSSESSOR = Permission.VIEW | Permission.SEARCH | Permission.LINK | Permission.SETATTR
_TYPES = {"user", "logon", "keyring", "asymmetric"}


class FakeKernel(Keys):
    """The keys of a machine that is not there. `process` gives what one of its processes sees."""

    def process(self, uid: int = 1000, gid: int = 1000) -> "FakeProcess":
        """Return a process of a user, which has logged in: with a session keyring that links the user's."""
        made = FakeProcess(self, uid, gid)
        made.join_session()
        made.link(USER, SESSION)
        return made


class FakeProcess(Asymmetric):
    """What one process of a fake kernel sees; see `service.KeyService` for the operations."""

    def __init__(self, kernel: "FakeKernel", uid: int, gid: int) -> None:
        super().__init__(kernel, uid, gid)
        self._machine = kernel
        self._parent: FakeProcess | None = None

    def fork(self) -> "FakeProcess":
        """Return a child: it has the session keyring, but neither the thread's nor the process's."""
        child = FakeProcess(self._machine, self.uid, self.gid)
        child._parent = self
        if SESSION in self.held:
            child.held[SESSION] = self.held[SESSION]
        return child

    def exit(self) -> None:
        """End: what only this process held is destroyed."""
        self.held.clear()
        self.kernel.processes.remove(self)
        self.kernel.collect()

    def add_key(self, kind: str, description: str, payload: bytes | bytearray, keyring: int) -> int:
        """Add or update a key."""
        operation = "add_key"
        if not kind or (kind == "keyring" and description.startswith(".")) or kind.startswith("."):
            raise refused(errno.EINVAL if not kind else errno.EPERM, operation)
        ring = self._key(keyring, Permission.WRITE, operation, create=True)
        if kind not in _TYPES:
            raise refused(errno.ENODEV, operation)
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, operation)
        payload = bytes(payload)
        secret, public, proposed = parse(kind, payload, private_keys=self.kernel.private_keys)
        description = description or proposed
        if not description or (kind == "logon" and description.find(":") < 1):
            raise refused(errno.EINVAL, operation)
        if ring.restriction is not None:
            raise refused(errno.EPERM, operation)
        old = self.kernel.keys.get(ring.links.get((kind, description), 0))
        if old is not None and kind in {"user", "logon"}:
            self._allowed(old, Permission.WRITE, operation)
            old.payload, old.revoked, old.expires = payload, False, None
            return old.serial
        self._charge(len(description) + 1 + (100 if kind == "asymmetric" else len(payload)), operation)
        possessor = _POSSESSOR
        if kind in {"user", "keyring"}:
            possessor |= Permission.READ
        if kind in {"user", "logon", "keyring"}:
            possessor |= Permission.WRITE
        mask = possessor << WHO["possessor"] | Permission.VIEW << WHO["user"]
        made = self.kernel.make(kind, description, self, mask)
        made.payload, made.secret, made.public = payload, secret, public
        ring.links[made.name] = made.serial
        self.kernel.collect()
        return made.serial

    def request_key(
        self, kind: str, description: str, callout: str | None = None, destination: int = 0
    ) -> int:
        """Find a key in this process's keyrings; nothing is called out to."""
        if kind not in _TYPES:
            raise refused(errno.ENOKEY if callout is None else errno.ENODEV, "request_key")
        nowhere: KeyringError | None = None
        for ring in self._searched():
            try:
                found = self._find(ring, (kind, description), "request_key")
            except KeyringError as error:
                # A keyring in which nothing was found has the last word before one in which a dead key was.
                nowhere = error if nowhere is None or error.errno == errno.ENOKEY else nowhere
                continue
            if destination:
                self.link(found, destination)
            return found
        raise nowhere or refused(errno.ENOKEY, "request_key")

    def keyring_id(self, keyring: int, *, create: bool = False) -> int:
        """Return a keyring's serial."""
        return self._key(keyring, Permission.SEARCH, "keyring_id", create=create).serial

    def join_session(self, name: str | None = None) -> int:
        """Join a session keyring."""
        if name == "":
            raise refused(errno.EINVAL, "join_session")
        if name is not None and name.startswith("."):
            raise refused(errno.EPERM, "join_session")
        if name is not None:
            for key in self.kernel.keys.values():
                if (
                    key.name == ("keyring", name)
                    and key.uid == self.uid
                    and key.mask >> 16 & Permission.SEARCH
                ):
                    self.held[SESSION] = key.serial
                    self.kernel.collect()
                    return key.serial
        mask = 0x3F130000 if name else 0x3F030000
        made = self.kernel.make("keyring", name or "_ses", self, mask)
        self.held[SESSION] = made.serial
        self.kernel.collect()
        return made.serial

    def session_to_parent(self) -> None:
        """Give the session keyring to the parent."""
        if self._parent is None or self._parent.uid != self.uid:
            raise refused(errno.EPERM, "session_to_parent")
        self._parent.held[SESSION] = self._key(SESSION, Permission.LINK, "session_to_parent").serial

    def persistent(self, uid: int, destination: int) -> int:
        """A fake machine is up for less than three days: the persistent keyring is the user's."""
        del uid, destination
        raise refused(errno.EOPNOTSUPP, "persistent")

    def update(self, key: int, payload: bytes | bytearray) -> None:
        """Replace a payload."""
        found = self._key(key, Permission.WRITE, "update")
        if found.kind not in {"user", "logon"}:
            raise refused(errno.EOPNOTSUPP, "update")
        parse(found.kind, bytes(payload), private_keys=self.kernel.private_keys)
        found.payload, found.expires = bytes(payload), None

    def read(self, key: int) -> bytes:
        """Return a payload."""
        if key == 0:
            raise refused(errno.ENOKEY, "read")
        found = self._key(key, Permission(0), "read")
        if not self._may(found, Permission.READ) and not self._possessed(found):
            raise refused(errno.EACCES, "read")
        if found.kind in {"asymmetric", "logon"}:
            raise refused(errno.EOPNOTSUPP, "read")
        if found.kind == "keyring":
            return b"".join(serial.to_bytes(4, "little") for serial in found.links.values())
        return bytes(bytearray(found.payload))  # a copy, which its reader may wipe, as from the kernel

    def describe(self, key: int) -> Description:
        """Describe a key."""
        found = self._key(key, Permission.VIEW, "describe")
        return Description(found.kind, found.uid, found.gid, found.mask, found.description)

    def search(self, keyring: int, kind: str, description: str, destination: int = 0) -> int:
        """Find a key below a keyring."""
        ring = self._key(keyring, Permission.SEARCH, "search")
        if kind not in _TYPES:
            raise refused(errno.ENOKEY, "search")
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, "search")
        found = self._find(ring, (kind, description), "search")
        if destination:
            self.link(found, destination)
        return found

    def link(self, key: int, keyring: int) -> None:
        """Link a key."""
        ring = self._key(keyring, Permission.WRITE, "link", create=True)
        self._link(self._key(key, Permission.LINK, "link", create=True), ring, "link")

    def unlink(self, key: int, keyring: int) -> None:
        """Remove a link."""
        ring = self._key(keyring, Permission.WRITE, "unlink")
        found = self._key(key, Permission(0), "unlink", dead=True)
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, "unlink")
        if ring.links.get(found.name) != found.serial:
            raise refused(errno.ENOENT, "unlink")
        del ring.links[found.name]
        self.kernel.collect()

    def move(self, key: int, origin: int, destination: int, *, exclusive: bool = False) -> None:
        """Move a link."""
        found = self._key(key, Permission.LINK, "move", create=True)
        source = self._key(origin, Permission.WRITE, "move")
        target = self._key(destination, Permission.WRITE, "move", create=True)
        if source.kind != "keyring" or target.kind != "keyring":
            raise refused(errno.ENOTDIR, "move")
        if source is target:
            return
        if source.links.get(found.name) != found.serial:
            raise refused(errno.ENOENT, "move")
        if exclusive and found.name in target.links:
            raise refused(errno.EEXIST, "move")
        self._link(found, target, "move")
        del source.links[found.name]
        self.kernel.collect()

    def clear(self, keyring: int) -> None:
        """Remove all links."""
        ring = self._key(keyring, Permission.WRITE, "clear", create=True)
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, "clear")
        ring.links.clear()
        self.kernel.collect()

    def revoke(self, key: int) -> None:
        """Revoke a key; whoever may change its attributes may too."""
        found = self._key(key, Permission(0), "revoke")
        if not self._may(found, Permission.WRITE):
            self._allowed(found, Permission.SETATTR, "revoke")
        found.revoked, found.payload, found.secret, found.links = True, b"", None, {}
        self.kernel.collect()

    def invalidate(self, key: int) -> None:
        """Make a key vanish."""
        self._key(key, Permission.SEARCH, "invalidate").gone = True
        self.kernel.collect()

    def set_timeout(self, key: int, seconds: int) -> None:
        """Let a key expire."""
        found = self._key(key, Permission.SETATTR, "set_timeout", create=True)
        found.expires = self.kernel.clock() + seconds if seconds else None

    def set_permissions(self, key: int, mask: int) -> None:
        """Set a key's permissions; only its owner may, or root."""
        if mask & ~0x3F3F3F3F:
            raise refused(errno.EINVAL, "set_permissions")
        found = self._key(key, Permission.SETATTR, "set_permissions", create=True)
        if self.uid not in {0, found.uid}:
            raise refused(errno.EACCES, "set_permissions")
        found.mask = mask

    def chown(self, key: int, uid: int = -1, gid: int = -1) -> None:
        """Change the owner, which only root may, or the group."""
        if uid == -1 and gid == -1:
            return
        found = self._key(key, Permission.SETATTR, "chown", create=True)
        if self.uid != 0 and (uid not in {-1, found.uid} or gid not in {-1, found.gid, self.gid}):
            raise refused(errno.EACCES, "chown")
        found.uid = found.uid if uid == -1 else uid
        found.gid = found.gid if gid == -1 else gid

    def restrict(self, keyring: int, kind: str | None = None, restriction: str | None = None) -> None:
        """Restrict a keyring."""
        ring = self._key(keyring, Permission.SETATTR, "restrict")
        if kind is None and restriction is not None:
            raise refused(errno.EINVAL, "restrict")
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, "restrict")
        if kind is not None and kind != "asymmetric":
            raise refused(errno.ENOENT, "restrict")
        if ring.restriction is not None:
            raise refused(errno.EEXIST, "restrict")
        ring.restriction = (kind, restriction)

    def security(self, key: int) -> str:
        """There is no security module here."""
        self._key(key, Permission.VIEW, "security")
        return ""

    def capabilities(self) -> bytes:
        """Answer as a Debian 12 kernel does."""
        return b"\xef\x03"

    def entries(self) -> list[Entry]:
        """List what this process may view."""
        now = self.kernel.clock()
        return [
            Entry(key.serial, "I--Q---", _left(key.expires, now), key.uid, key.kind)
            for key in self.kernel.keys.values()
            if self._may(key, Permission.VIEW)
        ]

    def quota(self) -> Quota:
        """Return this user's quota."""
        mine = [key for key in self.kernel.keys.values() if key.uid == self.uid]
        return Quota(len(mine), self.kernel.most_keys, sum(key.size for key in mine), self.kernel.most_bytes)

    def _charge(self, size: int, operation: str) -> None:
        now = self.quota()
        if self.uid != 0 and (now.keys + 1 > now.most_keys or now.size + size > now.most_bytes):
            raise refused(errno.EDQUOT, operation)


def _left(expires: float | None, now: float) -> str:
    if expires is None:
        return "perm"
    return "expd" if now >= expires else f"{int(expires - now)}s"
