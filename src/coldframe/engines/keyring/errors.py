"""What the kernel refuses, by errno, each with a hint for the person who reads it; no text ever holds a secret."""

import errno
import os


class KeyringError(Exception):
    """A key operation that the kernel refused; `errno` is its number, `operation` its name, `hint` the remedy."""

    what = "the kernel refused"

    def __init__(self, number: int, operation: str, hint: str = "") -> None:
        self.errno = number
        self.operation = operation
        self.hint = hint
        name = errno.errorcode.get(number, str(number))
        text = f"{operation}: {self.what} ({name}, {os.strerror(number)})"
        super().__init__(f"{text}; {hint}" if hint else text)


class KeyNotFound(KeyringError):
    """No such key, or none that the keyrings of this process lead to."""

    what = "there is no such key here"


class KeyExpired(KeyringError):
    """The key's lifetime has ended."""

    what = "the key has expired"


class KeyRevoked(KeyringError):
    """The key was revoked."""

    what = "the key was revoked"


class KeyRejected(KeyringError):
    """The key was rejected by the service that should have made it, or a signature does not verify."""

    what = "the key was rejected"


class AccessDenied(KeyringError):
    """The key's permissions do not allow this to this process."""

    what = "the permissions of the key do not allow it"


class NotPermitted(KeyringError):
    """A restricted keyring, a reserved name, or a sandbox that forbids the call."""

    what = "it is not permitted"


class QuotaExceeded(KeyringError):
    """The user's quota of keys or of bytes is used up."""

    what = "the quota of this user is used up"


class UnknownKeyType(KeyringError):
    """This kernel has no such key type."""

    what = "this kernel has no such key type"


class PayloadRefused(KeyringError):
    """No parser of this kernel understands the key's bytes."""

    what = "no parser of this kernel understands these bytes"


class AlgorithmMissing(KeyringError):
    """The kernel lacks the algorithm or the hash that the key or the operation needs."""

    what = "this kernel lacks the algorithm"


class OperationMissing(KeyringError):
    """Keys of this type, or this kernel, do not have the operation."""

    what = "keys of this type do not have this operation, or the kernel lacks it"


class InvalidRequest(KeyringError):
    """The kernel does not take an argument."""

    what = "the kernel does not take these arguments"


class NotAKeyring(KeyringError):
    """A keyring is needed and the key is none."""

    what = "this key is not a keyring"


class LinkRefused(KeyringError):
    """The link would make a cycle, nest too deep, or displace a key that must stay."""

    what = "the link cannot be made"


_BY_ERRNO: dict[int, type[KeyringError]] = {
    errno.ENOKEY: KeyNotFound,
    errno.EKEYEXPIRED: KeyExpired,
    errno.EKEYREVOKED: KeyRevoked,
    errno.EKEYREJECTED: KeyRejected,
    errno.EACCES: AccessDenied,
    errno.EPERM: NotPermitted,
    errno.EDQUOT: QuotaExceeded,
    errno.ENODEV: UnknownKeyType,
    errno.EBADMSG: PayloadRefused,
    errno.ENOPKG: AlgorithmMissing,
    errno.ENOENT: AlgorithmMissing,
    errno.ENOSYS: OperationMissing,
    errno.EOPNOTSUPP: OperationMissing,
    errno.EINVAL: InvalidRequest,
    errno.ENOTDIR: NotAKeyring,
    errno.EDEADLK: LinkRefused,
    errno.ELOOP: LinkRefused,
    errno.EEXIST: LinkRefused,
}

_POSSESS = (
    "the key must be reachable from a keyring of this process: is it in @u while @u is not linked into the "
    "session keyring (link it: coldframe keys session, or keyctl link @u @s), or in another session?"
)
_HINTS: dict[int, str] = {
    errno.ENOKEY: _POSSESS,
    errno.EACCES: _POSSESS,
    errno.EKEYEXPIRED: "add it again: coldframe keys add",
    errno.EKEYREVOKED: "add it again: coldframe keys add",
    errno.EDQUOT: "remove keys that are not needed, or raise kernel.keys.maxkeys and kernel.keys.maxbytes",
    errno.ENOSYS: "a kernel without CONFIG_KEYS, or a sandbox that hides it (containers' seccomp profiles do)",
    errno.EDEADLK: "a keyring cannot lie in itself",
    errno.ELOOP: "keyrings nest at most six deep",
    errno.EEXIST: "a key of this type and description is there already",
}
_HINTS_OF: dict[tuple[str, int], str] = {
    (
        "add_key",
        errno.EBADMSG,
    ): "load the parser of private keys: modprobe pkcs8_key_parser; the bytes must be "
    "PKCS#8 in DER, not encrypted, or an X.509 certificate",
    (
        "add_key",
        errno.ENOPKG,
    ): "Linux holds private keys of RSA only; EC and Ed25519 keys cannot be used in the kernel",
    ("add_key", errno.EPERM): "the keyring is restricted, the type is reserved, or a sandbox forbids add_key "
    "(containers: a seccomp profile that allows add_key, keyctl and request_key)",
    (
        "add_key",
        errno.EINVAL,
    ): "a description is needed; user keys take 1 to 32767 bytes, descriptions of logon keys "
    "begin with a word and a colon",
    (
        "read",
        errno.EOPNOTSUPP,
    ): "keys of type asymmetric and logon cannot be read back: that is what they are for",
    ("pkey_sign", errno.ENOENT): "load the hash: modprobe sha512_generic (or sha256_generic, sha3_generic)",
    ("pkey_query", errno.EOPNOTSUPP): "only keys of type asymmetric have public key operations",
    ("pkey_sign", errno.EOPNOTSUPP): "only keys of type asymmetric have public key operations",
}


def refused(number: int, operation: str) -> KeyringError:
    """Return the typed error for an errno of an operation, with its hint."""
    hint = _HINTS_OF.get((operation, number)) or _HINTS.get(number, "")
    return _BY_ERRNO.get(number, KeyringError)(number, operation, hint)
