"""A copy of an object store that another process may be writing to."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path


def copy(source: Path, destination: Path, named: Collection[str]) -> int:
    """Copy the blobs of these ids to a directory that may have some of them; return how many were deleted before. Raises OSError.

    Blobs never change, so they are linked where the disk allows it.
    """
    destination.mkdir(mode=0o700, exist_ok=True)
    gone = 0
    for name in sorted(named):
        folder = destination / name[:2]
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            os.link(source / name[:2] / name, folder / name)
        except FileExistsError:
            continue
        except FileNotFoundError:
            gone += not (folder / name).exists()
        except OSError:
            # Another disk, or one without links.
            gone += not ((folder / name).exists() or _copied(source / name[:2] / name, folder / name))
    return gone


def keep(destination: Path, named: Collection[str]) -> None:
    """Remove from a copy what is not among these ids."""
    kept = set(named)
    for path in destination.glob("*/*"):
        if path.name not in kept:
            path.unlink()


def _copied(source: Path, target: Path) -> bool:
    fresh = target.with_name(f"{target.name}.new")
    try:
        shutil.copy2(source, fresh)
    except FileNotFoundError:
        fresh.unlink(missing_ok=True)
        return False
    fresh.rename(target)
    return True
