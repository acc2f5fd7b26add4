"""Whole copies: an instance and its followers go on in another folder as if their machine had failed."""

import contextlib
import shutil

import pytest
from msgspec.structs import replace

from coldframe.engines.database import DatabaseError
from tests.engines.databases.kits import until

pytestmark = pytest.mark.xdist_group("databases")


def run(kit, spec, statement):
    return kit.rows(kit.engine.start(spec).socket, statement)


def rows(kit, spec):
    return [row[0] for row in run(kit, spec, "SELECT id FROM whole ORDER BY id")]


def follows(kit, source, target):
    kit.engine.copies.follow(source, target)
    until(lambda: kit.engine.copies.following(source, target).running)


@pytest.fixture
def copied(kit, instances):
    """Makes the specs of copies in a folder beside, and takes them away."""
    made = []

    def at(spec):
        place = instances.folder / "copies" / spec.name
        place.mkdir(parents=True, exist_ok=True)
        made.append(replace(spec, folder=place))
        return made[-1]

    yield at
    for spec in made:
        with contextlib.suppress(FileNotFoundError):
            kit.engine.stop(spec, at_once=True)
    shutil.rmtree(instances.folder / "copies", ignore_errors=True)


@pytest.mark.parametrize("kind", ["physical", "logical"])
def test_followers_go_on_in_the_copy_and_nothing_reaches_the_original(kit, instances, copied, kind):
    whole = kit.engine.whole_copies
    source = instances.running(f"whole-{kind}")
    run(kit, source, "CREATE TABLE whole (id INT PRIMARY KEY)")
    run(kit, source, "INSERT INTO whole VALUES (1)")
    target = instances.spec(f"follower-{kind}", version=source.version)
    kit.engine.copies.copy(source, target, kind)
    kit.engine.start(target)
    follows(kit, source, target)
    specs = {spec.name: copied(spec) for spec in (source, target)}
    with contextlib.ExitStack() as stack:
        for spec in (source, target):
            stack.enter_context(whole.retain(spec, specs[spec.name].folder))
        run(kit, source, "INSERT INTO whole VALUES (2)")
        until(lambda: rows(kit, target) == [1, 2])
        whole.take(target, specs[target.name].folder)
        # The copy of the follower has neither; the log of the source has moved on.
        for number in (3, 4):
            run(kit, source, f"INSERT INTO whole VALUES ({number})")
            kit.engine.backups.archive(source, instances.folder / "archive")
        until(lambda: rows(kit, target) == [1, 2, 3, 4])
        whole.take(source, specs[source.name].folder)
    run(kit, source, "INSERT INTO whole VALUES (5)")
    for spec in (source, target):
        whole.finish(spec, specs[spec.name].folder)
        whole.check(spec.name, specs[spec.name].folder)
    # The originals run on beside: whoever took one for the other would have the row that came later.
    new_source, new_target = (specs[spec.name] for spec in (source, target))
    for spec in (new_source, new_target):
        whole.adopt(spec)
    assert rows(kit, new_source) == [1, 2, 3, 4]
    run(kit, new_source, "INSERT INTO whole VALUES (6)")
    kit.engine.start(new_target)
    follows(kit, new_source, new_target)
    until(lambda: rows(kit, new_target) == [1, 2, 3, 4, 6])
    until(lambda: rows(kit, target) == [1, 2, 3, 4, 5])
    for spec in (target, source):
        kit.engine.stop(spec)
    run(kit, new_source, "INSERT INTO whole VALUES (7)")
    until(lambda: rows(kit, new_target) == [1, 2, 3, 4, 6, 7])


def test_a_stopped_instance_is_copied_as_it_lies(kit, instances, copied):
    spec = instances.running("whole-stopped")
    run(kit, spec, "CREATE TABLE whole (id INT PRIMARY KEY)")
    run(kit, spec, "INSERT INTO whole VALUES (1)")
    # As after a crash: the files need their first start.
    kit.engine.stop(spec, at_once=True)
    there = copied(spec)
    with kit.engine.whole_copies.retain(spec, there.folder):
        kit.engine.whole_copies.take(spec, there.folder)
    kit.engine.whole_copies.finish(spec, there.folder)
    kit.engine.whole_copies.check(spec.name, there.folder)
    # What would lead back to the original leads nowhere.
    kit.engine.destroy(spec)
    assert rows(kit, there) == [1]
    run(kit, there, "INSERT INTO whole VALUES (2)")
    assert rows(kit, there) == [1, 2]


def test_damage_is_seen(kit, instances, copied):
    spec = instances.running("whole-damaged")
    run(kit, spec, "CREATE TABLE whole (id INT PRIMARY KEY)")
    there = copied(spec)
    with kit.engine.whole_copies.retain(spec, there.folder):
        kit.engine.whole_copies.take(spec, there.folder)
    if kit.engine.name == "mariadb":
        with pytest.raises(DatabaseError, match="not finished"):
            kit.engine.whole_copies.check(spec.name, there.folder)
    kit.engine.whole_copies.finish(spec, there.folder)
    kit.engine.whole_copies.check(spec.name, there.folder)
    if kit.engine.name == "mariadb":
        page = there.folder / "data" / "app" / "whole.ibd"
        content = bytearray(page.read_bytes())
        content[16384 * 3 + 200] ^= 255
        page.write_bytes(content)
    else:
        newest = max(path for path in (there.folder / "data" / "pg_wal").iterdir() if len(path.name) == 24)
        newest.write_bytes(newest.read_bytes()[:-4096])
    with pytest.raises(DatabaseError, match=r"damaged|cut off"):
        kit.engine.whole_copies.check(spec.name, there.folder)
