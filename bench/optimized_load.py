"""The load of bench.optimized: one instance of an engine with a filled table, started anew for every measurement."""

import contextlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.disk_cap import Cap
from coldframe.engines.database import InstanceSpec, Running
from coldframe.services.rds import instance_classes
from tests.engines.databases.kits import MASTER, Kit, until

CLIENTS = 8
# What Optimized Reads are measured on: its memory, and its local storage as the quota of temporary tables.
CLASS = "db.m5d.large"
GROUPED = "SELECT pad, COUNT(*) AS n, MAX(k) FROM filled GROUP BY pad ORDER BY n DESC, pad LIMIT 10"


@dataclass(frozen=True)
class Dialect:
    """How one engine is loaded and asked; `{rows}` is the size of the table.

    `call` runs transactions for `{seconds}` and returns their number, after a warm-up of `warm` times as long; `tidy` follows it.
    `spill` is what a session sets so that it needs temporary files, `spilled` counts what it spilled, `others` the other sessions.
    `once` asks the setting that Optimized Writes change, and `again` counts the pages that were written in full beside themselves.
    """

    make: tuple[str, ...]
    call: str
    warm: float
    tidy: str
    spill: tuple[str, ...]
    spilled: str
    once: str
    again: str
    others: str


_MARIADB_STEPS = """CREATE PROCEDURE steps(IN span DOUBLE)
BEGIN
  DECLARE done, one, other INT DEFAULT 0;
  DECLARE ending DATETIME(6) DEFAULT SYSDATE(6) + INTERVAL CAST(span * 1000000 AS INT) MICROSECOND;
  WHILE SYSDATE(6) < ending DO
    SET one = 1 + FLOOR(RAND() * {rows}), other = 1 + FLOOR(RAND() * {rows});
    START TRANSACTION;
    UPDATE filled SET k = FLOOR(RAND() * {rows}), pad = REPEAT(MD5(RAND()), 6) WHERE id = LEAST(one, other);
    UPDATE filled SET k = FLOOR(RAND() * {rows}), pad = REPEAT(MD5(RAND()), 6) WHERE id = GREATEST(one, other);
    COMMIT;
    SET done = done + 1;
  END WHILE;
  SELECT done;
END"""
_POSTGRESQL_STEPS = """CREATE PROCEDURE steps(span DOUBLE PRECISION, INOUT done INT) LANGUAGE plpgsql AS $$
DECLARE
  one INT; other INT;
  ending TIMESTAMPTZ := clock_timestamp() + span * INTERVAL '1 second';
BEGIN
  WHILE clock_timestamp() < ending LOOP
    one := 1 + floor(random() * {rows}); other := 1 + floor(random() * {rows});
    UPDATE filled SET k = floor(random() * {rows}), pad = repeat(md5(random()::text), 6) WHERE id = least(one, other);
    UPDATE filled SET k = floor(random() * {rows}), pad = repeat(md5(random()::text), 6) WHERE id = greatest(one, other);
    COMMIT;
    done := done + 1;
  END LOOP;
END $$"""
DIALECTS = {
    "mariadb": Dialect(
        make=(
            "CREATE TABLE filled (id INT PRIMARY KEY, k INT NOT NULL, pad CHAR(192) NOT NULL, KEY (k))",
            "INSERT INTO filled SELECT seq, seq * 7919 % {rows}, REPEAT(MD5(seq), 6) FROM seq_1_to_{rows}",
            _MARIADB_STEPS,
        ),
        call="CALL steps({seconds})",
        # Until the pool is full of changed pages and each new one has to make room.
        warm=0.5,
        tidy="SELECT 0",
        spill=("SET tmp_memory_table_size = 1048576", "SET sort_buffer_size = 262144"),
        spilled="SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Created_tmp_disk_tables'",
        once="SELECT @@innodb_doublewrite",
        again="SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Innodb_dblwr_pages_written'",
        others="SELECT 0",
    ),
    "postgresql": Dialect(
        make=(
            "CREATE TABLE filled (id INT PRIMARY KEY, k INT NOT NULL, pad CHAR(192) NOT NULL)",
            "INSERT INTO filled SELECT n, n * 7919::bigint % {rows}, repeat(md5(n::text), 6) FROM generate_series(1, {rows}) n",
            "CREATE INDEX ON filled (k)",
            "ANALYZE filled",
            _POSTGRESQL_STEPS,
        ),
        call="CALL steps({seconds}, 0)",
        # A page goes to the log in full once after a checkpoint, and there is one at every start.
        warm=0,
        tidy="VACUUM filled",
        spill=("SET work_mem = '1MB'", "SET max_parallel_workers_per_gather = 0"),
        spilled="SELECT temp_files FROM pg_stat_database WHERE datname = current_database()",
        once="SHOW full_page_writes",
        again="SELECT wal_fpi FROM pg_stat_wal",
        others="SELECT COUNT(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()",
    ),
}


def family(pid: int) -> list[int]:
    """A process and the processes that it started."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, started)]


def counters(pid: int) -> dict[int, dict[str, int]]:
    """The I/O counters of a process and those that it started, by process."""
    found = {}
    for one in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{one}/io").read_text().splitlines()
            found[one] = {name: int(value) for name, value in (line.split(": ") for line in lines)}
    return found


def grown(before: dict[int, dict[str, int]], after: dict[int, dict[str, int]], name: str) -> int:
    """By how much a counter grew, in all processes that are still there."""
    return sum(found[name] - before.get(pid, {}).get(name, 0) for pid, found in after.items())


def under(running: Running, cap: Cap | None) -> contextlib.AbstractContextManager[None]:
    """The cap over all processes of an instance, if there is one."""
    return cap.over(family(running.pid)) if cap is not None else contextlib.nullcontext()


class Instance:
    """One filled instance of an engine, started anew with what is to be measured."""

    def __init__(self, kit: Kit, folder: Path, local: Path, rows: int) -> None:
        self.kit, self.dialect, self.local, self.rows = kit, DIALECTS[kit.name], local, rows
        self.spec = kit.spec(folder, f"bench-{kit.name}")
        self._last = self.spec

    def fill(self) -> None:
        """Make the instance and its table."""
        self.kit.engine.create(self.spec, MASTER, "app")
        with self.running(self.spec) as running:
            for statement in self.dialect.make:
                self.kit.rows(running.socket, statement.replace("{rows}", str(self.rows)))

    @contextlib.contextmanager
    def running(self, spec: InstanceSpec) -> Iterator[Running]:
        """Run the instance as `spec` says."""
        self._last = spec
        try:
            yield self.kit.engine.start(spec)
        finally:
            self.kit.engine.stop(spec)

    def value(self, running: Running, statement: str) -> str:
        """The one value that a statement returns."""
        return str(self.kit.rows(running.socket, statement)[0][0])

    def write(self, seconds: float, cap: Cap | None, once: bool) -> tuple[float, ...]:
        """Transactions a second, kB written a transaction, and pages written again a transaction."""
        spec = msgspec.structs.replace(self.spec, untorn_writes=once)
        with self.running(spec) as running, contextlib.ExitStack() as opened:
            said = self.value(running, self.dialect.once).lower()
            if (said in {"0", "off"}) is not once:
                sys.exit(f"{self.dialect.once} is {said}, which is not what the instance was told")
            sessions = [
                opened.enter_context(contextlib.closing(self.kit.session(running.socket, MASTER)))
                for _ in range(CLIENTS)
            ]
            self._steps(sessions, seconds * self.dialect.warm)
            again, before = int(self.value(running, self.dialect.again)), counters(running.pid)
            with under(running, cap):
                began = time.monotonic()
                done = self._steps(sessions, seconds)
                taken = time.monotonic() - began
            written = grown(before, counters(running.pid), "write_bytes")
            # A session of PostgreSQL says what it counted when it ends.
            opened.close()
            until(lambda: self.value(running, self.dialect.others) == "0", what="sessions end")
            again = int(self.value(running, self.dialect.again)) - again
            self.kit.rows(running.socket, self.dialect.tidy)
        return done / taken, written / done / 1000, again / done

    def _steps(self, sessions: list[Any], seconds: float) -> int:
        """Run transactions in all sessions at once and return how many."""

        def run(session: Any) -> int:
            with session.cursor() as cursor:
                cursor.execute(self.dialect.call.replace("{seconds}", str(seconds)))
                return int(cursor.fetchall()[0][0])

        with ThreadPoolExecutor(len(sessions)) as pool:
            return sum(pool.map(run, sessions))

    def read(self, cap: Cap | None, local: bool) -> tuple[float, ...]:
        """Seconds of the query, MB of temporary files that went to the data disk, and MB of it dropped before they reached it."""
        size = instance_classes.named(CLASS)
        # The table is in memory before the clock runs and the cap holds: what is left to do with the disk is the temporary files.
        spec = msgspec.structs.replace(self.spec, memory=size.given)
        if local:
            spec = msgspec.structs.replace(spec, scratch=self.local, scratch_quota=size.scratch)
        with self.running(spec) as running:
            self.value(running, "SELECT COUNT(pad) FROM filled")
            spilled = int(self.value(running, self.dialect.spilled))
            with (
                under(running, cap),
                contextlib.closing(self.kit.session(running.socket, MASTER)) as session,
            ):
                cursor = session.cursor()
                for statement in self.dialect.spill:
                    cursor.execute(statement)
                before, began = counters(running.pid), time.monotonic()
                cursor.execute(GROUPED)
                cursor.fetchall()
                taken, after = time.monotonic() - began, counters(running.pid)
            until(
                lambda: int(self.value(running, self.dialect.spilled)) > spilled,
                seconds=10,
                what="the query needs temporary files; it may have too few --rows",
            )
        written, dropped = (grown(before, after, name) for name in ("write_bytes", "cancelled_write_bytes"))
        return taken, written / 1e6, dropped / 1e6

    def close(self) -> None:
        """Stop it, whatever it does, and remove what it has on the local storage, too."""
        self.kit.engine.stop(self._last, at_once=True)
        self.kit.engine.destroy(msgspec.structs.replace(self.spec, scratch=self.local))
