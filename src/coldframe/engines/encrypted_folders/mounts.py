"""Which file system a folder lies on: its kind and its device, as /proc/self/mountinfo has them."""

import os
from pathlib import Path
from typing import NamedTuple


class Mount(NamedTuple):
    """A file system where it is mounted: such as ext4, /dev/vda, /."""

    kind: str
    device: str
    place: str


def mount_of(folder: Path) -> Mount:
    """Return the file system of an existing folder; unknown words are `?`."""
    number = folder.stat().st_dev
    wanted, inside = f"{os.major(number)}:{os.minor(number)}", os.path.realpath(folder)
    found = Mount("?", "?", "?")
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        words, (kind, device, *_) = before.split(), after.split()
        # The last one that it lies in: others may be mounted over, or in more than one place.
        if words[2] == wanted and (inside + "/").startswith(words[4].rstrip("/") + "/"):
            found = Mount(kind, device, words[4])
    return found
