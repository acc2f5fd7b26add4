"""What users have under way is seen while it lasts: transactions that wrote, changes of the schema, prepared transactions."""

import contextlib
import threading

import pytest

from tests.engines.databases.kits import MASTER, until

pytestmark = pytest.mark.xdist_group("databases")


@pytest.fixture(scope="module")
def busy(kit, instances):
    """An instance with a table, that can prepare transactions."""
    settings = {"max_prepared_transactions": "5"} if kit.name == "postgresql" else {}
    spec = instances.running("busy", settings=settings)
    kit.rows(kit.engine.reattach(spec).socket, "CREATE TABLE t (id INT PRIMARY KEY)")
    return spec


@pytest.fixture
def session(kit, busy, socket_of):
    """A session of the master."""
    with contextlib.closing(kit.session(socket_of(busy), MASTER)) as opened:
        yield opened


def kinds(kit, spec):
    return [each.kind for each in kit.engine.activities.under_way(spec)]


def run(session, *statements):
    with session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_transaction_that_wrote_is_seen_until_it_ends(kit, busy, session):
    run(session, "BEGIN", "SELECT * FROM t")
    assert kinds(kit, busy) == []
    run(session, "INSERT INTO t VALUES (1)")
    until(lambda: kinds(kit, busy) == ["write"], what="the open transaction is seen")
    assert f"of {MASTER.user}" in kit.engine.activities.under_way(busy)[0].text
    until(lambda: kit.engine.activities.under_way(busy)[0].seconds >= 1, what="its age grows")
    run(session, "ROLLBACK")
    until(lambda: kinds(kit, busy) == [], what="it is over")


def test_what_is_seen_is_not_old_while_others_look_all_the_time(kit, busy, session):
    assert kinds(kit, busy) == []
    run(session, "BEGIN", "INSERT INTO t (id) VALUES (2)")
    # At once, and not when nobody has looked for a while.
    assert kinds(kit, busy) == ["write"]
    run(session, "ROLLBACK")
    assert kinds(kit, busy) == []


def test_a_change_of_the_schema_that_waits_is_seen(kit, busy, session, socket_of):
    run(session, "BEGIN", "SELECT * FROM t")
    statement = "/* why */ ALTER TABLE t ADD COLUMN more INT"
    waiting = threading.Thread(target=kit.rows, args=(socket_of(busy), statement))
    waiting.start()
    until(lambda: "ddl" in kinds(kit, busy), what="the waiting statement is seen")
    assert "more" not in kit.engine.activities.under_way(busy)[0].text
    run(session, "ROLLBACK")
    waiting.join()
    until(lambda: kinds(kit, busy) == [], what="it is over")


def test_a_prepared_transaction_is_seen_until_its_second_phase(kit, busy, session):
    if kit.name == "mariadb":
        run(session, "XA START 'half'", "INSERT INTO t (id) VALUES (5)", "XA END 'half'", "XA PREPARE 'half'")
        second = "XA ROLLBACK 'half'"
    else:
        run(session, "BEGIN", "INSERT INTO t (id) VALUES (5)", "PREPARE TRANSACTION 'half'")
        second = "ROLLBACK PREPARED 'half'"
    found = kit.engine.activities.prepared(busy)
    assert len(found) == 1
    assert "half" in found[0]
    run(session, second)
    assert list(kit.engine.activities.prepared(busy)) == []


def test_what_the_server_does_itself_is_no_activity(kit, busy, instances):
    copy = instances.spec("following")
    kit.engine.copies.copy(busy, copy, kit.copy_kind)
    kit.engine.start(copy)
    kit.engine.copies.follow(busy, copy)
    for number in range(100, 150):
        kit.rows(kit.engine.reattach(busy).socket, "INSERT INTO t (id) VALUES (%s)", number)
        assert kinds(kit, copy) == []
    assert list(kit.engine.activities.outside(busy)) == []
    assert list(kit.engine.activities.scheduled(copy)) == []
