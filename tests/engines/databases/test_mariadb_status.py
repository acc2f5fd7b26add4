"""What a look at a MariaDB instance says while another hand starts it."""

import contextlib
import os

import pytest

from coldframe.engines import daemon
from coldframe.engines.mariadb import figures
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


def test_a_file_that_is_removed_while_files_are_counted_counts_as_nothing(tmp_path, monkeypatch):
    scandir = os.scandir
    for name in ("binlog.000001", "binlog.~rec~"):
        (tmp_path / name).write_bytes(bytes(5000))

    @contextlib.contextmanager
    def late(folder):
        with scandir(folder) as entries:
            found = list(entries)
        (tmp_path / "binlog.~rec~").unlink()
        yield found

    monkeypatch.setattr(figures.os, "scandir", late)
    assert figures._size(tmp_path) == (tmp_path / "binlog.000001").stat().st_blocks * 512
