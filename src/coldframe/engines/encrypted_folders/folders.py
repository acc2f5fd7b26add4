"""Encrypted folders: where there can be any, made, opened with their key, closed again.

The kernel holds a key for a file system, whoever has given it and however long that lives: any process that may read the
files can then, and none once it is removed. Without its key a folder can be listed, in scrambled names, and removed.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from coldframe.core.durable import sync_folder
from coldframe.engines.encrypted_folders import fscrypt
from coldframe.engines.encrypted_folders.errors import (
    EncryptedFolderError,
    FolderInClear,
    Impossible,
    KeyQuota,
)
from coldframe.engines.encrypted_folders.mounts import mount_of
from coldframe.engines.encrypted_folders.names import name_of

_ELSEWHERE = "keep the data on an ext4 file system that has the feature: mkfs.ext4 -O encrypt DEVICE"


class Busy(msgspec.Struct, frozen=True):
    """Files of a key that was removed are still open, and can be read by those who have them: ids of processes."""

    processes: tuple[int, ...]


def obstacle(folder: Path) -> Impossible | None:
    """Return why there can be no encrypted folders in an existing folder, and what to do; None when there can."""
    try:
        name = fscrypt.policy_of(folder)
    except OSError as error:
        if error.errno == errno.ENODATA:
            return None
        kind, device, place = mount_of(folder)
        if error.errno == errno.EOPNOTSUPP and kind == "ext4":
            return Impossible(
                f"the ext4 file system at {place} is not made for encryption, or this kernel has none",
                f"switch it on, which changes no file: tune2fs -O encrypt {device}",
            )
        if error.errno in {errno.ENOTTY, errno.EOPNOTSUPP}:
            return Impossible(f"the {kind} file system at {place} cannot encrypt folders", _ELSEWHERE)
        return Impossible(f"{folder} could not be looked at: {error.strerror}")
    return Impossible(
        f"{folder} is itself in a folder that is encrypted, under the key {name.hex()}", _ELSEWHERE
    )


def make_folder(folder: Path, key: bytes | bytearray) -> None:
    """Make a folder that is encrypted under a key, opened with it, or find it so; raises Impossible, FolderInClear, KeyQuota.

    An empty folder that is there is taken; its mode and owner stay.
    """
    name = bytes.fromhex(name_of(key))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if key_of(folder) is None:
        _add(folder, key)
        try:
            fscrypt.set_policy(folder, name)
        except OSError as error:
            raise _refused(folder, error) from error
        # What is written there must not come to lie in a folder that a power cut made one in clear.
        sync_folder(folder)
        sync_folder(folder.parent)
    unlock(folder, key)


def key_of(folder: Path) -> str | None:
    """Return the name of the key that an existing folder is encrypted under, None for one in clear; raises OSError."""
    try:
        return fscrypt.policy_of(folder).hex()
    except OSError as error:
        if error.errno in {errno.ENODATA, errno.EOPNOTSUPP, errno.ENOTTY}:
            return None
        raise


def unlocked(folder: Path, name: str) -> bool:
    """Tell whether the file system of an existing folder has a key."""
    try:
        return fscrypt.status_of(folder, bytes.fromhex(name)) == "present"
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.ENOTTY}:
            return False
        raise


def locked(folder: Path, name: str) -> bool:
    """Tell whether nothing that a key encrypts can be read: it is not there, and nobody has a file open still."""
    try:
        return fscrypt.status_of(folder, bytes.fromhex(name)) == "absent"
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.ENOTTY}:
            return True
        raise


def unlock(folder: Path, key: bytes | bytearray) -> None:
    """Open an encrypted folder with its key, or find it open; raises FolderInClear for one that is not under this key."""
    found, name = key_of(folder), name_of(key)
    if found != name:
        raise FolderInClear(
            f"{folder} is " + ("not encrypted" if found is None else f"encrypted under another key, {found}"),
            "nothing may be kept in it; bring back what was there from a backup",
        )
    if not unlocked(folder, name):
        _add(folder, key)


def remove_key(folder: Path, name: str, *, of: Iterable[Path] = ()) -> Busy | None:
    """Take a key from the file system of a folder in clear, or find it gone; `of` are the folders that it encrypts.

    Returns who has files open there still: what they have open goes on being read and written, and by nobody else. Call it
    again when they have ended.
    """
    try:
        busy = fscrypt.remove_key(folder, bytes.fromhex(name))
    except OSError as error:
        if error.errno in {errno.ENOKEY, errno.EOPNOTSUPP, errno.ENOTTY}:
            return None
        raise EncryptedFolderError(
            f"the key {name} of {folder} could not be removed: {error.strerror}",
            "it is for the user who gave it, or root",
        ) from error
    return Busy(tuple(_users(of))) if busy else None


def _add(folder: Path, key: bytes | bytearray) -> None:
    try:
        fscrypt.add_key(folder, key)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> EncryptedFolderError:
    if error.errno == errno.EDQUOT:
        return KeyQuota(
            f"the kernel holds no more keys for this user: {folder} stays closed",
            "raise it: sysctl kernel.keys.maxkeys kernel.keys.maxbytes (for root: root_maxkeys, root_maxbytes)",
        )
    if error.errno == errno.ENOTEMPTY:
        return FolderInClear(f"{folder} has files in clear in it", "remove them")
    return obstacle(folder) or EncryptedFolderError(
        f"{folder} could not be encrypted: {error.strerror}", "the kernel's log may say more"
    )


def _users(folders: Iterable[Path]) -> list[int]:
    """Return the processes that have something open below folders, as far as we may look."""
    roots = tuple(f"{os.path.realpath(folder)}/" for folder in folders)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [process / "cwd", process / "root", *(process / "fd").iterdir()]
            if any(f"{link.readlink()}/".startswith(roots) for link in links):
                found.append(int(process.name))
        except OSError:
            # It has ended meanwhile, or is somebody else's.
            continue
    return sorted(found)
