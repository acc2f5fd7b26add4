"""Folders whose files the kernel encrypts, each under a key that it is given and that is nowhere on the disk (fscrypt)."""

from coldframe.engines.encrypted_folders.errors import (
    EncryptedFolderError,
    FolderInClear,
    Impossible,
    KeyQuota,
)
from coldframe.engines.encrypted_folders.folders import (
    Busy,
    key_of,
    locked,
    make_folder,
    obstacle,
    remove_key,
    unlock,
    unlocked,
)
from coldframe.engines.encrypted_folders.names import KEY_BYTES, name_of

__all__ = [
    "KEY_BYTES",
    "Busy",
    "EncryptedFolderError",
    "FolderInClear",
    "Impossible",
    "KeyQuota",
    "key_of",
    "locked",
    "make_folder",
    "name_of",
    "obstacle",
    "remove_key",
    "unlock",
    "unlocked",
]
