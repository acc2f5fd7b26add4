"""The backup: consistent while writing goes on, checked, and restored by copying it back."""

import contextlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldframe.core.backup import (
    BackupError,
    Disturbed,
    backup,
    copy_tree,
    refuse_unfinished,
    refuse_without_room,
    rows,
    taken_into_use,
    verify,
)
from coldframe.core.records import Record, record
from coldframe.core.store import Store, StoreError

HERE = ("123456789012", "eu-central-1")


@record("pairs", key=("name",))
class Pair(Record):
    name: str
    text: str = ""


def opened(directory: Path) -> Store:
    store = Store.open(f"sqlite:///{directory}/state/coldframe.db")
    store.prepare([Pair])
    return store


def test_a_copy_made_while_writing_is_whole_and_restores(tmp_path: Path) -> None:
    data, copy, restored = tmp_path / "data", tmp_path / "copy", tmp_path / "restored"
    store = opened(data)
    (data / "tls").mkdir()
    (data / "tls" / "key.pem").write_text("key")
    (data / "certificate").write_text("certificate")
    with store.write() as tx:
        for n in range(200):
            tx.records(*HERE).add(Pair(name=f"before {n}", text="x" * 2000))
    stop, started = threading.Event(), threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            with store.write() as tx:
                tx.records(*HERE).add(Pair(name=f"{n} left"))
                tx.records(*HERE).add(Pair(name=f"{n} right"))
            n += 1
            started.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert started.wait(10)
    try:
        backup(
            store, data, copy, [copy_tree("tls"), copy_tree("certificate"), copy_tree("absent")], 1_000_000.0
        )
    finally:
        stop.set()
        writer.join()
        store.close()
    manifest = verify(copy)
    assert sorted(manifest.sha256) == ["certificate", "state/coldframe.db", "tls/key.pem"]
    assert (copy / "state" / "coldframe.db").stat().st_mode & 0o077 == 0
    shutil.copytree(copy, restored)
    again = opened(restored)
    with again.read() as tx:
        names = [row.name for row in tx.records(*HERE).list(Pair)]
    again.close()
    assert len([name for name in names if name.startswith("before")]) == 200
    pairs = {name.split()[0] for name in names if name.endswith("left")}
    assert pairs
    assert pairs == {name.split()[0] for name in names if name.endswith("right")}


def test_verify_names_the_file_that_changed(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    store = opened(data)
    (data / "note").write_text("a")
    backup(store, data, copy, [copy_tree("note")], 0.0)
    store.close()
    (copy / "note").write_text("b")
    with pytest.raises(BackupError, match=r"note in .* has changed"):
        verify(copy)
    (copy / "note").unlink()
    with pytest.raises(BackupError, match="note is missing"):
        verify(copy)
    (copy / "note").write_text("a")
    verify(copy)
    (copy / "other").write_text("a")
    with pytest.raises(BackupError, match=r"other in .* is no part"):
        verify(copy)
    (copy / "backup.json").unlink()
    with pytest.raises(BackupError, match="no whole backup"):
        verify(copy)


def test_what_cannot_be_backed_up_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    store = opened(data)
    copy.mkdir()
    (copy / "mine").write_text("")
    with pytest.raises(BackupError, match="is not empty"):
        backup(store, data, copy, [], 0.0)
    with pytest.raises(BackupError, match="lies within"):
        backup(store, data, data / "backup", [], 0.0)

    def full(_data: Path, _destination: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(BackupError, match="No space left"):
        backup(store, data, tmp_path / "other", [full], 0.0)
    assert not (tmp_path / "other").exists()
    store.close()


def test_half_a_backup_looks_like_none_and_the_next_one_clears_it(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    store = opened(data)
    (data / "note").write_text("a")
    program = (
        "import os, sys; from pathlib import Path\n"
        "from coldframe.core.backup import backup, copy_tree; from coldframe.core.store import Store\n"
        "data, copy = map(Path, sys.argv[1:])\n"
        "store = Store.open(f'sqlite:///{data}/state/coldframe.db', exclusive=False)\n"
        "backup(store, data, copy, [copy_tree('note'), lambda *_: os._exit(9)], 0.0)"
    )
    ended = subprocess.run([sys.executable, "-c", program, data, copy], check=False)
    assert ended.returncode == 9
    assert (copy / "note").exists()
    with pytest.raises(BackupError, match="no whole backup"):
        verify(copy)
    with pytest.raises(StoreError, match="half of a backup"):
        refuse_unfinished(copy)
    backup(store, data, copy, [copy_tree("note")], 0.0)
    verify(copy)
    refuse_unfinished(copy)
    store.close()


def test_a_disk_that_is_too_small_is_refused_before_anything_is_copied(tmp_path: Path) -> None:
    refuse_without_room(tmp_path / "not" / "there", 1)
    with pytest.raises(BackupError, match=r"takes about [\d.]+ GB and .* GB left"):
        refuse_without_room(tmp_path / "copy", shutil.disk_usage(tmp_path).free * 2)


def test_a_backup_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")

    def interrupt(_data: Path, _destination: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(store, tmp_path / "data", tmp_path / "copy", [interrupt], 0.0)
    assert not (tmp_path / "copy").exists()
    store.close()


class Disturbing:
    """A part that is disturbed so many times."""

    def __init__(self, times: int) -> None:
        self.times, self.inside = times, False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.inside = True
        yield
        self.inside = False

    def copy(self, records: Path, destination: Path) -> None:
        assert self.inside
        assert [row.name for row in rows(records, Pair)] == ["kept"]
        (destination / f"attempt {self.times}").write_text("")
        self.times -= 1
        if self.times >= 0:
            raise Disturbed("again")

    def finish(self, records: Path, destination: Path) -> None:
        assert not self.inside


def test_what_is_disturbed_is_copied_again_with_the_records(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    with store.write() as tx:
        tx.records(*HERE).add(Pair(name="kept"))
    backup(store, tmp_path / "data", tmp_path / "copy", [], 0.0, consistent=[Disturbing(2)])
    assert sorted(verify(tmp_path / "copy").sha256) == ["attempt 0", "state/coldframe.db"]
    with pytest.raises(BackupError, match="4 attempts: again"):
        backup(store, tmp_path / "data", tmp_path / "other", [], 0.0, consistent=[Disturbing(9)])
    assert not (tmp_path / "other").exists()
    store.close()


def test_a_backup_that_is_taken_into_use_is_none_any_more(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    backup(store, tmp_path / "data", tmp_path / "copy", [], 0.0)
    store.close()
    with pytest.raises(ValueError, match="settling"), taken_into_use(tmp_path / "copy") as first:
        assert first
        raise ValueError("settling failed")
    verify(tmp_path / "copy")
    with taken_into_use(tmp_path / "copy") as first:
        assert first
    with pytest.raises(BackupError, match="a server was started"):
        verify(tmp_path / "copy")
    with taken_into_use(tmp_path / "copy") as first:
        assert not first


def test_postgresql_has_its_own_tools(postgresql: str, tmp_path: Path) -> None:
    store = Store.open(postgresql.format("postgres"), exclusive=False)
    with pytest.raises(BackupError, match="pg_dump"):
        backup(store, tmp_path, tmp_path / "copy", [], 0.0)
    store.close()
