"""Making names durable: what was created, renamed or removed in a folder is there after a power cut once this returns."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Have the disk take the names of a folder; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
