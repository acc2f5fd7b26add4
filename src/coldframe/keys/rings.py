"""Keyrings: how they are named, what they hold, and how keys come into them."""

import struct
from collections.abc import Iterator

from coldframe.engines.keyring import (
    SESSION,
    SPECIAL,
    USER,
    USER_SESSION,
    Kernel,
    KeyNotFound,
    KeyringError,
    KeyService,
)
from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.key import Key
from coldframe.keys.policy import Policy


class KeyringNameUnknown(ValueError):
    """A word that names no keyring."""


class Keyring:
    """One keyring. `number` is its serial or the number of a special one, such as `engines.keyring.SESSION`."""

    def __init__(self, number: int = SESSION, service: KeyService | None = None) -> None:
        self.service = service or Kernel()
        self.number = number

    @property
    def serial(self) -> int:
        """The serial; a special keyring that is not there yet is made. Raises a KeyringError."""
        if self.number > 0:
            return self.number
        return self.service.keyring_id(self.number, create=True)

    def add_secret(self, description: str, payload: bytes | bytearray, *, readable: bool = True) -> Key:
        """Keep 1 to 32767 bytes: as a `user` key, or where `readable` is false as a `logon` key.

        A logon key never comes back out of the kernel; its description begins with a word and a colon. A bytearray is
        not copied, so that the caller can wipe it. Raises a KeyringError.
        """
        serial = self.service.add_key("user" if readable else "logon", description, payload, self.number)
        return Key(serial, self.service)

    def add_certificate(self, der: bytes, description: str = "") -> AsymmetricKey:
        """Add the public key of an X.509 certificate in DER; without a description the kernel makes one."""
        return AsymmetricKey(self.service.add_key("asymmetric", description, der, self.number), self.service)

    def add_keyring(self, description: str) -> "Keyring":
        """Make a keyring in this one, in the place of one of the same name."""
        return Keyring(self.service.add_key("keyring", description, b"", self.number), self.service)

    def search(self, kind: str, description: str) -> Key:
        """Find a key in this keyring and those below it; raises KeyNotFound."""
        return Key(self.service.search(self.serial, kind, description), self.service)

    def asymmetric(self, description: str, policy: Policy | None = None) -> AsymmetricKey:
        """Find an asymmetric key, to be used under a policy; raises KeyNotFound."""
        return AsymmetricKey(
            self.service.search(self.serial, "asymmetric", description), self.service, policy
        )

    def serials(self) -> list[int]:
        """Return the serials of what is linked here, not of what lies deeper."""
        content = self.service.read(self.serial)
        return [number for (number,) in struct.iter_unpack("=i", content)]

    def __iter__(self) -> Iterator[Key]:
        return (Key(serial, self.service) for serial in self.serials())

    def link(self, key: "Key | Keyring") -> None:
        """Link a key or keyring here."""
        self.service.link(key.serial, self.number)

    def unlink(self, key: "Key | Keyring") -> None:
        """Take a key or keyring out of here; what no keyring holds is destroyed."""
        self.service.unlink(key.serial, self.serial)

    def move(self, key: "Key | Keyring", destination: "Keyring", *, exclusive: bool = False) -> None:
        """Move a key to another keyring; `exclusive` refuses to displace one of the same type and name."""
        self.service.move(key.serial, self.serial, destination.serial, exclusive=exclusive)

    def clear(self) -> None:
        """Take everything out."""
        self.service.clear(self.serial)

    def restrict(self, kind: str | None = None, restriction: str | None = None) -> None:
        """Take no more links, or only asymmetric keys that another key vouches for; for good."""
        self.service.restrict(self.serial, kind, restriction)

    def __repr__(self) -> str:
        return f"Keyring({self.number})"


def named(name: str, service: KeyService | None = None) -> Keyring:
    """Return the keyring that a word names: @t @p @s @u @us, a serial, or `%:NAME` for one that can be searched.

    Raises KeyringNameUnknown, or KeyNotFound for a name that leads nowhere.
    """
    service = service or Kernel()
    if name in SPECIAL:
        return Keyring(SPECIAL[name], service)
    if name.startswith(("%:", "%keyring:")):
        return Keyring(found(name.split(":", 1)[1], "keyring", service), service)
    if name.isascii() and name.isdigit() and int(name) > 0:
        return Keyring(int(name), service)
    raise KeyringNameUnknown(
        f"{name!r} names no keyring; there are @s (session), @u (user), @us (user's default session), @p (process), "
        "@t (thread), serial numbers, and %:NAME for a keyring of that name"
    )


def found(description: str, kind: str, service: KeyService) -> int:
    """Return the serial of a key by type and name, from all keyrings of this process, the user's last."""
    try:
        return service.request_key(kind, description)
    except KeyNotFound as nowhere:
        # @u may not be linked into the session. What lies there is not usable then, and the kernel's answer says so.
        try:
            return service.search(USER, kind, description)
        except KeyNotFound:
            raise nowhere from None


def session_is_default(service: KeyService) -> bool:
    """Tell whether this process has no session keyring of its own: a new one would end with the process."""
    try:
        return service.keyring_id(SESSION) == service.keyring_id(USER_SESSION)
    except KeyringError:
        return False


def start_session(service: KeyService, name: str | None = None) -> Keyring:
    """Join a new session keyring, or the one of a name, from which the user's keys can be used too."""
    service.join_session(name)
    service.link(USER, SESSION)
    return Keyring(SESSION, service)


def persistent(service: KeyService, uid: int = -1, into: int = SESSION) -> Keyring:
    """Return a user's persistent keyring, which outlives logins for three days, linked into another; -1 is this user."""
    return Keyring(service.persistent(uid, into), service)
