"""Who may take over in a cluster: at every moment the most advanced of them has what was acknowledged.

The engine is a model: rows are numbers, and a commit is acknowledged by one of the followers that the writer's spec names. A
crash is tried after every change of the records and every order to the engine.
"""

import contextlib
import itertools
import threading

import pytest

from coldframe.core.store import Store
from coldframe.engines.database import DatabaseError, Following
from coldframe.jobs.job import JobError
from coldframe.services.rds.clusters import failover, lookup, rejoining
from coldframe.services.rds.clusters.membership import Group
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.records import Deployment, Endpoint, Instance


class Died(Exception):
    """The server ended here."""


class Model:
    """A writer and followers: what each has, and who acknowledges as the writer was told last."""

    keeps = True
    name = "model"

    def __init__(self):
        self.has = {}
        self.dead = set()
        self.told = ()
        self.committed = self.acknowledged = 0
        self.groups = self.copies = self
        self.left = None

    def step(self):
        if self.left is not None:
            if self.left == 0:
                raise Died
            self.left -= 1

    def commit(self):
        """Commit one row more; it is acknowledged where it may be, by the follower that is not said to be slow."""
        self.committed += 1
        alive = [each for each in self.told if each not in self.dead]
        if not self.told:
            self.acknowledged = self.committed
        elif alive:
            # Another one each time has it first, and the others are behind.
            self.has[alive[self.committed % len(alive)]] = self.committed
            self.acknowledged = self.committed

    def catch_up(self):
        for each in self.has:
            if each not in self.dead:
                self.has[each] = self.committed

    def reattach(self, spec):
        return None if spec.serial in self.dead else object()

    def synchronize(self, writer):
        self.step()
        self.told = tuple(writer.acknowledged_by)
        position = str(self.committed)
        self.step()
        return position

    def acknowledge(self, source, follower):
        self.step()

    def confirm(self, source, follower):
        self.step()

    def received(self, follower):
        if follower.serial in self.dead:
            raise DatabaseError("it is dead")
        # What was sent arrives while it is waited for.
        self.has[follower.serial] = max(self.has[follower.serial], self.committed)
        return str(self.has[follower.serial])

    def before(self, one, other):
        return int(one) < int(other)

    def following(self, source, target):
        return Following(running=target.serial not in self.dead, behind=0)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('membership')}/store.db")
    opened.prepare([Cluster, ClusterEndpoint, Deployment, Endpoint, Instance])
    yield opened
    opened.close()


HERE = ("123456789012", "us-east-1")
_numbers = itertools.count()


class Story:
    """A cluster of records over the model."""

    def __init__(self, store, readers):
        self.store, self.model = store, Model()
        self.id = f"cluster-{next(_numbers)}"
        self._turn = threading.Lock()
        self.ids = [f"{self.id}-{number}" for number in range(readers + 1)]
        with self._records() as records:
            records.add(_cluster(self.id, self.ids[0]))
            for number, each in enumerate(self.ids):
                records.add(_instance(each, self.id, number, "" if number == 0 else self.ids[0]))
                if number:
                    self.model.has[number] = 0
        self.group = Group(self, *HERE, self.id)

    @contextlib.contextmanager
    def _records(self):
        with self.store.write() as transaction:
            yield transaction.records(*HERE)

    def engine(self, _name):
        return self.model

    def turn(self, _cluster):
        return self._turn

    def spec(self, row):
        return row

    def check(self):
        """The most advanced of those who may take over has everything that was acknowledged, if there are any."""
        with self._records() as records:
            cluster = lookup.expect(records, self.id)
            serials = [
                row.serial
                for row in lookup.members(records, cluster)
                if row.resource_id in cluster.promotable
            ]
        if serials:
            best = max(self.model.has[each] for each in serials)
            assert best >= self.model.acknowledged, (serials, self.model.has, self.model.acknowledged)
        return serials


def _cluster(resource_id, writer):
    return Cluster(
        identifier=resource_id, resource_id=resource_id, engine="aurora-postgresql", version="15.1", status="available",
        created=0, master="owner", endpoint="e", reader_endpoint="r", parameter_group="g", port=5432, storage=1, zones=[],
        writer=writer,
    )  # fmt: skip


def _instance(resource_id, cluster, serial, source):
    return Instance(
        identifier=resource_id, resource_id=resource_id, serial=serial, engine="aurora-postgresql", version="15.1",
        instance_class="db.t3.micro", status="available", created=0, master="owner", endpoint="e", parameter_group="g",
        option_group="o", storage=1, cluster=cluster, source=source, ready=1,
    )  # fmt: skip


def restarted(story):
    """The writer is started anew: it does as the records say."""
    with story._records() as records:
        story.model.told = tuple(lookup.writer(records, lookup.expect(records, story.id)).acknowledged_by)


def changes(story):
    """Readers join, one dies and leaves, comes back, and all leave."""
    one, two = story.ids[1:3]
    story.model.commit()
    yield lambda: story.group.join(one)
    yield lambda: story.group.join(two)
    yield lambda: story.model.dead.add(1)
    yield lambda: story.group.leave(one)
    yield lambda: story.model.dead.discard(1)
    yield lambda: story.group.join(one)
    yield lambda: story.group.leave(two)
    yield lambda: story.group.leave(one)


def test_readers_join_and_leave(store):
    story = Story(store, 2)
    seen = []
    for change in changes(story):
        change()
        story.check()
        story.model.commit()
        seen.append(sorted(story.check()))
    assert seen == [[1], [1, 2], [1, 2], [2], [2], [1, 2], [1], []]
    assert story.model.acknowledged == story.model.committed


@pytest.mark.parametrize("restarts", [False, True])
def test_a_crash_at_any_moment_leaves_nobody_to_lose_by(store, restarts):
    for number in range(8):
        for died_at in range(5):
            story = Story(store, 2)
            for position, change in enumerate(changes(story)):
                if position == number:
                    story.model.left = died_at
                    with contextlib.suppress(Died):
                        change()
                    story.model.left = None
                    story.check()
                    if restarts:
                        restarted(story)
                    story.model.commit()
                    story.check()
                change()
                story.check()
                story.model.commit()
                story.check()


def changed(story, number, **fields):
    """Change the record of a member."""
    with story._records() as records:
        row = next(
            row for row in lookup.members(records, lookup.expect(records, story.id)) if row.serial == number
        )
        records.change(row, **fields)


def test_nobody_comes_back_during_a_failover_though_nobody_acknowledges(store):
    """What a reader has may be all that will be left: whoever brings it back would copy it anew."""
    story = Story(store, 1)
    with story._records() as records:
        records.change(lookup.expect(records, story.id), status="failing-over")
    with pytest.raises(DatabaseError, match=r"a failover of .* is under way"):
        story.group.leave(story.ids[1])


class FailoverRun:
    """What a step of a failover gets of its job."""

    account, region = HERE

    def __init__(self, story):
        self._story = story

    def part(self, _kind):
        return self._story

    def read(self):
        return self._story._records()


def test_a_reader_that_comes_back_is_not_chosen(store):
    """It follows, and may yet be copied anew at any moment."""
    story = Story(store, 2)
    run, one, two = FailoverRun(story), *story.ids[1:3]
    assert failover._choose(run, story.id, "") == one
    changed(story, 1, note=rejoining.REJOINS)
    assert failover._choose(run, story.id, "") == two
    with pytest.raises(JobError, match=f"{one} comes back to the writer"):
        failover._choose(run, story.id, one)
    changed(story, 1, note="")
    assert failover._choose(run, story.id, one) == one
