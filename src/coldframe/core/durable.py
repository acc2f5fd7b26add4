"""What is there after a power cut once a call of this returns: files, copies, folders, and their names."""

import contextlib
import os
import shutil
from pathlib import Path

from coldframe.core import process
from coldframe.core.process import Account

_HOUR = 3600.0


def sync_folder(folder: Path) -> None:
    """Have the disk take the names of a folder; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Have the disk take what is in a folder, which others may have written, with all of its file system; raises ProgramFailed."""
    process.run(["sync", "--file-system", folder], timeout=_HOUR)


def rename_tree(fresh: Path, place: Path) -> None:
    """Let a folder take its place once the disk has all that is in it: copies wait for nobody. Raises ProgramFailed, OSError."""
    sync_tree(fresh)
    fresh.rename(place)
    sync_folder(place.parent)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, and for good: nothing of it comes back. Raises OSError.

    One that is not there is removed for good as well, as an attempt before may have ended in between.
    """
    while folder.exists():
        # Somebody else may remove a part of it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
    with contextlib.suppress(FileNotFoundError):
        sync_folder(folder.parent)


def empty_tree(folder: Path) -> None:
    """Remove all that is in a folder, if it is there, and let it stay as it is, with what the file system knows of it. Raises OSError."""
    while folder.exists() and (inside := list(folder.iterdir())):
        for path in inside:
            # Somebody else may remove a part of it meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder that its owner alone may enter, and those above it, unless they are there; raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def write(path: Path, content: bytes, *, mode: int = 0o600, owner: Account | None = None) -> None:
    """Put a file in place: whoever reads it, whenever the power fails, finds the old one or the new one, whole.

    `owner`: whose it becomes. Raises OSError, and leaves the old one then.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb"
        ) as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), owner.user, owner.group)
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def copy(source: Path, target: Path) -> None:
    """Copy a file, readable by its owner alone; its name is durable once its folder is synced. Raises OSError."""
    fresh = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, fresh, follow_symlinks=False)
    with fresh.open("rb") as copied:
        os.fchmod(copied.fileno(), 0o600)
        os.fsync(copied.fileno())
    fresh.replace(target)
