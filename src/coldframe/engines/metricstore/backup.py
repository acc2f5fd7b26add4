"""A consistent copy of a metric store that another process may be writing to."""

import os
import shutil
import sqlite3
from pathlib import Path

from coldframe.engines.metricstore import wal


def copy(source: Path, destination: Path) -> None:
    """Copy the store at `source` to the new directory `destination`; raises OSError and sqlite3.Error.

    The log goes first: what moves from it to the blocks meanwhile is then in both, and the blocks, which are copied
    after it, say up to which file they have it.
    """
    destination.mkdir(mode=0o700)
    for _, path in wal.found(source):
        try:
            shutil.copy2(path, destination / path.name)
        except FileNotFoundError:
            # It has been moved to the blocks.
            (destination / path.name).unlink(missing_ok=True)
    target = destination / "blocks.sqlite3"
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    origin = sqlite3.connect(f"{(source / target.name).absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    copied = sqlite3.connect(target)
    try:
        origin.backup(copied)
        copied.execute("PRAGMA journal_mode=DELETE")
    finally:
        copied.close()
        origin.close()
