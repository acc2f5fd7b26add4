"""A consistent copy of a log store that another process may be writing to."""

import os
import shutil
import sqlite3
from pathlib import Path

_TRIES = 20


class BackupFailed(Exception):
    """The segments changed faster than they could be copied."""


def copy(source: Path, destination: Path) -> None:
    """Copy the store at `source` to the new directory `destination`; raises BackupFailed and OSError.

    The log goes first: what moves from it to segments meanwhile is then in both, and the catalog, which is copied
    after it, says from where on the log counts. Segments never change, so they are linked where the disk allows it.
    """
    destination.mkdir(mode=0o700)
    _copy_files(source / "wal", destination / "wal")
    _copy_files(source / "keys", destination / "keys")
    (destination / "segments").mkdir(mode=0o700)
    for _ in range(_TRIES):
        _copy_catalog(source / "catalog.sqlite", destination / "catalog.sqlite")
        if all(
            _link(source / "segments" / name, destination / "segments" / name)
            for name in _segments(destination)
        ):
            return
    raise BackupFailed(f"the segments of {source} changed {_TRIES} times while they were copied; try again")


def _segments(directory: Path) -> list[str]:
    catalog = sqlite3.connect(directory / "catalog.sqlite")
    try:
        return [
            f"{row[0]:012}.parquet"
            for row in catalog.execute("SELECT id FROM segments WHERE NOT quarantined")
        ]
    finally:
        catalog.close()


def _copy_catalog(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    origin = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    copied = sqlite3.connect(target)
    try:
        origin.backup(copied)
        copied.execute("PRAGMA journal_mode=DELETE")
    finally:
        copied.close()
        origin.close()


def _copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder; one that goes away meanwhile is one that is no longer needed."""
    target.mkdir(mode=0o700)
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        try:
            if path.is_dir():
                place.mkdir(mode=0o700, exist_ok=True)
            else:
                shutil.copy2(path, place)
        except FileNotFoundError:
            place.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> bool:
    """Link or copy a segment; False when a merge has taken it away."""
    if target.exists():
        return True
    try:
        os.link(source, target)
    except FileNotFoundError:
        return False
    except OSError:
        # Another disk, or one without links.
        try:
            shutil.copy2(source, target)
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            return False
    return True
