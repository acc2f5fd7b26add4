"""What a power cut may have done to the files in which a replica of MariaDB keeps whom it follows, and how far it has received."""

import pytest

from coldframe.engines.mariadb.places import Place
from tests.engines.databases.kits import mariadb
from tests.journeys.process import until

pytestmark = pytest.mark.xdist_group("databases")

TORN = {
    "data/master.info": bytes(100),
    "data/relay-log.info": b"",
    "binlogs/relay.index": b"",
}


@pytest.fixture(scope="module")
def kit():
    return mariadb()


@pytest.fixture(scope="module")
def pair(kit, instances):
    source, copy = instances.running("led"), instances.spec("torn")
    kit.rows(kit.engine.reattach(source).socket, "CREATE TABLE followed (id INT PRIMARY KEY)")
    kit.engine.copies.copy(source, copy, "physical")
    kit.engine.start(copy)
    kit.engine.copies.follow(source, copy)
    return source, copy


def insert(kit, source, number):
    kit.rows(kit.engine.reattach(source).socket, f"INSERT INTO followed VALUES ({number})")
    return kit.engine.copies.position(source)


@pytest.mark.parametrize(("name", "content"), TORN.items(), ids=TORN)
def test_a_replica_goes_on_following(kit, pair, name, content):
    source, copy = pair
    numbers = [10 * [*TORN].index(name) + more for more in range(3)]
    position = insert(kit, source, numbers[0])
    until(lambda: kit.engine.copies.reached(copy, position))
    kit.engine.stop(copy, at_once=True)
    place = Place(copy)
    path = {"data": place.data, "binlogs": place.binlogs}[name.split("/")[0]] / name.split("/")[1]
    assert path.stat().st_size
    path.write_bytes(content)
    insert(kit, source, numbers[1])
    kit.engine.start(copy)
    kit.engine.copies.follow(source, copy)
    last = insert(kit, source, numbers[2])
    until(lambda: kit.engine.copies.reached(copy, last))
    assert kit.engine.copies.following(source, copy).running
    rows = [
        kit.rows(kit.engine.reattach(each).socket, "SELECT id FROM followed ORDER BY id") for each in pair
    ]
    assert rows[0] == rows[1]
    assert {(each,) for each in numbers} <= {*rows[0]}
