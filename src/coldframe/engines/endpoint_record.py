"""The databases that an endpoint was told to spread its clients over, kept for when its process is started anew."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from coldframe.core import durable

_NAME = "databases.json"


def remember(folder: Path, listed: Sequence[Path]) -> None:
    """Write the list down durably."""
    durable.write(folder / _NAME, msgspec.json.encode([str(path) for path in listed]))


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
        durable.sync_folder(folder)
