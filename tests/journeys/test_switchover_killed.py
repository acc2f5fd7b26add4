"""The server is killed after every step of a switchover while eight writers write: nothing is lost, doubled, or an error.

It is started again each time and goes on where it was, so that one switchover sees a kill after each of its steps; while
the server is dead, never do both databases take writes.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from coldframe.core.config import default_cache_dir
from coldframe.engines.database import InstanceSpec
from coldframe.engines.mariadb.server import MariaDB
from coldframe.engines.postgresql.engine import PostgreSQL
from tests.journeys.process import PATIENCE, ServerProcess, until
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.conftest import PASSWORD, available, described, made, remove_all, settled

STEPS = (
    "begin",
    "roll back",
    "look at the guardrails",
    "tell that it begins",
    "make green durable",
    "hold the clients",
    "blue is to be read-only",
    "blue is read-only",
    "green has caught up",
    "bring over what replication does not carry",
    "look at the time",
    "commit point",
    "green takes the name",
    "blue stays read-only",
    "green stops following",
    "green takes writes",
    "let the clients go on",
    "blue can be read",
    "blue has green's endpoints",
    "tell that it is done",
)
DYING = [sys.executable, "-m", "tests.journeys.dying_server"]
ENGINES = {"mariadb": MariaDB, "postgres": PostgreSQL}


@pytest.fixture
def short_folder():
    """A folder whose name leaves room for the socket of a database in it."""
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    yield folder
    shutil.rmtree(folder)


class Databases:
    """The blue and the green database, looked at past the server."""

    def __init__(self, data: Path, blue: dict, green: dict) -> None:
        self._engine = ENGINES[blue["Engine"]](default_cache_dir())
        self._specs = [
            InstanceSpec(
                name=each["DbiResourceId"],
                version=each["EngineVersion"],
                folder=data / "databases" / each["DbiResourceId"],
                serial=1,
            )
            for each in (blue, green)
        ]

    def writable(self) -> tuple[bool, bool]:
        """Whether blue and green take writes."""
        found = [self._engine.status(spec) for spec in self._specs]
        return tuple(each.state == "running" and not each.read_only for each in found)


def die_at(data: Path, step: str, moment: str) -> None:
    """Run the server until it kills itself at a step."""
    environment = {"COLDFRAME_DIE_AT": step, "PYTHONPATH": f"{Path.cwd()}/src:{Path.cwd()}"}
    if moment == "before it is recorded":
        environment["COLDFRAME_DIE_BEFORE"] = "1"
    server = ServerProcess(data, main=DYING, environment=environment)
    try:
        code = server.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the server never came to the step {step!r}: {server.said()[-2000:]}") from None
    finally:
        server.kill()
    assert code == -9, server.said()[-2000:]


def steps_of(data: Path) -> list[str]:
    """The names of the steps that the switchover had, in order."""
    with sqlite3.connect(f"file:{data}/coldframe.sqlite3?mode=ro", uri=True) as store:
        jobs = [json.loads(body) for (body,) in store.execute("SELECT _body FROM jobs")]
        job = next(each["id"] for each in jobs if each["name"] == "rds.switch-over")
        rows = store.execute("SELECT _body FROM job_steps WHERE job = ? ORDER BY ordinal", (job,))
        return [json.loads(body)["name"] for (body,) in rows]


@pytest.mark.parametrize(
    ("engine", "moment"),
    [
        pytest.param("mariadb", "after it is recorded", marks=pytest.mark.xdist_group("mariadb")),
        pytest.param("postgres", "before it is recorded", marks=pytest.mark.xdist_group("postgres")),
    ],
)
def test_killed_after_every_step(short_folder, engine, moment):
    data = short_folder / "data"
    try:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            blue = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
            connect = connector(blue, PASSWORD)
            prepare(connect, engine, 8)
            deployment = rds.create_blue_green_deployment(
                BlueGreenDeploymentName="killed", Source=blue["DBInstanceArn"]
            )["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
            found = settled(rds, deployment)
            assert found["Status"] == "AVAILABLE", found
            green = described(rds, found["Target"])
            databases = Databases(data, blue, green)
            assert databases.writable() == (True, False)
            server.stop()
        with Writers(connect) as writers:
            until(lambda: writers.written > 200)
            with ServerProcess(
                data,
                main=DYING,
                environment={"COLDFRAME_DIE_AT": STEPS[0], "PYTHONPATH": f"{Path.cwd()}/src:{Path.cwd()}"},
            ) as server:
                server.client("rds").switchover_blue_green_deployment(
                    BlueGreenDeploymentIdentifier=deployment
                )
                assert server.process.wait(PATIENCE) == -9
            seen = []
            for step in STEPS[1:]:
                die_at(data, step, moment)
                seen.append(databases.writable())
                assert seen[-1] != (True, True), f"both take writes after {step!r}"
            with ServerProcess(data) as server:
                done = settled(server.client("rds"), deployment)
                assert done["Status"] == "SWITCHOVER_COMPLETED", done
                written = writers.written
                until(lambda: writers.written > written + 200)
        assert not writers.errors, writers.errors[:5]
        writers.check()
        assert databases.writable() == (False, True)
        assert (False, False) in seen, "no kill met the time in which nobody writes"
        assert steps_of(data) == list(STEPS)
    finally:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            names = [row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]]
            for name in names:
                available(rds, name)
            remove_all(rds)
