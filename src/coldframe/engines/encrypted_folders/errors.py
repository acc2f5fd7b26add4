"""What goes wrong with encrypted folders; `hint` tells the operator what to do."""


class EncryptedFolderError(Exception):
    """A folder could not be encrypted, opened or closed; `hint` tells the operator what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class Impossible(EncryptedFolderError):
    """There can be no encrypted folders there."""


class FolderInClear(EncryptedFolderError):
    """A folder that ought to be encrypted under a key is not, or is under another one."""


class KeyQuota(EncryptedFolderError):
    """The kernel holds no more keys for this user."""
