"""What the disk that a folder lies on does, by the kernel's account of it: it is shared by all that lies there."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class _Account(NamedTuple):
    reads: int
    read_milliseconds: int
    writes: int
    written_milliseconds: int


class Volumes:
    """Takes figures of disks; latencies are those of the time between two takes for the same folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[Path, _Account] = {}

    def take(self, folder: Path) -> Mapping[str, float]:
        """Return ReadLatency and WriteLatency in seconds, and DiskQueueDepth; nothing for what is on no disk of its own."""
        device = folder.stat().st_dev
        try:
            text = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text(
                encoding="ascii"
            )
        except FileNotFoundError:
            return {}
        fields = [int(word) for word in text.split()]
        now = _Account(fields[0], fields[3], fields[4], fields[7])
        with self._lock:
            before = self._last.get(folder, _Account(0, 0, 0, 0))
            self._last[folder] = now
        return {
            "ReadLatency": _each(now.read_milliseconds - before.read_milliseconds, now.reads - before.reads),
            "WriteLatency": _each(
                now.written_milliseconds - before.written_milliseconds, now.writes - before.writes
            ),
            "DiskQueueDepth": float(fields[8]),
        }


def swapped(pid: int) -> float:
    """Return the bytes of a process that are swapped out; 0 for one that is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [line.split()[1] for line in text.splitlines() if line.startswith("VmSwap:")]
    return 1024.0 * int(found[0]) if found else 0.0


def _each(milliseconds: int, times: int) -> float:
    return milliseconds / times / 1000 if times > 0 else 0.0
