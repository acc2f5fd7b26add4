"""How well a key is kept: used inside the kernel, only stored there, or public."""

import enum

from coldframe.engines.keyring import KeyringError, KeyService


class Protection(enum.Enum):
    """Where the secret is, and where it is used; the value is what `coldframe keys show` prints."""

    KERNEL_OPERATION = "held and used in the kernel"
    KERNEL_STORED = "held in the kernel, read when used"
    PUBLIC = "public key"
    KEYRING = "keyring"
    UNKNOWN = "cannot be looked at"


def protection(service: KeyService, serial: int) -> Protection:
    """Return how a key is kept; raises a KeyringError when it cannot even be described."""
    kind = service.describe(serial).type
    if kind == "keyring":
        return Protection.KEYRING
    if kind == "logon":
        return Protection.KERNEL_OPERATION
    if kind != "asymmetric":
        return Protection.KERNEL_STORED
    try:
        operations = service.pkey_query(serial).operations
    except KeyringError:
        return Protection.UNKNOWN
    return Protection.KERNEL_OPERATION if operations & {"sign", "decrypt"} else Protection.PUBLIC
