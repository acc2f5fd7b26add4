"""What a look at a MariaDB instance says while another hand starts it."""

import pytest

from coldframe.engines import daemon
from tests.engines.databases.kits import mariadb

pytestmark = pytest.mark.xdist_group("databases")


@pytest.fixture(scope="session")
def kit():
    return mariadb()


def test_an_instance_that_starts_between_two_looks_is_not_taken_for_writable(kit, instances, monkeypatch):
    spec = instances.running("glanced")
    kit.engine.set_read_only(spec, on=True)
    looks, look = [], daemon.running

    def late(record):
        looks.append(record)
        return None if len(looks) == 1 else look(record)

    monkeypatch.setattr(daemon, "running", late)
    status = kit.engine.status(spec)
    assert status.state == "running"
    assert status.running == kit.engine.reattach(spec)
    assert status.read_only


def test_one_that_is_stopped_says_whether_it_will_be_read_only(kit, instances):
    spec = instances.running("resting")
    kit.engine.set_read_only(spec, on=True)
    kit.engine.stop(spec)
    assert (kit.engine.status(spec).state, kit.engine.status(spec).read_only) == ("stopped", True)
