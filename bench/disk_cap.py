"""A disk that is slower than it is: processes in a control group whose bytes a second to one block device are limited."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

# How long processes that end may take to be gone, in seconds.
_PATIENCE = 10.0


class Cap:
    """A control group with a limit; processes are put in for a while, and back to where ours is."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder, self._home = folder, home

    @contextlib.contextmanager
    def over(self, pids: Iterable[int]) -> Iterator[None]:
        """Hold the limit over processes, and over those that they start meanwhile."""
        try:
            for pid in pids:
                # A session that ended meanwhile needs no limit.
                with contextlib.suppress(ProcessLookupError):
                    (self._folder / "cgroup.procs").write_text(str(pid))
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Put every process back, so that it may end at full speed."""
        members = self._folder / "cgroup.procs"
        began = time.monotonic()
        # Again, for those that were started meanwhile.
        while (pids := members.read_text().split()) and time.monotonic() - began < _PATIENCE:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    (self._home / "cgroup.procs").write_text(pid)


@contextlib.contextmanager
def limited(directory: Path, rate: int) -> Iterator[tuple[Cap | None, str]]:
    """A limit of `rate` bytes a second, read and written each, to the disk of a directory; None and why where none can be set."""
    cap, made, said = None, None, ""
    try:
        try:
            device = _device(directory)
            made, home, kind = _group()
            if kind == "v1":
                for way in ("read", "write"):
                    (made / f"blkio.throttle.{way}_bps_device").write_text(f"{device} {rate}")
            else:
                (made / "io.max").write_text(f"{device} rbps={rate} wbps={rate}")
            cap = Cap(made, home)
            said = f"{rate / 1e6:.0f} MB/s read, and written, on device {device} (cgroup {kind})"
            if kind == "v1":
                said += (
                    ".\nIt holds reads and direct or synced writes (InnoDB's pages and log, PostgreSQL's log), and not what"
                    "\nthe kernel writes back later (PostgreSQL's pages, temporary files): a slow volume would hold those, too,"
                    "\nso the capped transactions of PostgreSQL show what its log alone saves, and capped queries see no cap."
                )
        except OSError as problem:
            said = f"none, the disk could not be capped here ({problem})"
        yield cap, said
    finally:
        if cap is not None:
            cap.release()
        if made is not None:
            made.rmdir()


def _group() -> tuple[Path, Path, str]:
    """A new control group, the one that we are in, and the version of control groups; raises OSError."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    ours = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    name = f"coldframe-bench-{os.getpid()}"
    for _, where, kind, options, *_ in mounts:
        root = Path(where)
        if kind == "cgroup" and "blkio" in options.split(","):
            home = root / next(path for _, names, path in ours if "blkio" in names.split(",")).lstrip("/")
            (home / name).mkdir()
            return home / name, home, "v1"
        if kind == "cgroup2" and "io" in (root / "cgroup.controllers").read_text().split():
            (root / "cgroup.subtree_control").write_text("+io")
            home = root / next(path for number, _, path in ours if number == "0").lstrip("/")
            (root / name).mkdir()
            return root / name, home, "v2"
    raise OSError("no control group limits block devices")


def _device(directory: Path) -> str:
    """The whole disk under a directory as major:minor; raises OSError when there is none (tmpfs, network)."""
    number = directory.stat().st_dev
    place = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()
    if (place / "partition").exists():
        place = place.parent
    return (place / "dev").read_text().strip()
