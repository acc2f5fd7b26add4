"""What the export of databases' logs costs: a look at logs that have not grown, and how fast lines come to CloudWatch Logs.

Run: python -m bench.log_exports [--logs 40] [--lines 200000]. Prints the processor time of a look at so many logs of PostgreSQL,
each of 72 files (three days of hours), for each second in which nothing is written; then the lines and bytes a second of one log
that is brought from its beginning, every batch written down and synced before and after.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from coldframe.engines.database import InstanceSpec
from coldframe.services.rds.log_exports.exporter import LogExporter
from coldframe.services.rds.log_exports.targets import Target
from tests.server_fixtures import RunningServer, running_server

_FILES = 72
_LINE = "{stamp} UTC:127.0.0.1(5432):owner@app:[4711]:LOG:  statement: UPDATE written SET n = n + 1 WHERE id = {number}\n"


class Given(LogExporter):
    """An exporter of logs that it is given."""

    def __init__(self, server: RunningServer, given: list[Target]) -> None:
        super().__init__(server.installation)
        self._given = given

    def _targets(self) -> list[Target]:
        return self._given


def target(server: RunningServer, folder: Path, files: int, lines: int) -> tuple[Target, int]:
    """Write a log of so many files with so many lines each; returns what brings it, and its bytes."""
    where = folder / "log" / "error"
    where.mkdir(parents=True)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    size = 0
    for number in range(files):
        text = "".join(_LINE.format(stamp=stamp, number=f"{number}-{line}") for line in range(lines))
        path = where / f"postgresql.log.2026-11-30-{number:02}"
        path.write_text(text)
        written = time.time() - 3600 * (files - 1 - number)
        os.utime(path, (written, written))
        size += len(text)
    spec = InstanceSpec(name=folder.name, version="15", folder=folder, serial=1)
    name = folder.name
    group = f"/aws/rds/instance/{name}/postgresql"
    row = Target(
        server.account, "us-east-1", f"db-{name}", "postgresql", group, f"{name}.0", "postgres", spec
    )
    return row, size


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=int, default=40)
    parser.add_argument("--lines", type=int, default=200_000)
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="coldframe-logs-") as name,
        running_server(Path(name) / "data") as server,
    ):
        rows = [target(server, Path(name) / f"idle{number}", _FILES, 2)[0] for number in range(wanted.logs)]
        exporter = Given(server, rows)
        # The last line of the newest file waits a second for more of it.
        time.sleep(1.5)
        exporter.look()
        exporter.look()
        began, looks = time.process_time(), 50
        for _ in range(looks):
            exporter.look()
        each = (time.process_time() - began) / looks
        print(
            f"{wanted.logs} logs of {_FILES} files that have not grown: {each * 1000:.1f} ms of processor time a second"
        )
        one, size = target(server, Path(name) / "busy", 1, wanted.lines)
        exporter = Given(server, [one])
        began_at = time.monotonic()
        batches = wanted.lines // 4000
        for _ in range(batches):
            exporter.look()
        took = time.monotonic() - began_at
        print(f"{wanted.lines / took:.0f} lines and {size / took / 1e6:.1f} MB a second of one log")


if __name__ == "__main__":
    main()
