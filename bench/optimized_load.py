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
from tests.engines.databases.kits import MASTER, Kit

CLIENTS = 8
# The local storage of this class is the quota of temporary tables.
CLASS = "db.m5d.large"
GROUPED = "SELECT pad, COUNT(*) AS n, MAX(k) FROM filled GROUP BY pad ORDER BY n DESC, pad LIMIT 10"


@dataclass(frozen=True)
class Dialect:
    """How one engine is loaded and asked; `{rows}` is the size of the table.

    `call` runs transactions for `{seconds}` and returns their number; `spill` are what a session sets so that it needs temporary files,
    `spilled` counts what it spilled; `once` asks the setting that Optimized Writes change and `again` counts the pages that were written in full beside themselves.
    """

    make: tuple[str, ...]
    call: str
    spill: tuple[str, ...]
    spilled: str
    once: str
    again: str
    placed: str


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
        spill=("SET tmp_memory_table_size = 1048576", "SET sort_buffer_size = 262144"),
        spilled="SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Created_tmp_disk_tables'",
        once="SELECT @@innodb_doublewrite",
        again="SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Innodb_dblwr_pages_written'",
        placed="SELECT @@tmpdir",
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
        spill=("SET work_mem = '1MB'", "SET max_parallel_workers_per_gather = 0"),
        spilled="SELECT temp_files FROM pg_stat_database WHERE datname = current_database()",
        once="SHOW full_page_writes",
        again="SELECT wal_fpi FROM pg_stat_wal",
        placed="SHOW temp_tablespaces",
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


class Instance:
    """One filled instance of an engine, started anew with what is to be measured."""

    def __init__(self, kit: Kit, folder: Path, local: Path, rows: int) -> None:
        self.kit, self.dialect, self.local, self.rows = kit, DIALECTS[kit.name], local, rows
        self.spec = kit.spec(folder, f"bench-{kit.name}")
        self._last = self.spec

    def fill(self) -> None:
        """Make the instance and its table."""
        self.kit.engine.create(self.spec, MASTER, "app")
        with self.running(self.spec, None) as running:
            for statement in self.dialect.make:
                self.kit.rows(running.socket, statement.replace("{rows}", str(self.rows)))

    @contextlib.contextmanager
    def running(self, spec: InstanceSpec, cap: Cap | None) -> Iterator[Running]:
        """Run the instance as `spec` says, under the cap if there is one."""
        self._last = spec
        try:
            running = self.kit.engine.start(spec)
            with cap.over(family(running.pid)) if cap is not None else contextlib.nullcontext():
                yield running
        finally:
            self.kit.engine.stop(spec)

    def value(self, running: Running, statement: str) -> str:
        """The one value that a statement returns."""
        return str(self.kit.rows(running.socket, statement)[0][0])

    def write(self, once: bool, cap: Cap | None, seconds: float) -> tuple[float, ...]:
        """Transactions a second, bytes written a transaction, and pages written again a transaction."""
        spec = msgspec.structs.replace(self.spec, untorn_writes=once)
        with self.running(spec, cap) as running, contextlib.ExitStack() as opened:
            said = self.value(running, self.dialect.once).lower()
            if (said in {"0", "off"}) is not once:
                sys.exit(f"{self.dialect.once} is {said}, which is not what the instance was told")
            sessions = [
                opened.enter_context(contextlib.closing(self.kit.session(running.socket, MASTER)))
                for _ in range(CLIENTS)
            ]
            self._steps(sessions, seconds / 2)
            again, before = int(self.value(running, self.dialect.again)), counters(running.pid)
            began = time.monotonic()
            done = self._steps(sessions, seconds)
            taken = time.monotonic() - began
            written = grown(before, counters(running.pid), "write_bytes")
            # A session of PostgreSQL says what it counted when it ends.
            opened.close()
            again = int(self.value(running, self.dialect.again)) - again
        return done / taken, written / done, again / done

    def _steps(self, sessions: list[Any], seconds: float) -> int:
        """Run transactions in all sessions at once and return how many."""

        def run(session: Any) -> int:
            with session.cursor() as cursor:
                cursor.execute(self.dialect.call.replace("{seconds}", str(seconds)))
                return int(cursor.fetchall()[0][0])

        with ThreadPoolExecutor(len(sessions)) as pool:
            return sum(pool.map(run, sessions))

    def read(self, local: bool, cap: Cap | None) -> tuple[float, ...]:
        """Seconds of the query, and the bytes of temporary files that were written to the data disk, and dropped before they reached it."""
        quota = instance_classes.named(CLASS).scratch
        spec = (
            msgspec.structs.replace(self.spec, scratch=self.local, scratch_quota=quota)
            if local
            else self.spec
        )
        with (
            self.running(spec, cap) as running,
            contextlib.closing(self.kit.session(running.socket, MASTER)) as session,
            session.cursor() as cursor,
        ):
            for statement in self.dialect.spill:
                cursor.execute(statement)
            before, began = counters(running.pid), time.monotonic()
            cursor.execute(GROUPED)
            cursor.fetchall()
            taken, after = time.monotonic() - began, counters(running.pid)
        return taken, grown(before, after, "write_bytes"), grown(before, after, "cancelled_write_bytes")

    def close(self) -> None:
        """Stop it, whatever it does, and remove what it has on the local storage, too."""
        self.kit.engine.stop(self._last, at_once=True)
        self.kit.engine.destroy(msgspec.structs.replace(self.spec, scratch=self.local))
