"""Power cuts: a file system of a test's own that loses what was not synced, as it does when a machine loses power.

The kernel is told to shut the file system down without writing its journal (what xfstests do): from then on nothing reaches
the disk and every call fails; what is there after the next mount is what was durable at that moment.
"""

import contextlib
import fcntl
import mmap
import os
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.process import until

# <linux/ext4.h>: _IOR('X', 125, __u32), the same as XFS_IOC_GOINGDOWN; 2 is "do not write the log".
_SHUTDOWN, _WITHOUT_LOG = 0x8004587D, 2

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/loop-control").exists(),
    reason="cutting the power of a file system takes root, who may mount one, and a kernel with loop devices",
)


class CutDisk:
    """A file system in a file, mounted at `folder`; after `cut` it is of no use until `back`."""

    def __init__(self, home: Path, size: int, options: str, kind: str, features: str = "") -> None:
        self.folder = home / "disk"
        self.image = home / "image"
        self.failing = False
        """Whether the power is being cut: a sync that is under way then may still say that it is done (ext4's aborted
        journal), which on a machine that fails nobody would hear. What is heard later than that counts for nothing."""
        self._options = f"loop,{options}" if options else "loop"
        self.folder.mkdir()
        with self.image.open("wb") as file:
            file.truncate(size)
        quiet = ["-q", "-F"] if kind == "ext4" else ["-q"]
        more = ["-O", features] if features else []
        subprocess.run([f"mkfs.{kind}", *quiet, *more, self.image], check=True)
        self._mount()

    def cut(self) -> None:
        """Lose the power now; the programs that use the disk run on and find that it is gone."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        self.failing = True
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _WITHOUT_LOG))
        finally:
            os.close(descriptor)

    def back(self) -> None:
        """End every program that still uses the disk, and have it again with what was durable."""
        self.close()
        self._mount()
        self.failing = False

    def remount(self, options: str) -> None:
        """Change the options of the mount, such as `ro`."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def holds(self, *texts: bytes) -> list[bytes]:
        """Return which of the texts lie anywhere on the disk, also in blocks that no file has any more."""
        subprocess.run(["sync", "-f", self.folder], check=True)
        with self.image.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
            found: set[bytes] = set()
            for begin, end in _written(file.fileno()):
                found.update(text for text in texts if content.find(text, begin, end) >= 0)
        return [text for text in texts if text in found]

    def close(self) -> None:
        """Take it away."""
        self.end_users()
        until(self._unmounted)

    def _mount(self) -> None:
        subprocess.run(["mount", "-o", self._options, self.image, self.folder], check=True)
        self.folder.chmod(0o755)

    def _unmounted(self) -> bool:
        return subprocess.run(["umount", self.folder], check=False, capture_output=True).returncode == 0

    def end_users(self) -> None:
        """End whoever has a file of the disk open, or works in it: nobody does who is not of the test."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                links = [process / "cwd", *(process / "fd").iterdir()]
                if int(process.name) != os.getpid() and any(map(self._leads_here, links)):
                    os.kill(int(process.name), signal.SIGKILL)

    def _leads_here(self, link: Path) -> bool:
        try:
            return link.readlink().is_relative_to(self.folder)
        except OSError:
            return False


def _written(descriptor: int) -> Iterator[tuple[int, int]]:
    """Give the beginnings and the ends of what was ever written of a file."""
    end = 0
    with contextlib.suppress(OSError):
        # ENXIO: there is no more.
        while True:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, begin, os.SEEK_HOLE)
            yield begin, end


@contextlib.contextmanager
def cut_disk(
    options: str = "", *, size: int = 512 << 20, kind: str = "ext4", features: str = ""
) -> Iterator[CutDisk]:
    """A disk whose power can be cut, mounted with options such as `data=writeback`; it takes root.

    `features` are those that the file system has beside the usual ones, such as `encrypt`.
    """
    # None of pytest's: databases of another user lie in it, and their sockets need a short name.
    home = Path(tempfile.mkdtemp(prefix="cf-"))
    home.chmod(0o755)
    disk = CutDisk(home, size, options, kind, features)
    try:
        yield disk
    finally:
        disk.close()
        shutil.rmtree(home)
