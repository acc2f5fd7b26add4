"""A copy of an object store that another process may be writing to."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path


class BackupFailed(Exception):
    """Blobs that the copy needs were deleted before they could be copied."""


def copy(source: Path, destination: Path, named: Collection[str]) -> None:
    """Copy the blobs of these ids to the new directory `destination`; raises BackupFailed and OSError.

    Blobs never change, so they are linked where the disk allows it.
    """
    destination.mkdir(mode=0o700)
    gone = 0
    for name in sorted(named):
        folder = destination / name[:2]
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            os.link(source / name[:2] / name, folder / name)
        except FileNotFoundError:
            gone += 1
        except OSError:
            # Another disk, or one without links.
            try:
                shutil.copy2(source / name[:2] / name, folder / name)
            except FileNotFoundError:
                gone += 1
    if gone:
        raise BackupFailed(f"{gone} objects were deleted or replaced while they were copied; try again")
