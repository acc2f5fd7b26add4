"""Putting a newer data directory in the place of an older one, which stays beside it until it is certain."""

import shutil
from pathlib import Path

from coldframe.core.durable import remove_tree, sync_folder, sync_tree


def swap(fresh: Path, data: Path) -> None:
    """Let `fresh` become `data`; what was there lies beside it, for `back`. May be repeated after a crash at any moment."""
    if fresh.exists():
        # Much of it was copied, which nobody has waited for; the older data are thrown away soon.
        sync_tree(fresh)
        before = _before(data)
        if not before.exists():
            data.rename(before)
        elif data.exists():
            raise FileExistsError(f"{before} is in the way: it is what another exchange left")
        fresh.rename(data)
        sync_folder(data.parent)


def back(data: Path) -> None:
    """Put what `swap` moved aside in its place again, and throw away what came instead."""
    before = _before(data)
    if before.exists():
        if data.exists():
            failed = data.with_name(f"{data.name}.failed")
            shutil.rmtree(failed, ignore_errors=True)
            data.rename(failed)
        before.rename(data)
        sync_folder(data.parent)
    shutil.rmtree(data.with_name(f"{data.name}.failed"), ignore_errors=True)


def settle(data: Path) -> None:
    """Throw away what `swap` moved aside: were it back after a power cut, `back` would put it in place of all that came since."""
    remove_tree(_before(data))


def _before(data: Path) -> Path:
    return data.with_name(f"{data.name}.before")
