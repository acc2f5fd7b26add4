"""The Linux key retention service by its raw system calls: no library, no compiled extension."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

from coldframe.engines.keyring.errors import refused
from coldframe.engines.keyring.keys import (
    Description,
    Entry,
    PublicKeyLimits,
    Quota,
    described,
    entries,
    quota,
)

# add_key, request_key, keyctl; architectures that came later share one table (asm-generic/unistd.h).
_NUMBERS = {"x86_64": (248, 249, 250), "i686": (286, 287, 288), "armv7l": (309, 310, 311)}
_GENERIC = (217, 218, 219)

_GET_ID, _JOIN, _UPDATE, _REVOKE, _CHOWN, _SETPERM, _DESCRIBE, _CLEAR, _LINK, _UNLINK, _SEARCH, _READ = range(
    12
)
_TIMEOUT, _SECURITY, _TO_PARENT, _INVALIDATE, _PERSISTENT = 15, 17, 18, 21, 22
_QUERY, _ENCRYPT, _DECRYPT, _SIGN, _VERIFY, _RESTRICT, _MOVE, _CAPABILITIES = range(24, 32)
_EXCLUSIVE = 1
_OPERATIONS = {"encrypt": 1, "decrypt": 2, "sign": 4, "verify": 8}
# A signature that does not verify is EINVAL here and EKEYREJECTED there, by kernel and algorithm; a wrong length too.
_NOT_VALID = {errno.EKEYREJECTED, errno.EINVAL, errno.EBADMSG}


class _Parameters(ctypes.Structure):
    """struct keyctl_pkey_params; the third field is the length of the output, or of the second input."""

    _fields_ = (
        ("key", ctypes.c_int32),
        ("input", ctypes.c_uint32),
        ("other", ctypes.c_uint32),
        ("spare", ctypes.c_uint32 * 7),
    )


class _Limits(ctypes.Structure):
    """struct keyctl_pkey_query."""

    _fields_ = (
        ("operations", ctypes.c_uint32),
        ("bits", ctypes.c_uint32),
        ("data", ctypes.c_uint16),
        ("signature", ctypes.c_uint16),
        ("cipher", ctypes.c_uint16),
        ("plain", ctypes.c_uint16),
        ("spare", ctypes.c_uint32 * 10),
    )


class Kernel:
    """The kernel that this process runs on; see `service.KeyService` for the operations."""

    def __init__(self) -> None:
        self._syscall = ctypes.CDLL(None, use_errno=True).syscall
        self._syscall.restype = ctypes.c_long
        self._add, self._request, self._keyctl = _NUMBERS.get(os.uname().machine, _GENERIC)

    def add_key(self, kind: str, description: str, payload: bytes | bytearray, keyring: int) -> int:
        """Add or update a key; a bytearray is passed as it lies, without a copy."""
        return self._call(
            "add_key", self._add, _text(kind), _text(description), _where(payload), len(payload), keyring
        )

    def request_key(
        self, kind: str, description: str, callout: str | None = None, destination: int = 0
    ) -> int:
        """Find a key in the keyrings of this thread, process and session."""
        words = (_text(kind), _text(description), _text(callout), destination)
        return self._call("request_key", self._request, *words)

    def keyring_id(self, keyring: int, *, create: bool = False) -> int:
        """Return the serial of a special keyring."""
        return self._control("keyring_id", _GET_ID, keyring, int(create))

    def join_session(self, name: str | None = None) -> int:
        """Join a named session keyring, or a new one."""
        return self._control("join_session", _JOIN, _text(name))

    def session_to_parent(self) -> None:
        """Give the session keyring to the parent process."""
        self._control("session_to_parent", _TO_PARENT)

    def persistent(self, uid: int, destination: int) -> int:
        """Link a user's persistent keyring."""
        return self._control("persistent", _PERSISTENT, uid, destination)

    def update(self, key: int, payload: bytes | bytearray) -> None:
        """Replace a payload."""
        self._control("update", _UPDATE, key, _where(payload), len(payload))

    def read(self, key: int) -> bytes:
        """Return a payload; the buffer it came through is wiped."""
        return self._fill("read", _READ, key)

    def describe(self, key: int) -> Description:
        """Return what the kernel says of a key."""
        return described(self._fill("describe", _DESCRIBE, key).rstrip(b"\0").decode())

    def search(self, keyring: int, kind: str, description: str, destination: int = 0) -> int:
        """Find a key below a keyring."""
        return self._control("search", _SEARCH, keyring, _text(kind), _text(description), destination)

    def link(self, key: int, keyring: int) -> None:
        """Link a key."""
        self._control("link", _LINK, key, keyring)

    def unlink(self, key: int, keyring: int) -> None:
        """Remove a link."""
        self._control("unlink", _UNLINK, key, keyring)

    def move(self, key: int, origin: int, destination: int, *, exclusive: bool = False) -> None:
        """Move a link."""
        self._control("move", _MOVE, key, origin, destination, _EXCLUSIVE if exclusive else 0)

    def clear(self, keyring: int) -> None:
        """Remove all links."""
        self._control("clear", _CLEAR, keyring)

    def revoke(self, key: int) -> None:
        """Revoke a key."""
        self._control("revoke", _REVOKE, key)

    def invalidate(self, key: int) -> None:
        """Make a key vanish."""
        self._control("invalidate", _INVALIDATE, key)

    def set_timeout(self, key: int, seconds: int) -> None:
        """Let a key expire."""
        self._control("set_timeout", _TIMEOUT, key, seconds)

    def set_permissions(self, key: int, mask: int) -> None:
        """Set the permissions of a key."""
        self._control("set_permissions", _SETPERM, key, mask)

    def chown(self, key: int, uid: int = -1, gid: int = -1) -> None:
        """Change owner or group."""
        self._control("chown", _CHOWN, key, uid, gid)

    def restrict(self, keyring: int, kind: str | None = None, restriction: str | None = None) -> None:
        """Restrict a keyring for good."""
        self._control("restrict", _RESTRICT, keyring, _text(kind), _text(restriction))

    def security(self, key: int) -> str:
        """Return a security label."""
        return self._fill("security", _SECURITY, key).rstrip(b"\0").decode()

    def capabilities(self) -> bytes:
        """Return the bits of what this kernel's key service can do."""
        room = ctypes.create_string_buffer(16)
        length = self._control("capabilities", _CAPABILITIES, room, len(room))
        return room.raw[:length]

    def pkey_query(self, key: int, info: str = "") -> PublicKeyLimits:
        """Return what an asymmetric key can do."""
        found = _Limits()
        self._control("pkey_query", _QUERY, key, 0, _text(info), ctypes.byref(found))
        can = frozenset(name for name, bit in _OPERATIONS.items() if found.operations & bit)
        return PublicKeyLimits(can, found.bits, found.data, found.signature, found.cipher, found.plain)

    def pkey_encrypt(self, key: int, info: str, plain: bytes) -> bytes:
        """Encrypt with a public key."""
        return self._compute("pkey_encrypt", _ENCRYPT, key, info, plain)

    def pkey_decrypt(self, key: int, info: str, cipher: bytes) -> bytes:
        """Decrypt with a private key."""
        return self._compute("pkey_decrypt", _DECRYPT, key, info, cipher)

    def pkey_sign(self, key: int, info: str, digest: bytes) -> bytes:
        """Sign a digest."""
        return self._compute("pkey_sign", _SIGN, key, info, digest)

    def pkey_verify(self, key: int, info: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature is the key's; EINVAL and EKEYREJECTED both say no, when the key can verify at all."""
        given = _Parameters(key=key, input=len(digest), other=len(signature))
        words = (ctypes.byref(given), _text(info), _where(digest), _where(signature))
        number = self._answer(self._keyctl, _VERIFY, *words)
        if number >= 0:
            return True
        if -number in _NOT_VALID and "verify" in self.pkey_query(key, info).operations:
            return False
        raise refused(-number, "pkey_verify")

    def entries(self) -> list[Entry]:
        """Return what /proc/keys lists."""
        return entries(Path("/proc/keys").read_text(encoding="utf-8", errors="replace"))

    def quota(self) -> Quota:
        """Return this user's line of /proc/key-users."""
        return quota(Path("/proc/key-users").read_text(encoding="ascii"), os.getuid())

    def _compute(self, operation: str, command: int, key: int, info: str, data: bytes) -> bytes:
        limits = self.pkey_query(key, info)
        room = ctypes.create_string_buffer(max(limits[2:]) or 1)
        given = _Parameters(key=key, input=len(data), other=len(room))
        length = self._control(operation, command, ctypes.byref(given), _text(info), _where(data), room)
        try:
            return ctypes.string_at(room, length)
        finally:
            ctypes.memset(room, 0, len(room))

    def _fill(self, operation: str, command: int, key: int) -> bytes:
        size = 512
        while True:
            room = ctypes.create_string_buffer(size)
            length = self._control(operation, command, key, room, size)
            if length <= size:
                content = ctypes.string_at(room, length)  # one copy, which its caller can wipe
                ctypes.memset(room, 0, size)
                return content
            size = length

    def _control(self, operation: str, command: int, *words: Any) -> int:
        return self._call(operation, self._keyctl, command, *words)

    def _call(self, operation: str, number: int, *words: Any) -> int:
        answer = self._answer(number, *words)
        if answer < 0:
            raise refused(-answer, operation)
        return answer

    def _answer(self, number: int, *words: Any) -> int:
        # The call is variadic: an int that is not widened leaves the upper half of its register to chance.
        wide = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
        ctypes.set_errno(0)
        answer = int(self._syscall(ctypes.c_long(number), *wide))
        return -ctypes.get_errno() if answer == -1 else answer


def _text(text: str | None) -> ctypes.c_char_p:
    if text is not None and "\0" in text:
        raise refused(errno.EINVAL, "a name with a zero byte")
    return ctypes.c_char_p(None if text is None else text.encode())


def _where(payload: bytes | bytearray) -> Any:
    if not payload:
        return ctypes.c_char_p(None)
    if isinstance(payload, bytearray):
        return (ctypes.c_char * len(payload)).from_buffer(payload)
    return ctypes.c_char_p(payload)
