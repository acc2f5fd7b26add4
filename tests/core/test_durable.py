"""What `core/durable.py` promises, and what leans on it, on a disk that loses its power at once."""

import os

import pytest

from coldframe.core import durable
from coldframe.engines import daemon
from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql import layout
from coldframe.engines.postgresql.instances import Instances
from tests.journeys.power import cut_disk, needs_root

pytestmark = [needs_root, pytest.mark.xdist_group("power-cut")]


@pytest.fixture(scope="module")
def disk():
    # Names reach the disk before contents do, as file systems may have it.
    with cut_disk("data=writeback,noauto_da_alloc", size=64 << 20) as made:
        yield made


def cut(disk):
    """Lose the power just after the journal was written for somebody else."""
    with (disk.folder / "other").open("wb") as other:
        os.fsync(other.fileno())
    disk.cut()
    disk.back()


def test_a_file_that_was_written_is_whole(disk):
    path = disk.folder / "file"
    durable.write(path, b"first")
    durable.write(path, b"x" * 10_000, mode=0o644)
    cut(disk)
    assert path.read_bytes() == b"x" * 10_000
    assert path.stat().st_mode & 0o777 == 0o644
    assert not path.with_name("file.new").exists()


def test_a_write_that_fails_leaves_the_old_file(disk):
    folder = disk.folder / "folder"
    durable.make_folder(folder)
    durable.write(folder / "file", b"old")
    (folder / "file.new").symlink_to(disk.folder / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        durable.write(folder / "file", b"new")
    assert (folder / "file").read_bytes() == b"old"
    assert not (disk.folder / "elsewhere").exists()


def test_a_folder_that_was_removed_does_not_come_back(disk):
    gone = disk.folder / "gone"
    for name in ("one", "two"):
        durable.make_folder(gone / name)
        durable.write(gone / name / "file", b"x" * 5000)
    durable.remove_tree(gone)
    disk.cut()
    disk.back()
    assert not gone.exists()
    # An attempt before may have ended in between, of which nobody was told; one that never was is no error.
    durable.remove_tree(gone)
    durable.remove_tree(disk.folder / "never" / "there")


def test_an_instance_that_has_left_its_source_follows_nobody_afterwards(disk, tmp_path):
    source, copy = (
        InstanceSpec(name=name, version="15", folder=disk.folder / name, serial=serial)
        for serial, name in enumerate(("source", "copy"))
    )
    for each in (source, copy):
        durable.make_folder(each.folder)
    # It has been fenced off, so that its successor leaves it without a word.
    layout.remember(source, layout.State(stands="0/1"))
    layout.remember(copy, layout.State(source=layout.Source(str(source.folder), "physical", "slot")))
    instances = Instances(tmp_path)
    assert instances.mode(copy, layout.state(copy)) == "standby"
    instances.leave(copy)
    disk.cut()
    disk.back()
    assert instances.mode(copy, layout.state(copy)) == "open"


def test_folders_and_copies_are_there(disk):
    deep = disk.folder / "a" / "b" / "c"
    durable.make_folder(deep)
    disk.cut()
    disk.back()
    assert deep.is_dir()
    source = deep / "source"
    source.write_bytes(b"y" * 70_000)
    durable.copy(source, deep / "target")
    durable.sync_folder(deep)
    cut(disk)
    assert (deep / "target").read_bytes() == b"y" * 70_000


def test_a_tree_that_others_wrote_is_whole_once_it_was_synced(disk):
    tree = disk.folder / "tree"
    (tree / "inside").mkdir(parents=True)
    for number in range(50):
        (tree / "inside" / str(number)).write_bytes(b"z" * number)
    durable.sync_tree(tree)
    disk.cut()
    disk.back()
    assert [(tree / "inside" / str(number)).stat().st_size for number in range(50)] == list(range(50))


def test_the_record_of_a_process_can_be_read(disk):
    record = disk.folder / "process.json"
    daemon.adopt(record, os.getpid())
    cut(disk)
    assert daemon.running(record) == os.getpid()


def test_what_is_remembered_of_an_instance_is_what_waited_for_the_disk(disk):
    place = disk.folder / "instance"
    place.mkdir()
    layout.write_state(place, layout.State(read_only=True, stands="0/1"), durable=True)
    layout.write_state(place, layout.State(stands="0/2"), durable=False)
    assert layout.read_state(place).stands == "0/2"
    cut(disk)
    # The file system has the new name, and nothing in it.
    assert (place / "state.json").read_bytes() == b""
    found = layout.read_state(place)
    assert found.read_only
    assert found.stands == "0/1"
    layout.write_state(place, layout.State(stands="0/3"), durable=True)
    cut(disk)
    assert layout.read_state(place).stands == "0/3"
