"""What the endpoint of every engine does (engines/endpoint.py): spread clients over databases, and let a cluster's writer change."""

import contextlib
import os
import signal
import threading
import time

import pytest

from coldframe.engines.endpoint import EndpointSpec
from tests.engines.databases.kits import MASTER, loopback, until

pytestmark = pytest.mark.xdist_group("databases")

# What tells an instance from its copies.
WHO = {"mariadb": "SELECT @@server_id", "postgresql": "SELECT pg_postmaster_start_time()"}
# What a client reads of a database that shuts down or is not there, by the engine's own codes.
SHUT_DOWN = {"mariadb": {1053, 2013}, "postgresql": {"57P01"}}
NOT_THERE = {"mariadb": {1040}, "postgresql": {"57P03"}}


@pytest.fixture(scope="module")
def three(kit, instances, shared):
    """A primary and two copies of it that can be read."""
    copies = [instances.spec("reader-1"), instances.spec("reader-2")]
    for copy in copies:
        kit.engine.copies.copy(shared, copy, "physical")
        kit.engine.start(copy)
        kit.engine.copies.follow(shared, copy)
    position = kit.engine.copies.position(shared)
    for copy in copies:
        until(lambda copy=copy: kit.engine.copies.reached(copy, position))
    return [shared, *copies]


@pytest.fixture
def sockets(kit, three):
    """Where the three listen; all of them run."""
    for spec in three:
        kit.engine.start(spec)
    return [kit.engine.reattach(spec).socket for spec in three]


@pytest.fixture
def door(kit, instances, request):
    """An endpoint that has no database yet."""
    address, port = loopback()
    name = f"door-{abs(hash(request.node.name))}"
    spec = EndpointSpec(name, kit.name, address, port, instances.folder / name)
    kit.endpoints.start(spec, None)
    yield spec
    kit.endpoints.stop(spec)


class Clients:
    """Clients of an endpoint, which say at which database they are."""

    def __init__(self, kit, spec):
        self.kit, self.where = kit, (spec.address, spec.port)
        self.open = contextlib.ExitStack()

    def one(self):
        session = self.kit.session(self.where, MASTER, **self.kit.plain)
        return self.open.enter_context(contextlib.closing(session))

    def place(self, session):
        with session.cursor() as cursor:
            cursor.execute(WHO[self.kit.name])
            return cursor.fetchone()[0]

    def code(self, problem):
        return problem.args[0] if self.kit.name == "mariadb" else problem.sqlstate or _state(problem)


def _state(problem):
    """The code of an error before the session began, of which psycopg keeps the text alone."""
    texts = {"did not come back": "57P03", "starting up": "57P03", "administrator command": "57P01"}
    return next((code for text, code in texts.items() if text in str(problem)), str(problem))


@pytest.fixture
def clients(kit, door):
    made = Clients(kit, door)
    with made.open:
        yield made


@pytest.fixture
def names(kit, sockets):
    return [kit.rows(socket, WHO[kit.name])[0][0] for socket in sockets]


def sessions(kit, door):
    return {one.socket: one.sessions for one in kit.endpoints.status(door).databases}


def test_new_connections_are_balanced_and_the_list_changes_at_any_time(kit, door, clients, sockets, names):
    kit.endpoints.spread(door, sockets[1:])
    opened = [clients.one() for _ in range(6)]
    assert sorted(map(clients.place, opened)) == sorted(names[1:] * 3)
    assert sessions(kit, door) == {sockets[1]: 3, sockets[2]: 3}
    # In turn among equals.
    assert clients.place(opened[0]) != clients.place(opened[1])
    kit.endpoints.spread(door, sockets)
    assert [clients.place(clients.one()) for _ in range(3)] == [names[0]] * 3
    status = kit.endpoints.status(door)
    assert [one.socket for one in status.databases] == sockets
    assert all(one.listed and one.answers and one.sessions == 3 for one in status.databases)
    assert status.sessions == 9


def test_a_database_that_does_not_answer_is_left_out_until_it_does(kit, door, clients, three, sockets, names):
    kit.endpoints.spread(door, sockets[1:])
    kit.engine.stop(three[1])
    assert [clients.place(clients.one()) for _ in range(4)] == [names[2]] * 4
    away = kit.endpoints.status(door).databases
    assert [(one.socket, one.answers) for one in away] == [(sockets[1], False), (sockets[2], True)]
    kit.engine.start(three[1])
    until(lambda: all(one.answers for one in kit.endpoints.status(door).databases))
    back = kit.rows(sockets[1], WHO[kit.name])[0][0]
    assert [clients.place(clients.one()) for _ in range(4)] == [back] * 4


def test_a_database_that_hangs_does_not_keep_new_clients_waiting(kit, door, clients, three, sockets, names):
    kit.endpoints.spread(door, sockets[1:])
    pid = kit.engine.reattach(three[1]).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert [clients.place(clients.one()) for _ in range(3)] == [names[2]] * 3
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: all(one.answers for one in kit.endpoints.status(door).databases))


def test_clients_are_told_at_once_when_no_database_answers(kit, door, clients, three, sockets):
    kit.endpoints.spread(door, sockets[1:2])
    kit.engine.stop(three[1])
    began = time.monotonic()
    with pytest.raises(kit.refused) as refused:
        clients.one()
    assert clients.code(refused.value) in NOT_THERE[kit.name]
    assert time.monotonic() - began < 10
    assert kit.endpoints.status(door).databases[0].sessions == 0


def test_sessions_at_a_removed_database_end_by_themselves_or_at_a_deadline(
    kit, door, clients, sockets, names
):
    kit.endpoints.spread(door, sockets[1:])
    stays, goes = sorted((clients.one(), clients.one()), key=lambda one: clients.place(one) == names[1])
    kit.endpoints.spread(door, sockets[2:])
    assert clients.place(goes) == names[1]
    left = {one.socket: one.listed for one in kit.endpoints.status(door).databases}
    assert left == {sockets[2]: True, sockets[1]: False}
    kit.endpoints.spread(door, sockets[2:], end_within=0.01)
    until(lambda: sessions(kit, door) == {sockets[2]: 1})
    with pytest.raises(kit.refused):
        clients.place(goes)
    assert clients.place(stays) == names[2]
    assert kit.endpoints.status(door).cut == 1


def test_the_list_is_kept_for_the_process_that_comes_after(kit, door, clients, sockets, names):
    kit.endpoints.spread(door, sockets[1:])
    kit.endpoints.spread(door, sockets)
    os.kill(kit.endpoints.status(door).pid, signal.SIGKILL)
    until(lambda: kit.endpoints.status(door) is None)
    status = kit.endpoints.start(door, None)
    assert [one.socket for one in status.databases] == sockets
    assert sorted(clients.place(clients.one()) for _ in range(3)) == sorted(names)
    # Who was released to one database goes on there alone, and whoever starts the next process says where.
    kit.endpoints.release(door, sockets[0])
    os.kill(kit.endpoints.status(door).pid, signal.SIGKILL)
    until(lambda: kit.endpoints.status(door) is None)
    assert kit.endpoints.start(door, None).databases == ()


def test_clients_wait_for_the_first_database_of_an_empty_list(kit, door, clients, sockets, names):
    kit.endpoints.spread(door, sockets[1:2])
    stays = clients.one()
    kit.endpoints.spread(door, [])
    assert clients.place(stays) == names[1]
    found = []
    waiting = threading.Thread(target=lambda: found.append(clients.place(clients.one())))
    waiting.start()
    waiting.join(0.2)
    assert found == []
    kit.endpoints.spread(door, sockets[2:])
    waiting.join()
    assert found == [names[2]]


def test_held_clients_of_several_databases_go_on_where_they_are_still_wanted(
    kit, door, clients, sockets, names
):
    kit.endpoints.spread(door, sockets[1:])
    opened = [clients.one() for _ in range(4)]
    assert kit.endpoints.hold(door, drain=2, deadline=60).held == 4
    kit.endpoints.spread(door, [sockets[0], sockets[2]])
    assert sorted(map(clients.place, opened)) == sorted([names[0], names[2]] * 2)
    status = kit.endpoints.status(door)
    assert (status.moved, status.cut) == (2, 0)
    assert sessions(kit, door) == {sockets[0]: 2, sockets[2]: 2}


def test_a_dead_writer_ends_its_sessions_and_new_clients_wait_for_the_next(
    kit, door, clients, sockets, names
):
    kit.endpoints.release(door, sockets[0])
    idle, busy = clients.one(), clients.one()
    ended = []

    def wait():
        with pytest.raises(kit.refused) as problem, busy.cursor() as cursor:
            cursor.execute({"mariadb": "SELECT SLEEP(60)", "postgresql": "SELECT pg_sleep(60)"}[kit.name])
        ended.append(clients.code(problem.value))

    waits = threading.Thread(target=wait)
    waits.start()
    until(lambda: kit.endpoints.status(door).sessions == 2)
    time.sleep(0.2)
    assert kit.endpoints.fail_over(door, deadline=60) == 2
    waits.join()
    assert set(ended) <= SHUT_DOWN[kit.name] and len(ended) == 1
    with pytest.raises(kit.refused):
        clients.place(idle)
    found = []
    new = threading.Thread(target=lambda: found.append(clients.place(clients.one())))
    new.start()
    new.join(0.2)
    assert found == []
    kit.endpoints.release(door, sockets[2])
    new.join()
    assert found == [names[2]]
    status = kit.endpoints.status(door)
    assert (status.sessions, status.cut, status.holding) == (1, 2, False)


def test_nobody_waits_longer_for_a_new_writer_than_was_said(kit, door, clients, sockets):
    kit.endpoints.release(door, sockets[0])
    kit.endpoints.fail_over(door, deadline=0.2)
    with pytest.raises(kit.refused) as refused:
        clients.one()
    assert clients.code(refused.value) in NOT_THERE[kit.name]
    kit.endpoints.release(door, sockets[0])
    clients.one()
