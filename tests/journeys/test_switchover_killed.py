"""The server is killed after every step of a switchover while eight writers write: nothing is lost, doubled, or an error.

It is started again each time and goes on where it was, so that one switchover sees a kill after each of its steps; while
the server is dead, never do both databases take writes.
"""

import pytest

from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers, steps_of
from tests.journeys.process import ServerProcess, until
from tests.journeys.seen_databases import SeenDatabases
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.conftest import PASSWORD, available, described, made, remove_all, settled

STEPS = (
    "begin",
    "roll back",
    "look at the guardrails",
    "tell that it begins",
    "make green durable",
    "hold the clients of green",
    "sign clients in at green",
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


@pytest.mark.parametrize(
    ("engine", "moment"),
    [
        pytest.param("mariadb", AFTER, marks=pytest.mark.xdist_group("mariadb")),
        pytest.param("postgres", BEFORE, marks=pytest.mark.xdist_group("postgres")),
    ],
)
@pytest.mark.timeout(900)
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
            databases = SeenDatabases(data, [blue, green])
            name, other = databases.specs
            assert databases.writable() == [name]
            server.stop()
        with Writers(connect) as writers:
            until(lambda: writers.written > 200)
            seen = []
            with Servers(data, moment) as servers:
                for step in STEPS:
                    servers.start(step)
                    if step == STEPS[0]:
                        servers.ask(
                            "switchover_blue_green_deployment", BlueGreenDeploymentIdentifier=deployment
                        )
                    servers.died(step)
                    seen.append(databases.writable())
                    assert len(seen[-1]) < 2, f"both take writes after {step!r}"
            with ServerProcess(data) as server:
                done = settled(server.client("rds"), deployment)
                assert done["Status"] == "SWITCHOVER_COMPLETED", done
                written = writers.written
                until(lambda: writers.written > written + 200)
        assert not writers.errors, writers.errors[:5]
        writers.check()
        assert databases.writable() == [other]
        assert [] in seen, "no kill met the time in which nobody writes"
        assert steps_of(data, "rds.switch-over") == list(STEPS)
    finally:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            names = [row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]]
            for name in names:
                available(rds, name)
            remove_all(rds)
