"""The server is killed after every step of a failover while eight writers write through the cluster's endpoint.

It is started again each time and goes on where it was; never do two members take writes, and nothing is lost or doubled. One
failover is planned; in the others the writer has died with its data, or hangs.
"""

import json
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers, steps_of
from tests.journeys.process import ServerProcess, until
from tests.journeys.seen_databases import SeenDatabases
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.clusters import (
    at_cluster,
    cluster_of,
    made_cluster,
    remove_clusters,
    settled_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, described

TAKE_OVER = (
    "commit point",
    "it inherits who follows the writer",
    "the reader is the writer",
    "it stops following",
    "it takes writes",
    "let the clients go on",
    "its endpoint is there",
    "tell that it is done",
    "spread the readers",
)
PLANNED = (
    "roll back",
    "choose the reader",
    "tell that it begins",
    "make it ready",
    "hold the clients",
    "the writer is to be read-only",
    "the writer is read-only",
    "the reader has everything",
    "the writer lets go",
    *TAKE_OVER,
)
FENCED = (
    "look for readers",
    "tell that it begins",
    "the writer is to be read-only",
    "the writer is dead",
    "end the sessions",
    "ask the readers",
    "let the preferred one catch up",
    *TAKE_OVER,
)
LOST = ("keep the writer", "start the writer", *FENCED)
HANGS = ("keep the writer", "let nobody come to the writer", "end the writer", *FENCED)
GROUPS = {"mariadb": "mariadb", "aurora-postgresql": "postgres"}


class Story:
    """A cluster that is written to while servers die over it."""

    def __init__(self, data, engine, members):
        self.data = data
        with ServerProcess(data) as server:
            rds = server.client("rds")
            made = made_cluster(rds, engine, members=members)
            self.name = made["DBClusterIdentifier"]
            self.connect = connector(at_cluster(made), PASSWORD)
            prepare(self.connect, at_cluster(made)["Engine"], 8)
            self.before = writer_of(rds, self.name)
            names = [each["DBInstanceIdentifier"] for each in made["DBClusterMembers"]]
            self.databases = SeenDatabases(data, [described(rds, each) for each in names])
            assert self.databases.writable() == [self.before]
            # Else a server that dies may be the one that lets a reader acknowledge, which stops it for a moment.
            until(lambda: self._promotable() == members - 1, 60)
            server.stop()

    def _promotable(self):
        # The API does not tell it.
        with closing(sqlite3.connect(f"file:{self.data}/coldframe.sqlite3?mode=ro", uri=True)) as store:
            (body,) = store.execute("SELECT _body FROM rds_clusters").fetchone()
        return len(json.loads(body).get("promotable", []))

    def lose(self):
        """Kill the writer and take its data away, so that it cannot come back."""
        folder = self.databases.specs[self.before].folder
        (folder / "data").rename(folder / "lost")
        os.kill(self.databases.pid(self.before), signal.SIGKILL)

    def stop(self):
        """Have the writer hang."""
        os.kill(self.databases.pid(self.before), signal.SIGSTOP)

    def fail_over(self, servers):
        """Begin a failover."""
        servers.ask("failover_db_cluster", DBClusterIdentifier=self.name)

    def killed(self, steps, moment, act):
        """Write while a server dies after each of the steps; `act` has the failover begin, given a client."""
        with Writers(self.connect) as writers:
            until(lambda: writers.written > 200)
            seen = []
            with Servers(self.data, moment, impatient="end the writer" in steps) as servers:
                for step in steps:
                    servers.start(step)
                    if step == steps[0]:
                        act(servers)
                    servers.died(step)
                    seen.append(self.databases.writable())
                    assert len(seen[-1]) < 2, f"two take writes after {step!r}"
            with ServerProcess(self.data) as server:
                rds = server.client("rds")
                settled_cluster(rds, self.name)
                assert writer_of(rds, self.name) != self.before, rds.describe_events(Duration=10)["Events"]
                written = writers.written
                until(lambda: writers.written > written + 200)
                available(rds, self.before)
                assert self.databases.writable() == [writer_of(rds, self.name)]
        writers.check()
        assert [] in seen, "no kill met the time in which nobody writes"
        return writers


@pytest.fixture
def story(short_folder, engine, members):
    data = short_folder / "data"
    try:
        yield Story(data, engine, members)
    finally:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            for each in rds.describe_db_clusters()["DBClusters"]:
                until(
                    lambda each=each: cluster_of(rds, each["DBClusterIdentifier"])["Status"] == "available",
                    120,
                )
            remove_clusters(rds)


def cases(*rows):
    return pytest.mark.parametrize(
        ("engine", "members", "moment", "way"),
        [pytest.param(*row, marks=pytest.mark.xdist_group(GROUPS[row[0]])) for row in rows],
    )


@cases(
    ("mariadb", 2, BEFORE, "planned"),
    ("aurora-postgresql", 2, AFTER, "planned"),
    ("mariadb", 3, AFTER, "lost"),
    ("aurora-postgresql", 3, BEFORE, "hangs"),
)
@pytest.mark.timeout(900)
def test_killed_after_every_step(story, moment, way):
    if way == "planned":
        writers = story.killed(
            PLANNED,
            moment,
            story.fail_over,
        )
        assert not writers.errors, writers.errors[:5]
        assert steps_of(story.data, "rds.fail-over-cluster") == list(PLANNED)
        return
    steps = LOST if way == "lost" else HANGS
    story.killed(steps, moment, lambda _: story.lose() if way == "lost" else story.stop())
    assert steps_of(story.data, "rds.recover-cluster") == list(steps)
