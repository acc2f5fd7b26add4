"""Failovers of a DB cluster under eight writers: every acknowledged row is there once, and there is never more than one writer.

Planned ones are not seen by the clients; when the writer's data are gone, a reader that has all that was acknowledged takes over.
"""

import contextlib
import signal
import time

import pytest

from coldframe.jobs.job import JobError
from coldframe.services.rds import probing
from coldframe.services.rds.clusters import failover
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.looks import Looks
from tests.journeys.process import until
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.clusters import (
    ENGINES,
    Behind,
    at_cluster,
    cluster_of,
    made_cluster,
    remove_clusters,
    settled_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, served

pytestmark = [pytest.mark.xdist_group("clusters"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server():
    with served(remove_clusters) as running:
        yield running


# RDS takes forty instances, and each that is idle costs the others time.
MOST = 20


@pytest.fixture
def rds(server):
    client = server.client("rds")
    if len(client.describe_db_instances()["DBInstances"]) > MOST:
        remove_clusters(client)
    return client


class Story:
    """A cluster of three with tables, and what writes to it."""

    def __init__(self, server, rds, engine):
        self.server, self.rds, self.engine = server, rds, engine
        self.made = made_cluster(rds, engine, members=3)
        self.name = self.made["DBClusterIdentifier"]
        self.connect = connector(at_cluster(self.made), PASSWORD)
        prepare(self.connect, at_cluster(self.made)["Engine"], 8)
        self.behind = Behind(server, self.name)
        self.behind.promotable(2)

    def writer(self):
        return writer_of(self.rds, self.name)

    def failed_over(self):
        before = self.writer()
        self.rds.failover_db_cluster(DBClusterIdentifier=self.name)
        settled_cluster(self.rds, self.name)
        assert self.writer() != before, self.rds.describe_events(Duration=5)["Events"]
        assert self.behind.writable() == [self.writer()]

    def lose(self, member):
        """Kill a database and take its data away, so that it cannot come back."""
        _, spec = self.behind.engine(member)
        (spec.folder / "data").rename(spec.folder / "lost")
        self.behind.kill(member)

    def all_there(self):
        for each in cluster_of(self.rds, self.name)["DBClusterMembers"]:
            available(self.rds, each["DBInstanceIdentifier"])
        self.behind.promotable(2)

    def events(self):
        found = self.rds.describe_events(SourceType="db-cluster", SourceIdentifier=self.name, Duration=30)
        return [each["Message"] for each in found["Events"]]


@contextlib.contextmanager
def writing(story):
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 200)
        yield writers
        written = writers.written
        until(lambda: writers.written > written + 200)
    writers.check()


@pytest.mark.parametrize("engine", ENGINES)
def test_planned_failovers_are_a_pause_and_nothing_else(server, rds, engine):
    story = Story(server, rds, engine)
    with writing(story) as writers:
        for _ in range(3):
            story.failed_over()
            story.all_there()
    assert not writers.errors, writers.errors[:5]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reader_takes_over_when_the_writer_is_lost(server, rds, engine):
    story = Story(server, rds, engine)
    with writing(story) as writers:
        lost = story.writer()
        story.lose(lost)
        until(lambda: story.writer() != lost, 60)
        settled_cluster(rds, story.name)
        written = writers.written
        until(lambda: writers.written > written + 100)
        # It comes back as a reader, copied anew.
        story.all_there()
        assert story.behind.writable() == [story.writer()]
        # Nor is a reader waited for that hangs, the preferred one, long before that is found out.
        lost = story.writer()
        hanging = min(name for name in story.behind.members() if name != lost)
        story.behind.kill(hanging, signal.SIGSTOP)
        written = writers.written
        until(lambda: writers.written > written + 50)
        story.lose(lost)
        began = time.monotonic()
        until(lambda: story.writer() != lost, 60)
        written = writers.written
        until(lambda: writers.written > written + 50)
        assert time.monotonic() - began < 20
        with contextlib.suppress(ProcessLookupError, AttributeError):
            story.behind.kill(hanging, signal.SIGCONT)
        story.all_there()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_writer_whose_failover_fails_takes_writes_again_whoever_starts_it(server, rds, engine, monkeypatch):
    def unknown(run, cluster):
        # A reader that comes back meanwhile needs it, and starts it closed as it is.
        run.part(Databases).socket(failover._writer(run, cluster))
        raise JobError("nobody can say what the readers have")

    monkeypatch.setattr(failover, "_revive", lambda _run, _cluster: False)
    monkeypatch.setattr(failover, "_most_advanced", unknown)
    story = Story(server, rds, engine)
    with writing(story) as writers:
        writer = story.writer()
        story.behind.kill(writer)
        until(lambda: any("failover failed" in each for each in story.events()), 30)
        written = writers.written
        until(lambda: writers.written > written + 50, 30)
        assert story.behind.writable() == [writer] == [story.writer()]
        story.all_there()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reader_takes_over_when_the_writer_hangs(server, rds, engine, monkeypatch):
    for name, seconds in (("EVERY", 1.0), ("ANSWER", 4.0), ("WRITE", 20.0), ("AGAIN", 2.0)):
        monkeypatch.setattr(probing, name, seconds)
    story = Story(server, rds, engine)
    with writing(story) as writers:
        stopped = story.writer()
        story.behind.kill(stopped, signal.SIGSTOP)
        until(lambda: story.writer() != stopped, 60)
        settled_cluster(rds, story.name)
        written = writers.written
        until(lambda: writers.written > written + 100)
        story.all_there()
        assert story.behind.writable() == [story.writer()]
        assert any("Completed failover" in each for each in story.events())
        # A reader that hangs is not waited for, and comes back.
        story.behind.kill(stopped, signal.SIGSTOP)
        written, engine, spec = writers.written, *story.behind.engine(stopped)
        pid = engine.reattach(spec).pid
        until(lambda: (running := engine.reattach(spec)) and running.pid != pid, 60)
        until(lambda: writers.written > written + 100)
        story.all_there()
        # Nor are readers that run and get nothing.
        for name in (each for each in story.behind.members() if each != story.writer()):
            story.behind.get_nothing(name)
        written = writers.written
        until(lambda: writers.written > written + 100, 60)
        story.all_there()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_preferred_reader_takes_over_with_what_the_other_one_has(server, rds, engine):
    story = Story(server, rds, engine)
    lost = story.writer()
    preferred = max(name for name in story.behind.members() if name != lost)
    rds.modify_db_instance(DBInstanceIdentifier=preferred, PromotionTier=0, ApplyImmediately=True)
    story.all_there()
    with writing(story) as writers:
        story.behind.get_nothing(preferred)
        written = writers.written
        until(lambda: writers.written > written + 50)
        story.lose(lost)
        until(lambda: story.writer() != lost, 60)
        assert story.writer() == preferred
        written = writers.written
        until(lambda: writers.written > written + 100)
        story.all_there()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_writer_that_comes_back_at_once_stays_the_writer(server, rds, engine):
    story = Story(server, rds, engine)
    with writing(story) as writers:
        before = story.writer()
        story.behind.kill(before)
        written = writers.written
        until(lambda: writers.written > written + 100)
        assert story.writer() == before


def test_a_cluster_that_hangs_delays_the_failover_of_no_other(server, rds):
    """The look for who acknowledges there waits for half a minute; meanwhile the others are looked at."""
    sick = made_cluster(rds, "mariadb", members=2)
    behind = Behind(server, sick["DBClusterIdentifier"])
    behind.promotable(1)
    story = Story(server, rds, "mariadb")
    (reader,) = {*behind.members()} - {writer_of(rds, behind.name)}
    behind.kill(reader, signal.SIGSTOP)
    try:
        waits = f"DB cluster {sick['DbClusterResourceId']}, reader {behind.members()[reader].resource_id}"
        looks = server.installation.parts.get(Looks)
        until(lambda: waits in looks.under_way() and not time.sleep(1.0) and waits in looks.under_way(), 20)
        lost = story.writer()
        story.lose(lost)
        began = time.monotonic()
        until(lambda: story.writer() != lost, 60)
        took = time.monotonic() - began
        assert waits in looks.under_way()
    finally:
        behind.kill(reader, signal.SIGCONT)
        remove_clusters(rds)
    assert took < 10


@pytest.mark.parametrize("engine", ENGINES)
def test_dead_readers_do_not_block_the_writer(server, rds, engine):
    story = Story(server, rds, engine)
    with writing(story) as writers:
        for member in [name for name in story.behind.members() if name != story.writer()]:
            story.lose(member)
        written = writers.written
        until(lambda: writers.written > written + 200)
        story.all_there()
    assert not writers.errors, writers.errors[:5]
