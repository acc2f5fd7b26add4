"""The server is killed after every step of an upgrade in place while writers write: it goes on, and nothing is lost or doubled."""

import pytest

from tests.engines.databases import kits
from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers, steps_of
from tests.journeys.process import ServerProcess, until
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.conftest import PASSWORD, available, made, remove_all

STEPS = (
    "look",
    "say that it failed",
    "begin to check",
    "check",
    "it can be upgraded",
    "begin a snapshot",
    "wait for the snapshot",
    "go back",
    "it goes down",
    "close the endpoint",
    "archive the last changes",
    "the upgrade begins",
    "make the newer one",
    "put it in place",
    "it is the newer one",
    "work out the settings",
    "see that it serves",
    "commit point",
    "set the archive aside",
    "open the endpoint",
    "throw the older one away",
    "it is up",
    "do what is left",
)


@pytest.mark.parametrize(
    ("engine", "version", "moment"),
    [
        pytest.param("mariadb", "11.8", BEFORE, marks=pytest.mark.xdist_group("mariadb")),
        pytest.param("postgres", "17", AFTER, marks=pytest.mark.xdist_group("postgres")),
    ],
)
@pytest.mark.timeout(900)
def test_killed_after_every_step(short_folder, engine, version, moment):
    kits.cache()
    data = short_folder / "data"
    try:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            instance = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
            name = instance["DBInstanceIdentifier"]
            connect = connector(instance, PASSWORD)
            prepare(connect, engine, 4)
            server.stop()
        with Writers(connect, 4) as writers:
            until(lambda: writers.written > 100)
            with Servers(data, moment) as servers:
                for step in STEPS:
                    servers.start(step)
                    if step == STEPS[0]:
                        servers.ask(
                            "modify_db_instance",
                            DBInstanceIdentifier=name,
                            EngineVersion=version,
                            AllowMajorVersionUpgrade=True,
                            ApplyImmediately=True,
                        )
                    servers.died(step)
            with ServerProcess(data) as server:
                after = available(server.client("rds"), name)
                assert after["EngineVersion"].startswith(f"{version}.")
                written = writers.written
                until(lambda: writers.written > written + 100)
        writers.check()
        assert steps_of(data, "rds.upgrade-instance") == list(STEPS)
    finally:
        with ServerProcess(data) as server:
            remove_all(server.client("rds"))
