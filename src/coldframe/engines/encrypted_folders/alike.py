"""A folder that is encrypted as another one on the same disk is: for copies by who has no key and may read the files."""

from pathlib import Path

from coldframe.core.durable import sync_folder
from coldframe.engines.encrypted_folders import fscrypt
from coldframe.engines.encrypted_folders.errors import EncryptedFolderError
from coldframe.engines.encrypted_folders.folders import key_of, unlocked


def make_alike(folder: Path, source: Path) -> None:
    """Make a folder under the key of an encrypted one, which the kernel has; raises EncryptedFolderError."""
    name = key_of(source)
    if name is None:
        raise EncryptedFolderError(f"{source} is not encrypted")
    if not unlocked(source, name):
        raise EncryptedFolderError(
            f"{source} is closed: the kernel does not have the key of its files",
            "start the server on this data directory, which gives the kernel the keys of its databases",
        )
    folder.mkdir(mode=0o700, parents=True)
    try:
        fscrypt.set_policy(folder, bytes.fromhex(name))
    except OSError as error:
        folder.rmdir()
        raise EncryptedFolderError(
            f"{folder} could not be encrypted as {source} is: {error.strerror}",
            "run it as the user that the server runs as, or as root",
        ) from error
    sync_folder(folder)
    sync_folder(folder.parent)
