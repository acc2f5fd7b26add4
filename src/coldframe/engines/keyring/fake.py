"""A fake of the kernel's key retention service, for tests: it keeps keys in user memory and protects nothing.

It answers with the kernel's own errnos; one contract test suite runs on it and on real kernels
(tests/kernel/test_contract.py), so that what is tested with the fake holds for the kernel.
"""

import errno
import itertools
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.x509 import load_der_x509_certificate

from coldframe.engines.keyring.errors import refused
from coldframe.engines.keyring.keys import (
    LARGEST_PAYLOAD,
    PROCESS,
    SESSION,
    SPECIAL,
    THREAD,
    USER,
    USER_SESSION,
    WHO,
    Description,
    Entry,
    Permission,
    PublicKeyLimits,
    Quota,
)

_POSSESSOR = Permission.VIEW | Permission.SEARCH | Permission.LINK | Permission.SETATTR
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the kernel offers it, so must what stands in for it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_TYPES = {"user", "logon", "keyring", "asymmetric"}
_MOST_NESTED = 6


class _Key:
    def __init__(self, serial: int, kind: str, description: str, uid: int, gid: int, mask: int) -> None:
        self.serial, self.kind, self.description = serial, kind, description
        self.uid, self.gid, self.mask = uid, gid, mask
        self.payload = b""
        self.secret: rsa.RSAPrivateKey | None = None
        self.public: rsa.RSAPublicKey | None = None
        self.expires: float | None = None
        self.revoked = self.gone = False
        self.links: dict[tuple[str, str], int] = {}
        self.restriction: tuple[str | None, str | None] | None = None

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.description

    @property
    def size(self) -> int:
        # What the kernel charges: a name with its end, and the payload; asymmetric keys count as about 100 bytes.
        return len(self.description) + 1 + (100 if self.kind == "asymmetric" else len(self.payload))


class FakeKernel:
    """The keys of a machine that is not there. `process` gives what one of its processes sees."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        private_keys: bool = True,
        most_keys: int = 200,
        most_bytes: int = 20_000,
    ) -> None:
        self.clock = clock
        self.private_keys = private_keys
        self.most_keys, self.most_bytes = most_keys, most_bytes
        self.keys: dict[int, _Key] = {}
        self.users: dict[int, tuple[int, int]] = {}
        self.processes: list[FakeProcess] = []
        self._serials = itertools.count(1001)

    def process(self, uid: int = 1000, gid: int = 1000) -> "FakeProcess":
        """Return a process of a user, which has logged in: with a session keyring that links the user's."""
        made = FakeProcess(self, uid, gid)
        made.join_session()
        made.link(USER, SESSION)
        return made

    def make(self, kind: str, description: str, owner: "FakeProcess", mask: int) -> _Key:
        """Make a key without links; `collect` takes it away again unless somebody links it."""
        made = _Key(next(self._serials), kind, description, owner.uid, owner.gid, mask)
        self.keys[made.serial] = made
        return made

    def user_keyrings(self, owner: "FakeProcess") -> tuple[int, int]:
        """Return a user's keyring and default session keyring, made when first asked for."""
        if owner.uid not in self.users:
            ring = self.make("keyring", f"_uid.{owner.uid}", owner, 0x1F3F0000)
            session = self.make("keyring", f"_uid_ses.{owner.uid}", owner, 0x1F3F0000)
            session.links[ring.name] = ring.serial
            self.users[owner.uid] = (ring.serial, session.serial)
        return self.users[owner.uid]

    def collect(self) -> None:
        """Destroy what nothing holds any more, as the kernel's garbage collector does."""
        alive: set[int] = set()
        wanted = [serial for pair in self.users.values() for serial in pair]
        wanted += [serial for process in self.processes for serial in process.held.values()]
        while wanted:
            key = self.keys.get(wanted.pop())
            if key is None or key.gone or key.serial in alive:
                continue
            alive.add(key.serial)
            key.links = {
                name: at for name, at in key.links.items() if at in self.keys and not self.keys[at].gone
            }
            wanted += key.links.values()
        self.keys = {serial: key for serial, key in self.keys.items() if serial in alive}


class FakeProcess:
    """What one process of a fake kernel sees; see `service.KeyService` for the operations."""

    def __init__(self, kernel: FakeKernel, uid: int, gid: int) -> None:
        self.kernel, self.uid, self.gid = kernel, uid, gid
        self.held: dict[int, int] = {}
        self._parent: FakeProcess | None = None
        kernel.processes.append(self)

    def fork(self) -> "FakeProcess":
        """Return a child: it has the session keyring, but neither the thread's nor the process's."""
        child = FakeProcess(self.kernel, self.uid, self.gid)
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
        secret, public, proposed = self._parse(kind, payload)
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
        for ring in self._searched():
            found = self._find(ring, (kind, description), "request_key", silent=True)
            if found:
                if destination:
                    self.link(found, destination)
                return found
        raise refused(errno.ENOKEY, "request_key")

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
        self._parse(found.kind, bytes(payload))
        found.payload, found.expires = bytes(payload), None

    def read(self, key: int) -> bytes:
        """Return a payload."""
        found = self._key(key, Permission(0), "read")
        if not self._may(found, Permission.READ) and not self._possessed(found):
            raise refused(errno.EACCES, "read")
        if found.kind in {"asymmetric", "logon"}:
            raise refused(errno.EOPNOTSUPP, "read")
        if found.kind == "keyring":
            return b"".join(serial.to_bytes(4, "little") for serial in found.links.values())
        return found.payload

    def describe(self, key: int) -> Description:
        """Describe a key, also one that has expired."""
        found = self._key(key, Permission.VIEW, "describe", dead=True)
        return Description(found.kind, found.uid, found.gid, found.mask, found.description)

    def search(self, keyring: int, kind: str, description: str, destination: int = 0) -> int:
        """Find a key below a keyring."""
        ring = self._key(keyring, Permission.SEARCH, "search")
        if kind not in _TYPES:
            raise refused(errno.ENOKEY, "search")
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, "search")
        found = self._find(ring, (kind, description), "search", silent=False)
        if not found:
            raise refused(errno.ENOKEY, "search")
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
        self._key(key, Permission.VIEW, "security", dead=True)
        return ""

    def capabilities(self) -> bytes:
        """Answer as a Debian 12 kernel does."""
        return b"\xef\x03"

    def pkey_query(self, key: int, info: str = "") -> PublicKeyLimits:
        """Return what an asymmetric key can do."""
        found, public = self._asymmetric(key, "pkey_query")
        encoding, digest = _info(info, "pkey_query")
        self._understood(encoding, digest, "pkey_query")
        can = {"encrypt", "verify"} | ({"decrypt", "sign"} if found.secret is not None else set())
        size = (public.key_size + 7) // 8
        return PublicKeyLimits(frozenset(can), public.key_size, size, size, size, size)

    def pkey_encrypt(self, key: int, info: str, plain: bytes) -> bytes:
        """Encrypt."""
        _, public = self._asymmetric(key, "pkey_encrypt")
        encoding, digest = _info(info, "pkey_encrypt")
        self._understood(encoding, digest, "pkey_encrypt")
        size = (public.key_size + 7) // 8
        if encoding == "pkcs1":
            if len(plain) > size - 11:
                raise refused(errno.EOVERFLOW, "pkey_encrypt")
            return bytes(public.encrypt(plain, padding.PKCS1v15()))
        numbers = public.public_numbers()
        number = int.from_bytes(plain, "big")
        if number >= numbers.n:
            raise refused(errno.EINVAL, "pkey_encrypt")
        return pow(number, numbers.e, numbers.n).to_bytes(size, "big")

    def pkey_decrypt(self, key: int, info: str, cipher: bytes) -> bytes:
        """Decrypt; the raw operation gives a whole block."""
        secret, _ = self._private(key, "pkey_decrypt")
        encoding, digest = _info(info, "pkey_decrypt")
        self._understood(encoding, digest, "pkey_decrypt")
        numbers = secret.private_numbers()
        modulus = numbers.public_numbers.n
        number = int.from_bytes(cipher, "big")
        if number >= modulus:
            raise refused(errno.EINVAL, "pkey_decrypt")
        plain = pow(number, numbers.d, modulus).to_bytes((modulus.bit_length() + 7) // 8, "big")
        if encoding == "raw":
            return plain
        end = plain.find(b"\0", 2)
        if plain[:2] != b"\0\2" or end < 10:
            raise refused(errno.EINVAL, "pkey_decrypt")
        return plain[end + 1 :]

    def pkey_sign(self, key: int, info: str, digest: bytes) -> bytes:
        """Sign a digest, or with no hash named any bytes that fit."""
        secret, public = self._private(key, "pkey_sign")
        encoding, name = _info(info, "pkey_sign")
        self._understood(encoding, name, "pkey_sign")
        if encoding != "pkcs1":
            raise refused(errno.EINVAL, "pkey_sign")
        if not name:
            numbers = secret.private_numbers()
            size = (public.key_size + 7) // 8
            if len(digest) > size - 11:
                raise refused(errno.EOVERFLOW, "pkey_sign")
            block = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
            return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(
                size, "big"
            )
        if len(digest) != _HASHES[name].digest_size:
            raise refused(errno.EINVAL, "pkey_sign")
        return bytes(secret.sign(digest, padding.PKCS1v15(), utils.Prehashed(_HASHES[name])))

    def pkey_verify(self, key: int, info: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature is the key's."""
        _, public = self._asymmetric(key, "pkey_verify")
        encoding, name = _info(info, "pkey_verify")
        self._understood(encoding, name, "pkey_verify")
        if encoding != "pkcs1" or name not in _HASHES:
            raise refused(errno.EINVAL, "pkey_verify")
        try:
            public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(_HASHES[name]))
        except (InvalidSignature, ValueError):
            return False
        return True

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

    def _parse(
        self, kind: str, payload: bytes
    ) -> tuple[rsa.RSAPrivateKey | None, rsa.RSAPublicKey | None, str]:
        if kind == "keyring" and payload:
            raise refused(errno.EINVAL, "add_key")
        if kind in {"user", "logon"} and not 0 < len(payload) <= LARGEST_PAYLOAD:
            raise refused(errno.EINVAL, "add_key")
        if kind != "asymmetric":
            return None, None, ""
        try:
            certificate = load_der_x509_certificate(payload)
        except ValueError:
            return *self._parse_private(payload), ""
        public = certificate.public_key()
        if not isinstance(public, rsa.RSAPublicKey):
            raise refused(errno.ENOPKG, "add_key")
        identifier = serialization_id(public)
        return None, public, f"{certificate.subject.rfc4514_string().removeprefix('CN=')}: {identifier}"

    def _parse_private(self, payload: bytes) -> tuple[rsa.RSAPrivateKey, rsa.RSAPublicKey]:
        if not self.kernel.private_keys:
            raise refused(errno.EBADMSG, "add_key")
        try:
            secret = serialization.load_der_private_key(payload, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise refused(errno.EBADMSG, "add_key") from None
        if not isinstance(secret, rsa.RSAPrivateKey):
            raise refused(errno.ENOPKG, "add_key")
        return secret, secret.public_key()

    def _charge(self, size: int, operation: str) -> None:
        now = self.quota()
        if self.uid != 0 and (now.keys + 1 > now.most_keys or now.size + size > now.most_bytes):
            raise refused(errno.EDQUOT, operation)

    def _asymmetric(self, key: int, operation: str) -> tuple[_Key, rsa.RSAPublicKey]:
        found = self._key(key, Permission.SEARCH, operation)
        if found.public is None:
            raise refused(errno.EOPNOTSUPP, operation)
        return found, found.public

    def _private(self, key: int, operation: str) -> tuple[rsa.RSAPrivateKey, rsa.RSAPublicKey]:
        found, public = self._asymmetric(key, operation)
        if found.secret is None:
            raise refused(errno.EINVAL, operation)
        return found.secret, public

    @staticmethod
    def _understood(encoding: str, digest: str, operation: str) -> None:
        if encoding not in {"pkcs1", "raw", ""}:
            raise refused(errno.EINVAL, operation)
        if digest and digest not in _HASHES:
            raise refused(errno.ENOENT, operation)

    def _key(
        self, serial: int, need: Permission, operation: str, *, create: bool = False, dead: bool = False
    ) -> _Key:
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

    def _special(self, number: int, operation: str, *, create: bool) -> _Key | None:
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
            self.join_session()
        if number not in self.held and create:
            name = "_tid" if number == THREAD else "_pid"
            self.held[number] = self.kernel.make("keyring", name, self, 0x3F010000).serial
        return self.kernel.keys.get(self.held.get(number, 0))

    def _valid(self, key: _Key, operation: str) -> None:
        if key.revoked:
            raise refused(errno.EKEYREVOKED, operation)
        if key.expires is not None and self.kernel.clock() >= key.expires:
            raise refused(errno.EKEYEXPIRED, operation)

    def _allowed(self, key: _Key, need: Permission, operation: str) -> None:
        if not self._may(key, need):
            raise refused(errno.EACCES, operation)

    def _may(self, key: _Key, need: Permission, *, possessed: bool | None = None) -> bool:
        who = "user" if key.uid == self.uid else "group" if key.gid == self.gid else "other"
        mask = key.mask >> WHO[who]
        if possessed if possessed is not None else self._possessed(key):
            mask |= key.mask >> WHO["possessor"]
        return mask & need == need

    def _searched(self) -> list[_Key]:
        numbers = [number for number in (THREAD, PROCESS, SESSION) if number in self.held]
        rings = [
            self.kernel.keys[self.held[number]] for number in numbers if self.held[number] in self.kernel.keys
        ]
        if SESSION not in self.held:
            rings.append(self.kernel.keys[self.kernel.user_keyrings(self)[1]])
        return rings

    def _possessed(self, key: _Key) -> bool:
        return any(ring is key or key.serial in self._below(ring) for ring in self._searched())

    def _below(self, ring: _Key, depth: int = 0) -> set[int]:
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

    def _find(self, ring: _Key, name: tuple[str, str], operation: str, *, silent: bool) -> int:
        possessed = self._possessed(ring)
        queue = [ring]
        problem: Exception | None = None
        while queue:
            at = queue.pop(0)
            for serial in at.links.values():
                key = self.kernel.keys[serial]
                if key.name == name:
                    if not self._may(key, Permission.SEARCH, possessed=possessed):
                        problem = problem or refused(errno.EACCES, operation)
                        continue
                    try:
                        self._valid(key, operation)
                    except Exception as error:  # noqa: BLE001 - it is raised below, unless a key is found
                        problem = error
                        continue
                    return serial
                if key.kind == "keyring" and self._may(key, Permission.SEARCH, possessed=possessed):
                    queue.append(key)
        if problem is not None and not silent:
            raise problem
        return 0

    def _link(self, key: _Key, ring: _Key, operation: str) -> None:
        if ring.kind != "keyring":
            raise refused(errno.ENOTDIR, operation)
        if ring.restriction is not None:
            raise refused(errno.EPERM, operation)
        if key is ring or ring.serial in self._below(key):
            raise refused(errno.EDEADLK, operation)
        ring.links[key.name] = key.serial
        self.kernel.collect()


def serialization_id(public: rsa.RSAPublicKey) -> str:
    """Return the end of a key's identifier, as the kernel proposes it behind a certificate's name."""
    from cryptography.x509 import SubjectKeyIdentifier

    return SubjectKeyIdentifier.from_public_key(public).digest.hex()


def _info(info: str, operation: str) -> tuple[str, str]:
    words = dict(word.split("=", 1) for word in info.split() if "=" in word)
    if len(words) != len(info.split()) or words.keys() - {"enc", "hash"}:
        raise refused(errno.EINVAL, operation)
    return words.get("enc", ""), words.get("hash", "")


def _left(expires: float | None, now: float) -> str:
    if expires is None:
        return "perm"
    return "expd" if now >= expires else f"{int(expires - now)}s"
