"""The backup: consistent while writing goes on, checked, and restored by copying it back."""

import shutil
import threading
from pathlib import Path

import pytest

from coldframe.core.backup import BackupError, backup, copy_tree, verify
from coldframe.core.records import Record, record
from coldframe.core.store import Store

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


def test_postgresql_has_its_own_tools(postgresql: str, tmp_path: Path) -> None:
    store = Store.open(postgresql.format("postgres"), exclusive=False)
    with pytest.raises(BackupError, match="pg_dump"):
        backup(store, tmp_path, tmp_path / "copy", [], 0.0)
    store.close()
