"""What an instance uses and does, from the system's accounts of its processes and from its own statistics."""

import os
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql import admin, layout
from coldframe.engines.volume_figures import Volumes, swapped

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

_STATISTICS = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename NOT IN ('rdsadmin', 'rdsendpoint')),
        (SELECT coalesce(max(age(datfrozenxid)), 0) FROM pg_database),
        (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()),
        (SELECT coalesce(max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
            ELSE pg_current_wal_lsn() END, restart_lsn)), -1) FROM pg_replication_slots),
        (SELECT coalesce(sum(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')), 0) WHERE NOT pg_is_in_recovery()),
        (SELECT CASE WHEN pg_is_in_recovery() THEN
            CASE WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN -1
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), -1) END END),
        (SELECT coalesce(sum((pg_stat_file('pg_replslot/' || slot || '/state')).size), 0)
            FROM pg_ls_dir('pg_replslot') slot),
        (SELECT extract(epoch FROM clock_timestamp() - checkpoint_time) FROM pg_control_checkpoint()),
        (SELECT coalesce(sum(xact_commit + xact_rollback), 0) FROM pg_stat_database),
        (SELECT coalesce(sum(deadlocks), 0) FROM pg_stat_database)"""


class Usage(NamedTuple):
    """What the processes of an instance used since each began."""

    moment: float
    cpu: float
    resident: float
    read_bytes: float
    written_bytes: float
    reads: float
    writes: float


class Samples:
    """The last usage of each instance, of which rates are the difference."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[Path, Usage] = {}
        self._logged: dict[Path, tuple[float, float]] = {}
        self.volumes = Volumes()

    def take(self, folder: Path, now: Usage) -> Usage | None:
        """Keep a usage and return the one before it."""
        with self._lock:
            before = self._last.get(folder)
            self._last[folder] = now
            return before

    def generated(self, folder: Path, moment: float, position: float) -> float | None:
        """Keep how far the log is, and return the bytes a second since the last time; None the first time."""
        with self._lock:
            before = self._logged.get(folder)
            self._logged[folder] = (moment, position)
        if before is None or moment <= before[0] or position < before[1]:
            return None
        return (position - before[1]) / (moment - before[0])


def of(spec: InstanceSpec, samples: Samples) -> Mapping[str, float]:
    """Return gauges and rates under their CloudWatch names; rates are those since the last call, or the start."""
    disk = shutil.disk_usage(spec.folder)
    found: dict[str, float] = {"FreeStorageSpace": float(disk.free)}
    running = layout.running(spec)
    if running is None:
        return found
    now = _usage(running.pid)
    found["FreeableMemory"] = max(0.0, spec.memory - now.resident)
    before = samples.take(spec.folder, now) or Usage(_born(running.pid), 0, 0, 0, 0, 0, 0)
    if now.moment > before.moment:
        seconds = now.moment - before.moment
        # A process that ended takes its account with it, so that a sum may go down.
        rate = {
            name: max(0.0, getattr(now, field) - getattr(before, field)) / seconds
            for name, field in (
                ("ReadThroughput", "read_bytes"), ("WriteThroughput", "written_bytes"),
                ("ReadIOPS", "reads"), ("WriteIOPS", "writes"), ("CPUUtilization", "cpu"),
            )
        }  # fmt: skip
        rate["CPUUtilization"] = min(100.0, 100.0 * rate["CPUUtilization"] / (os.cpu_count() or 1))
        found |= rate
    with admin.connected(running.socket, timeout=5) as connection:
        row = connection.query(_STATISTICS)[0]
    names = (
        "DatabaseConnections", "MaximumUsedTransactionIDs", "TransactionLogsDiskUsage", "OldestReplicationSlotLag",
        "TransactionLogsGeneration", "ReplicaLag", "ReplicationSlotDiskUsage", "CheckpointLag", "Transactions", "Deadlocks",
    )  # fmt: skip
    found |= {name: float(value) for name, value in zip(names, row, strict=True) if value is not None}
    position = found.pop("TransactionLogsGeneration", None)
    if (
        position is not None
        and (rate_of_log := samples.generated(spec.folder, now.moment, position)) is not None
    ):
        found["TransactionLogsGeneration"] = rate_of_log
    found |= samples.volumes.take(spec.folder)
    found["SwapUsage"] = swapped(running.pid)
    return found


def _usage(pid: int) -> Usage:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    cpu = resident = read = written = reads = writes = 0.0
    for member in (str(pid), *children):
        try:
            fields = Path(f"/proc/{member}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            shared = Path(f"/proc/{member}/statm").read_text(encoding="ascii").split()
            account = dict(
                line.split(": ")
                for line in Path(f"/proc/{member}/io").read_text(encoding="ascii").splitlines()
            )
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        # The server's own account has the time of the children that ended.
        cpu += sum(int(fields[at]) for at in ((11, 12, 13, 14) if member == str(pid) else (11, 12))) / _TICKS
        # Shared memory once, each process's own apart from it.
        private = int(shared[1]) - int(shared[2])
        resident += (int(shared[1]) if member == str(pid) else private) * _PAGE
        read, written = read + int(account["read_bytes"]), written + int(account["write_bytes"])
        reads, writes = reads + int(account["syscr"]), writes + int(account["syscw"])
    return Usage(time.clock_gettime(time.CLOCK_BOOTTIME), cpu, resident, read, written, reads, writes)


def _born(pid: int) -> float:
    """Return when a process began, in seconds since the machine did."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[19]) / _TICKS
