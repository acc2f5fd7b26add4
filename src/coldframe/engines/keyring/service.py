"""What a key retention service can do: the kernel's own, and the fake that tests hold against it."""

from typing import Protocol

from coldframe.engines.keyring.keys import Description, Entry, PublicKeyLimits, Quota


class KeyService(Protocol):
    """The operations of add_key(2), request_key(2) and keyctl(2).

    A keyring is given as its serial or as one of the special numbers of `keys.SPECIAL`. Every operation raises a
    `KeyringError` with the errno that the kernel answered.
    """

    def add_key(self, kind: str, description: str, payload: "bytes | bytearray", keyring: int) -> int:
        """Add or update a key of a type and return its serial; an empty description lets the type propose one."""
        ...

    def request_key(
        self, kind: str, description: str, callout: str | None = None, destination: int = 0
    ) -> int:
        """Find a key in the thread's, process's and session's keyrings, in this order, and link it if asked."""
        ...

    def keyring_id(self, keyring: int, *, create: bool = False) -> int:
        """Return the serial of a special keyring, made if it is not there and `create` is set."""
        ...

    def join_session(self, name: str | None = None) -> int:
        """Join the session keyring of a name, or a new one without a name; return its serial."""
        ...

    def session_to_parent(self) -> None:
        """Give this process's session keyring to its parent, which must be of one thread and of the same user."""
        ...

    def persistent(self, uid: int, destination: int) -> int:
        """Link a user's persistent keyring, kept three days after its last use, and return its serial."""
        ...

    def update(self, key: int, payload: "bytes | bytearray") -> None:
        """Replace the payload of a key."""
        ...

    def read(self, key: int) -> bytes:
        """Return the payload of a key; of a keyring, the serials that it links, four bytes each."""
        ...

    def describe(self, key: int) -> Description:
        """Return type, owner, permissions and description of a key."""
        ...

    def search(self, keyring: int, kind: str, description: str, destination: int = 0) -> int:
        """Find a key in a keyring and those below it, and return its serial; link it if asked."""
        ...

    def link(self, key: int, keyring: int) -> None:
        """Link a key into a keyring, in the place of one of the same type and description."""
        ...

    def unlink(self, key: int, keyring: int) -> None:
        """Remove a key's link from a keyring; a key without links is gone."""
        ...

    def move(self, key: int, origin: int, destination: int, *, exclusive: bool = False) -> None:
        """Move a key's link; `exclusive` refuses to displace another key."""
        ...

    def clear(self, keyring: int) -> None:
        """Remove all links of a keyring."""
        ...

    def revoke(self, key: int) -> None:
        """Make every use of a key fail with EKEYREVOKED."""
        ...

    def invalidate(self, key: int) -> None:
        """Make a key vanish at once."""
        ...

    def set_timeout(self, key: int, seconds: int) -> None:
        """Let a key expire after whole seconds; 0 takes a timeout away."""
        ...

    def set_permissions(self, key: int, mask: int) -> None:
        """Set who may do what with a key (`keys.permissions`)."""
        ...

    def chown(self, key: int, uid: int = -1, gid: int = -1) -> None:
        """Change owner or group of a key; -1 leaves one."""
        ...

    def restrict(self, keyring: int, kind: str | None = None, restriction: str | None = None) -> None:
        """Let a keyring take no more links, or only such asymmetric keys as the restriction says; for good."""
        ...

    def security(self, key: int) -> str:
        """Return the security label of a key, empty without a security module."""
        ...

    def capabilities(self) -> bytes:
        """Return the bits of what this kernel's key service can do."""
        ...

    def pkey_query(self, key: int, info: str = "") -> PublicKeyLimits:
        """Return what an asymmetric key can do with an encoding (`enc=pkcs1 hash=sha256`)."""
        ...

    def pkey_encrypt(self, key: int, info: str, plain: bytes) -> bytes:
        """Encrypt with the public key."""
        ...

    def pkey_decrypt(self, key: int, info: str, cipher: bytes) -> bytes:
        """Decrypt with the private key; with `enc=raw` this is the bare RSA operation."""
        ...

    def pkey_sign(self, key: int, info: str, digest: bytes) -> bytes:
        """Sign a digest with the private key."""
        ...

    def pkey_verify(self, key: int, info: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature of a digest is the key's."""
        ...

    def entries(self) -> list[Entry]:
        """Return the keys that this process may view, as /proc/keys lists them."""
        ...

    def quota(self) -> Quota:
        """Return how many keys and bytes this user has and may have."""
        ...
