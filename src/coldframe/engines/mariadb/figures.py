"""What an instance does now, in numbers under the names that CloudWatch has for them."""

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.database import InstanceSpec
from coldframe.engines.mariadb.client import Client
from coldframe.engines.mariadb.places import Place
from coldframe.engines.volume_figures import Volumes, swapped

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATUS = (
    "Threads_connected",
    "Innodb_data_reads",
    "Innodb_data_writes",
    "Innodb_data_read",
    "Innodb_data_written",
    "Bytes_received",
    "Bytes_sent",
    "Questions",
    "Com_commit",
    "Slow_queries",
    "Created_tmp_disk_tables",
    "Innodb_dblwr_pages_written",
    "Innodb_pages_written",
    "Aborted_clients",
)


class _Sample(NamedTuple):
    moment: float
    pid: int
    processor: float
    status: Mapping[str, float]


class Figures:
    """Takes figures; rates are between two takes of the same process, and since its start the first time."""

    def __init__(self) -> None:
        self._last: dict[Path, _Sample] = {}
        self._volumes = Volumes()

    def take(self, spec: InstanceSpec, pid: int, client: Client) -> Mapping[str, float]:
        """Ask a running instance and the system."""
        names = ", ".join(f"'{name}'" for name in (*_STATUS, "Uptime"))
        rows = client.query(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
        status = {str(row["Variable_name"]): float(row["Value"] or 0) for row in rows}
        used = _processor(pid)
        now = _Sample(time.monotonic(), pid, used, status)
        before = self._last.get(spec.folder)
        if before is None or before.pid != pid:
            before = _Sample(now.moment - max(1.0, status.get("Uptime", 1.0)), pid, 0.0, {})
        self._last[spec.folder] = now
        seconds = max(0.001, now.moment - before.moment)

        def rate(name: str) -> float:
            return max(0.0, status.get(name, 0.0) - before.status.get(name, 0.0)) / seconds

        place = Place(spec)
        resident = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE
        disk = os.statvfs(place.data)
        figures = {
            **self._volumes.take(place.data),
            "CPUUtilization": min(100.0, 100 * (used - before.processor) / seconds / (os.cpu_count() or 1)),
            "DatabaseConnections": max(0.0, status["Threads_connected"] - 1),
            "FreeableMemory": float(max(0, spec.memory - resident)),
            "FreeStorageSpace": float(disk.f_bavail * disk.f_frsize),
            "BinLogDiskUsage": float(_size(place.binlogs)),
            "ReadIOPS": rate("Innodb_data_reads"),
            "WriteIOPS": rate("Innodb_data_writes"),
            "ReadThroughput": rate("Innodb_data_read"),
            "WriteThroughput": rate("Innodb_data_written"),
            "SwapUsage": swapped(pid),
            "NetworkReceiveThroughput": rate("Bytes_received"),
            "NetworkTransmitThroughput": rate("Bytes_sent"),
            "Queries": rate("Questions"),
            "CommitThroughput": rate("Com_commit"),
        }
        if spec.scratch and spec.scratch_quota:
            figures["FreeLocalStorage"] = float(max(0, spec.scratch_quota - _size(place.scratch)))
        figures |= _lag(client)
        return figures


def _lag(client: Client) -> dict[str, float]:
    """Return by how many seconds a replica is behind; -1 while replication is not active."""
    rows = client.query("SHOW ALL SLAVES STATUS")
    return {"ReplicaLag": float(rows[0]["Seconds_Behind_Master"] or -1)} if rows else {}


def _processor(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


def _size(folder: Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            # The database removes files of its own while they are counted.
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
