"""The databases that an endpoint was told to spread its clients over, kept for when its process is started anew."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from coldframe.core.durable import sync_folder

_NAME = "databases.json"


def remember(folder: Path, listed: Sequence[Path]) -> None:
    """Write the list down durably."""
    new = folder / f"{_NAME}.new"
    with new.open("wb") as file:
        file.write(msgspec.json.encode([str(path) for path in listed]))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / _NAME)
    sync_folder(folder)


def recall(folder: Path) -> list[Path] | None:
    """Return the list; None when there is none."""
    try:
        return [Path(path) for path in msgspec.json.decode((folder / _NAME).read_bytes(), type=list[str])]
    except FileNotFoundError:
        return None


def forget(folder: Path) -> None:
    """Keep no list: where the clients go is for others to say."""
    if (folder / _NAME).exists():
        (folder / _NAME).unlink(missing_ok=True)
        sync_folder(folder)
