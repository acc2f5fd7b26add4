"""What every database engine does (engines/database.py), with real clients against real instances."""

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from coldframe.engines.database import DatabaseError, Login, VersionMissing
from tests.engines.databases.kits import KITS, MASTER, until

pytestmark = pytest.mark.xdist_group("databases")


def test_an_instance_is_created_once_and_its_master_owns_the_database(kit, shared, socket_of):
    kit.engine.create(shared, Login("other", "other"), "other")
    assert kit.engine.start(shared) == kit.engine.reattach(shared)
    where = socket_of(shared)
    kit.rows(where, "CREATE TABLE created (id INT PRIMARY KEY)")
    kit.rows(where, "INSERT INTO created VALUES (1)")
    assert kit.rows(where, "SELECT id FROM created") == [(1,)]
    with pytest.raises(kit.refused):
        kit.rows(where, "SELECT 1", login=Login("other", "other"))


def test_the_master_cannot_switch_read_only_off(kit, shared, socket_of):
    kit.engine.set_read_only(shared, on=True)
    try:
        with pytest.raises(kit.refused):
            kit.rows(socket_of(shared), kit.read_only_off)
        assert kit.engine.status(shared).read_only
    finally:
        kit.engine.set_read_only(shared, on=False)


def test_nobody_but_the_owner_reaches_socket_and_data(kit, shared, socket_of):
    owner = socket_of(shared).parent.stat()
    assert owner.st_mode & 0o077 == 0
    process = Path(f"/proc/{kit.engine.reattach(shared).pid}")
    assert process.stat().st_uid == owner.st_uid
    if os.geteuid() == 0:
        assert owner.st_uid != 0


def test_a_password_is_in_no_file_argument_or_error(kit, instances):
    spec = instances.running("secretive")
    password = "a password nobody may read 4711"
    kit.engine.set_password(spec, Login(MASTER.user, password))
    kit.engine.set_password(spec, MASTER)
    kit.engine.stop(spec)
    secrets = [password.encode(), MASTER.password.encode()]
    files = [path for path in spec.folder.rglob("*") if path.is_file()]
    assert files
    found = [path for path in files for secret in secrets if secret in path.read_bytes()]
    assert found == []
    assert MASTER.password not in repr(MASTER)


def test_another_engine_object_finds_the_process_again(kit, shared):
    assert KITS[kit.name]().engine.reattach(shared) == kit.engine.reattach(shared)


def test_an_instance_stops_cleanly_and_keeps_its_rows(kit, instances, socket_of):
    spec = instances.running("stopping")
    kit.rows(socket_of(spec), "CREATE TABLE kept (id INT PRIMARY KEY)")
    kit.rows(socket_of(spec), "INSERT INTO kept VALUES (1), (2)")
    pid = kit.engine.reattach(spec).pid
    kit.engine.stop(spec)
    assert not Path(f"/proc/{pid}").exists()
    assert kit.engine.status(spec).state == "stopped"
    assert kit.engine.reattach(spec) is None
    kit.engine.stop(spec)
    kit.engine.start(spec)
    assert kit.rows(socket_of(spec), "SELECT COUNT(*) FROM kept") == [(2,)]
    kit.engine.stop(spec)
    kit.engine.destroy(spec)
    assert kit.engine.status(spec).state == "absent"
    assert not spec.folder.exists()


def test_a_crash_is_seen_and_loses_nothing_that_was_acknowledged(kit, instances, socket_of):
    spec = instances.running("crashing")
    kit.rows(socket_of(spec), "CREATE TABLE kept (id INT PRIMARY KEY)")
    for number in range(20):
        kit.rows(socket_of(spec), "INSERT INTO kept VALUES (%s)", number)
    os.kill(kit.engine.reattach(spec).pid, signal.SIGKILL)
    until(lambda: kit.engine.status(spec).state == "crashed", what="the crash is seen")
    kit.engine.start(spec)
    assert kit.rows(socket_of(spec), "SELECT COUNT(*) FROM kept") == [(20,)]


def test_read_only_holds_at_once_and_after_a_crash(kit, instances, socket_of):
    spec = instances.running("fenced")
    kit.rows(socket_of(spec), "CREATE TABLE kept (id INT PRIMARY KEY)")
    kit.engine.set_read_only(spec, on=True)
    for restart in (False, True):
        if restart:
            os.kill(kit.engine.reattach(spec).pid, signal.SIGKILL)
            until(lambda: kit.engine.status(spec).state == "crashed")
            kit.engine.start(spec)
        assert kit.engine.status(spec).read_only
        with pytest.raises(kit.refused):
            kit.rows(socket_of(spec), "INSERT INTO kept VALUES (1)")
        assert kit.rows(socket_of(spec), "SELECT COUNT(*) FROM kept") == [(0,)]
    kit.engine.set_read_only(spec, on=False)
    kit.rows(socket_of(spec), "INSERT INTO kept VALUES (1)")


def test_a_password_can_be_changed(kit, shared, socket_of):
    changed = Login(MASTER.user, "it's \\ changed")
    kit.engine.set_password(shared, changed)
    try:
        assert kit.rows(socket_of(shared), "SELECT 1", login=changed) == [(1,)]
        with pytest.raises(kit.refused):
            kit.rows(socket_of(shared), "SELECT 1")
    finally:
        kit.engine.set_password(shared, MASTER)
    with pytest.raises(DatabaseError):
        kit.engine.set_password(shared, Login("nobody here", "x"))


def test_settings_change_at_once_or_wait_for_a_restart(kit, instances, socket_of):
    spec = instances.running("tuned")
    name, value, ask = kit.now
    changed = msgspec.structs.replace(spec, settings={name: value, kit.later[0]: kit.later[1]})
    assert list(kit.engine.apply(changed)) == [kit.later[0]]
    assert str(kit.rows(socket_of(spec), ask)[0][0]) == value
    assert list(kit.engine.apply(changed)) == [kit.later[0]]
    kit.engine.stop(changed)
    kit.engine.start(changed)
    assert list(kit.engine.apply(changed)) == []


def test_a_setting_that_the_engine_refuses_is_named_when_it_does_not_start(kit, instances):
    spec = instances.spec("misconfigured", settings={"no_such_setting_at_all": "1"})
    kit.engine.create(spec, MASTER, "app")
    with pytest.raises(DatabaseError, match="no_such_setting_at_all"):
        kit.engine.start(spec)


def test_a_version_that_is_not_here_is_refused_with_the_command_that_installs_it(kit, instances):
    with pytest.raises(VersionMissing) as missing:
        kit.engine.create(instances.spec("old", version="1.2"), MASTER, "app")
    assert "coldframe engines install" in missing.value.hint


def test_logs_are_listed_and_read_in_pieces(kit, shared):
    logs = kit.engine.log_files(shared)
    assert logs
    name = logs[0].name
    whole = kit.engine.read_log(shared, name, 0, 1 << 20)
    assert len(whole) >= 20
    assert kit.engine.read_log(shared, name, 5, 10) == whole[5:15]
    for wrong in ("nothing.log", "../process.json", "/etc/passwd"):
        with pytest.raises(DatabaseError):
            kit.engine.read_log(shared, wrong, 0, 10)


def test_figures_have_the_names_of_cloudwatch(kit, shared):
    figures = kit.engine.figures(shared)
    for name in (
        "CPUUtilization",
        "DatabaseConnections",
        "FreeableMemory",
        "FreeStorageSpace",
        "ReadIOPS",
        "WriteIOPS",
        "SwapUsage",
    ):
        assert figures[name] >= 0, name
    assert figures["FreeStorageSpace"] > 0
    assert "ReplicaLag" not in figures


def test_a_replica_says_by_how_many_seconds_it_is_behind(kit, instances, socket_of):
    source, copy = instances.running("led"), instances.spec("lagging")
    kit.rows(socket_of(source), "CREATE TABLE followed (id INT PRIMARY KEY)")
    kit.engine.copies.copy(source, copy, "physical")
    kit.engine.start(copy)
    kit.engine.copies.follow(source, copy)
    kit.rows(socket_of(source), "INSERT INTO followed VALUES (1)")
    until(lambda: kit.engine.figures(copy)["ReplicaLag"] == 0, what="it is in step")
    kit.engine.stop(source)
    until(lambda: kit.engine.figures(copy)["ReplicaLag"] == -1, what="replication is not active")
    kit.engine.start(source)
    until(lambda: kit.engine.figures(copy)["ReplicaLag"] == 0, what="it is in step again")


def test_an_upgrade_can_go_back_until_it_is_settled(kit, instances, socket_of):
    older = instances.running("older")
    newer = msgspec.structs.replace(older, version=kit.versions[-1])
    assert kit.engine.upgrades.possible(kit.engine.versions()[0], kit.engine.versions()[-1])
    kit.rows(socket_of(older), "CREATE TABLE kept (id INT PRIMARY KEY)")
    kit.rows(socket_of(older), "INSERT INTO kept VALUES (1)")
    kit.engine.upgrades.check(older, newer)
    for _ in range(2):
        kit.engine.upgrades.prepare(older, newer)
    for _ in range(2):
        kit.engine.upgrades.swap(older, newer)
    kit.engine.start(newer)
    assert newer.version in kit.rows(socket_of(newer), "SELECT version()")[0][0]
    assert kit.rows(socket_of(newer), "SELECT id FROM kept") == [(1,)]
    kit.engine.stop(newer)
    for _ in range(2):
        kit.engine.upgrades.back(older)
    kit.engine.start(older)
    assert older.version in kit.rows(socket_of(older), "SELECT version()")[0][0]
    kit.rows(socket_of(older), "INSERT INTO kept VALUES (2)")
    kit.engine.upgrades.prepare(older, newer)
    kit.engine.upgrades.swap(older, newer)
    kit.engine.start(newer)
    for _ in range(2):
        kit.engine.upgrades.settle(newer)
        kit.engine.upgrades.complete(newer)
    assert kit.rows(socket_of(newer), "SELECT id FROM kept ORDER BY id") == [(1,), (2,)]
    assert not list(older.folder.glob("data.*"))


def test_a_copy_follows_its_source_and_is_promoted(kit, instances, socket_of):
    source, copy = instances.running("source"), instances.spec("copy")
    kit.rows(socket_of(source), "CREATE TABLE followed (id INT PRIMARY KEY, word VARCHAR(20))")
    kit.rows(socket_of(source), "INSERT INTO followed VALUES (1, 'before')")
    kit.engine.copies.copy(source, copy, "physical")
    kit.rows(socket_of(source), "INSERT INTO followed VALUES (2, 'between')")
    kit.engine.start(copy)
    for _ in range(2):
        kit.engine.copies.follow(source, copy)
    kit.rows(socket_of(source), "INSERT INTO followed VALUES (3, 'after')")
    position = kit.engine.copies.position(source)
    until(lambda: kit.engine.copies.reached(copy, position), what="the copy catches up")
    following = kit.engine.copies.following(source, copy)
    assert following.running
    assert following.behind == 0
    assert kit.rows(socket_of(copy), "SELECT COUNT(*) FROM followed") == [(3,)]
    with pytest.raises(kit.refused):
        kit.rows(socket_of(copy), "INSERT INTO followed VALUES (4, 'copy')")
    for _ in range(2):
        kit.engine.copies.arm(copy)
        kit.engine.copies.promote(copy)
    assert kit.engine.status(copy).read_only
    kit.engine.set_read_only(copy, on=False)
    kit.rows(socket_of(copy), "INSERT INTO followed VALUES (4, 'copy')")
    assert not kit.engine.copies.following(source, copy).running
    assert kit.rows(socket_of(source), "SELECT COUNT(*) FROM followed") == [(3,)]


def test_a_copy_that_restarts_goes_on_following(kit, instances, socket_of):
    source, copy = instances.running("steady"), instances.spec("restarted")
    kit.rows(socket_of(source), "CREATE TABLE followed (id INT PRIMARY KEY)")
    kit.engine.copies.copy(source, copy, "physical")
    kit.engine.start(copy)
    kit.engine.copies.follow(source, copy)
    kit.engine.stop(copy, at_once=True)
    kit.rows(socket_of(source), "INSERT INTO followed VALUES (1)")
    kit.engine.start(copy)
    assert kit.engine.status(copy).read_only
    position = kit.engine.copies.position(source)
    until(lambda: kit.engine.copies.reached(copy, position), what="the copy catches up after its restart")
    assert kit.rows(socket_of(copy), "SELECT COUNT(*) FROM followed") == [(1,)]


def test_a_backup_is_restored_to_any_moment_that_is_archived(kit, instances, socket_of):
    spec, kept = instances.running("backed-up"), instances.folder / "kept"
    where = socket_of(spec)
    kit.rows(where, "CREATE TABLE saved (id INT PRIMARY KEY)")
    kit.rows(where, "INSERT INTO saved VALUES (1)")
    kept.mkdir(mode=0o700)
    kit.engine.backups.back_up(spec, kept / "backup")
    kit.rows(where, "INSERT INTO saved VALUES (2)")
    # Moments are told apart by the second.
    moment = float(int(time.time()) + 1)
    until(lambda: time.time() > moment + 1)
    kit.rows(where, "DELETE FROM saved")
    reaches = kit.engine.backups.archive(spec, kept / "archive")
    assert reaches > moment
    assert kit.engine.backups.archive(spec, kept / "archive") >= reaches
    for name, wanted, how in (
        ("as-saved", [(1,)], {}),
        ("before-the-delete", [(1,), (2,)], {"logs": kept / "archive", "until": moment}),
        ("at-the-end", [], {"logs": kept / "archive"}),
    ):
        restored = instances.spec(name)
        kit.engine.backups.restore(kept / "backup", restored, **how)
        kit.engine.start(restored)
        assert kit.rows(socket_of(restored), "SELECT id FROM saved ORDER BY id") == wanted
        kit.rows(socket_of(restored), "INSERT INTO saved VALUES (9)")
        kit.engine.stop(restored, at_once=True)


def test_a_restored_instance_can_be_followed_and_an_old_primary_can_follow(kit, instances, socket_of):
    first, kept = instances.running("first"), instances.folder / "kept-for-more"
    kit.rows(socket_of(first), "CREATE TABLE chain (id INT PRIMARY KEY)")
    kept.mkdir(mode=0o700)
    kit.engine.backups.back_up(first, kept / "backup")
    kit.engine.stop(first, at_once=True)
    old, new = instances.spec("old-primary"), instances.spec("new-primary")
    kit.engine.backups.restore(kept / "backup", old)
    kit.engine.start(old)
    kit.engine.copies.copy(old, new, "physical")
    kit.engine.start(new)
    kit.engine.copies.follow(old, new)
    kit.rows(socket_of(old), "INSERT INTO chain VALUES (1)")
    position = kit.engine.copies.position(old)
    until(
        lambda: kit.engine.copies.reached(new, position), what="the copy of the restored instance catches up"
    )
    kit.engine.set_read_only(old, on=True)
    kit.engine.copies.promote(new)
    kit.engine.set_read_only(new, on=False)
    kit.rows(socket_of(new), "INSERT INTO chain VALUES (2)")
    if kit.name != "mariadb":
        # Others have to be copied anew.
        return
    kit.engine.copies.follow(new, old)
    position = kit.engine.copies.position(new)
    until(lambda: kit.engine.copies.reached(old, position), what="the old primary catches up")
    assert kit.rows(socket_of(old), "SELECT id FROM chain ORDER BY id") == [(1,), (2,)]


def test_a_stopped_instance_can_be_backed_up_and_stays_stopped(kit, instances, socket_of):
    spec, kept = instances.running("resting"), instances.folder / "kept-at-rest"
    kit.rows(socket_of(spec), "CREATE TABLE saved (id INT PRIMARY KEY)")
    kit.engine.stop(spec)
    kept.mkdir(mode=0o700)
    kit.engine.backups.back_up(spec, kept / "backup")
    assert kit.engine.status(spec).state == "stopped"
    restored = instances.spec("rested")
    kit.engine.backups.restore(kept / "backup", restored)
    kit.engine.start(restored)
    assert kit.rows(socket_of(restored), "SELECT COUNT(*) FROM saved") == [(0,)]
