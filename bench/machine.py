"""What a benchmark ran on: processor, memory, kernel, disk, and the versions of what was measured."""

import os
import platform
import statistics
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path


def facts(directory: Path) -> list[str]:
    """Lines that name the machine, its load, and the disk under `directory`."""
    load = " ".join(Path("/proc/loadavg").read_text().split()[:3])
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {load} at the start",
        f"{_processor()}, {os.cpu_count()} cores, {_memory():.0f} GB of memory",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"disk: {disk(directory)}",
    ]


def installed(python: Path, *packages: str) -> str:
    """The versions of packages in the environment of another interpreter."""
    script = (
        "import sys, importlib.metadata as m; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    )
    return subprocess.run(
        [python, "-c", script, *packages], capture_output=True, text=True, check=True
    ).stdout.strip()


def sync_times(directory: Path, content: bytes, times: int, *, allocated: bool) -> list[float]:
    """Milliseconds of a write and its fdatasync, to a file that grows or to one whose bytes are there already."""
    path = directory / "sync-probe"
    taken = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if allocated:
            os.write(descriptor, bytes(len(content) * times))
            os.fsync(descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)
        for _ in range(times):
            begun = time.perf_counter()
            os.write(descriptor, content)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - begun) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return taken


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns of even width: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def median(values: list[float]) -> float:
    """The median; not a number when there are no values."""
    return statistics.median(values) if values else float("nan")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def disk(directory: Path) -> str:
    """The file system and device of a directory, and whether the device turns."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    here = str(directory.resolve())
    device, _, kind = max(
        (
            (fields[0], fields[1], fields[2])
            for fields in mounts
            if here == fields[1] or here.startswith(fields[1].rstrip("/") + "/")
        ),
        key=lambda mount: len(mount[1]),
    )
    name = Path(device).name
    for folder in (name, name.rstrip("0123456789"), name.rpartition("p")[0]):
        turning = Path("/sys/block") / folder / "queue" / "rotational"
        if folder and turning.exists():
            what = "rotating or virtual" if turning.read_text().strip() == "1" else "not rotating"
            return f"{kind} on {device} ({what})"
    return f"{kind} on {device}"
