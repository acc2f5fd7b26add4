"""One key in the kernel, of any type: what it is, how well it is kept, and its end."""

from coldframe.engines.keyring import Description, Kernel, KeyService
from coldframe.keys.protection import Protection, protection


class Key:
    """A key by its serial. Every method raises the KeyringError that the kernel answers."""

    def __init__(self, serial: int, service: KeyService | None = None) -> None:
        self.serial = serial
        self.service = service or Kernel()

    def describe(self) -> Description:
        """Return type, owner, permissions and description."""
        return self.service.describe(self.serial)

    @property
    def protection(self) -> Protection:
        """Where the secret of this key is, and where it is used."""
        return protection(self.service, self.serial)

    def read(self) -> bytes:
        """Return the payload of a key that can be read; asymmetric and logon keys cannot."""
        return self.service.read(self.serial)

    def update(self, payload: bytes | bytearray) -> None:
        """Replace the payload of a user or logon key; this takes its timeout away."""
        self.service.update(self.serial, payload)

    def expire_in(self, seconds: int) -> None:
        """Let the key expire after whole seconds; 0 takes the timeout away."""
        self.service.set_timeout(self.serial, seconds)

    def set_permissions(self, mask: int) -> None:
        """Set who may do what (`engines.keyring.permissions`)."""
        self.service.set_permissions(self.serial, mask)

    def revoke(self) -> None:
        """Make every use of the key fail from now on."""
        self.service.revoke(self.serial)

    def invalidate(self) -> None:
        """Make the key vanish from all keyrings at once."""
        self.service.invalidate(self.serial)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.serial})"
