"""The object store: durable, sealed, readable in ranges; what is not whole is never seen and never left behind."""

import errno
import hashlib
import os
import random
import threading
from pathlib import Path

import pytest

from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import BlobDamaged, BlobGone, StorageFull
from coldframe.engines.objectstore.sealing import PIECE, sealed_size
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.engines.objectstore.writing import Blob


def opened(root: Path, disk: Disk | None = None, cores: int | None = None) -> ObjectStore:
    return ObjectStore(root, b"k" * 32, lambda: os.urandom(16).hex(), disk=disk, cores=cores)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return opened(tmp_path / "objects")


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def whole(store: ObjectStore, blob: Blob) -> bytes:
    return b"".join(store.read([blob], 0, blob.size))


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.name != "in-use"]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17])
@pytest.mark.parametrize("chunk", [65_521, 5 * PIECE])
def test_what_is_written_is_read(tmp_path: Path, size: int, chunk: int) -> None:
    store = opened(tmp_path)
    data = random.Random(size).randbytes(size)
    md5, sha = hashlib.md5(), hashlib.sha256()
    blob = store.write(chunked(data, chunk), [md5, sha])
    assert blob.size == size
    assert whole(store, blob) == data
    assert md5.hexdigest() == hashlib.md5(data).hexdigest()
    assert sha.hexdigest() == hashlib.sha256(data).hexdigest()
    [file] = files(tmp_path)
    assert file.stat().st_size == sealed_size(size)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_slow_digest_sees_every_piece_in_order_beside_others(tmp_path: Path) -> None:
    """Buffers are filled again and again: each must stay as it is until the slowest digest has seen it."""

    class Slow:
        def __init__(self) -> None:
            self.hash = hashlib.sha256()
            self.pieces = 0

        def update(self, data: object) -> None:
            while self.pieces == 0 and not behind.wait(10):
                raise AssertionError("the writer waits for the digest with nothing in line")
            self.pieces += 1
            self.hash.update(bytes(data))

    behind = threading.Event()
    data = random.Random(3).randbytes(12 * PIECE + 5)

    def chunks():
        for number, chunk in enumerate(chunked(data, PIECE // 2)):
            if number == 6:
                behind.set()
            yield chunk

    slow = Slow()
    store = opened(tmp_path, cores=2)
    blob = store.write(chunks(), [slow])
    assert slow.hash.digest() == hashlib.sha256(data).digest()
    assert whole(store, blob) == data


def test_a_digest_that_fails_fails_the_write(store: ObjectStore, tmp_path: Path) -> None:
    class Broken:
        def update(self, data: object) -> None:
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        store.write(chunked(b"x" * 9 * PIECE, PIECE), [Broken()])
    assert files(tmp_path) == []


def test_a_sync_under_way_that_fails_fails_the_write(tmp_path: Path) -> None:
    class Failing(Disk):
        def sync_so_far(self, descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    store = opened(tmp_path, Failing())
    with pytest.raises(StorageFull):
        store.write(b"x" * PIECE for _ in range(40))
    assert files(tmp_path) == []


def test_any_range_over_several_blobs(store: ObjectStore) -> None:
    rng = random.Random(7)
    parts = [rng.randbytes(size) for size in (PIECE + 5, 0, 3, 2 * PIECE)]
    blobs = [store.write([part]) for part in parts]
    data = b"".join(parts)
    spans = [(0, len(data)), (PIECE, PIECE + 6), (PIECE + 4, PIECE + 9), (len(data) - 1, len(data)), (5, 5)]
    spans += [tuple(sorted((rng.randrange(len(data)), rng.randrange(len(data))))) for _ in range(20)]
    for start, end in spans:
        assert b"".join(store.read(blobs, start, end)) == data[start:end]


def test_pieces_that_are_lent_keep_their_bytes_until_the_next_is_asked_for(store: ObjectStore) -> None:
    """Several readings take turns: none may be given the memory that another one lends."""
    rng = random.Random(11)
    sizes = [(3 * PIECE + 5, 17), (100, 2 * PIECE), (2 * PIECE, PIECE, 1)]
    bodies = [[rng.randbytes(size) for size in each] for each in sizes]
    blobs = [[store.write([part]) for part in each] for each in bodies]
    for _ in range(3):
        readings = [store.read(each, 3, sum(blob.size for blob in each)) for each in blobs]
        lent = [reading.lent() for reading in readings]
        found = [b""] * len(lent)
        while any(pieces := [next(each, None) for each in lent]):
            for at, piece in enumerate(pieces):
                found[at] += bytes(piece or b"")
        for reading in readings:
            reading.close()
        assert found == [b"".join(each)[3:] for each in bodies]


def test_a_damaged_piece_is_not_lent(store: ObjectStore, tmp_path: Path) -> None:
    blob = store.write([b"a" * (2 * PIECE + 9)])
    [path] = tmp_path.rglob(blob.id)
    content = path.read_bytes()
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), content[: 2 * (PIECE + 16)], content[:-20]):
        path.write_bytes(damaged)
        reading = store.read([blob], 0, blob.size)
        with pytest.raises(BlobDamaged):
            list(reading.lent())
        reading.close()


def test_a_range_needs_no_blob_that_it_does_not_touch(store: ObjectStore) -> None:
    blobs = [store.write([letter * PIECE]) for letter in (b"a", b"b", b"c")]
    reading = store.read(blobs, PIECE + 1, 2 * PIECE)
    store.delete(blobs[0].id, blobs[2].id)
    assert b"".join(reading) == b"b" * (PIECE - 1)
    assert b"".join(store.read(blobs, PIECE, 2 * PIECE)) == b"b" * PIECE
    for start, end in ((PIECE - 1, PIECE + 1), (2 * PIECE - 1, 2 * PIECE + 1)):
        with pytest.raises(BlobGone):
            store.read(blobs, start, end)
    assert b"".join(store.read(blobs, 5, 5)) == b""


def test_files_hold_no_plain_bytes(store: ObjectStore, tmp_path: Path) -> None:
    store.write([b"attack at dawn " * 1000])
    assert all(b"attack at dawn" not in path.read_bytes() for path in files(tmp_path))


def test_a_changed_a_shortened_and_a_swapped_file_are_noticed(store: ObjectStore, tmp_path: Path) -> None:
    blob, other = store.write([b"a" * (2 * PIECE + 9)]), store.write([b"b" * (2 * PIECE + 9)])
    [path] = tmp_path.rglob(blob.id)
    content = path.read_bytes()
    changed = bytearray(content)
    changed[PIECE + 100] ^= 1
    for damaged in (bytes(changed), content[: 2 * (PIECE + 16)], next(tmp_path.rglob(other.id)).read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(BlobDamaged):
            whole(store, blob)


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    class Full(Disk):
        def write(self, descriptor: int, data: bytes) -> None:
            super().write(descriptor, data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    store = opened(tmp_path, Full())
    with pytest.raises(StorageFull):
        store.write([b"x" * PIECE * 2])
    assert files(tmp_path) == []


def test_a_body_that_breaks_off_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    def broken():
        yield b"x" * 2 * PIECE
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.write(broken())
    assert files(tmp_path) == []


def test_a_blob_is_synced_before_it_has_its_name(tmp_path: Path) -> None:
    steps: list[str] = []

    class Recorded(Disk):
        def sync(self, descriptor: int) -> None:
            steps.append("sync")
            super().sync(descriptor)

        def sync_directory(self, directory: Path) -> None:
            steps.append(f"sync {directory.name}")
            super().sync_directory(directory)

        def reached(self, point: str) -> None:
            steps.append(point)

    store = opened(tmp_path, Recorded())
    blob = store.write([b"x"])
    assert steps[1:] == ["written", "sync", "synced", f"sync {blob.id[:2]}", "named"]


@pytest.mark.parametrize("point", ["written", "synced", "named"])
def test_what_a_crash_left_is_swept(tmp_path: Path, point: str) -> None:
    kept = opened(tmp_path).write([b"kept"])

    class Crash(Disk):
        def reached(self, reached: str) -> None:
            if reached == point:
                os._exit(9)

    child = os.fork()
    if child == 0:
        opened(tmp_path, Crash()).write([b"lost"])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(files(tmp_path)) == 2
    again = opened(tmp_path)
    assert again.sweep(lambda: {kept.id}) == 1
    assert [path.name for path in files(tmp_path)] == [kept.id]
    assert whole(again, kept) == b"kept"


def test_a_sweep_spares_pending_and_kept_blobs(store: ObjectStore) -> None:
    pending, unwanted = store.write([b"pending"]), store.write([b"unwanted"])
    store.keep(unwanted.id)
    late = store.write([b"kept while the sweep runs"])

    def wanted() -> set[str]:
        store.keep(late.id)
        return {late.id}

    assert store.sweep(wanted) == 1
    assert whole(store, pending) == b"pending"
    assert whole(store, late) == b"kept while the sweep runs"
    with pytest.raises(BlobGone):
        store.read([unwanted], 0, 1)


def test_a_deleted_blob_is_read_to_its_end(store: ObjectStore, tmp_path: Path) -> None:
    data = random.Random(3).randbytes(3 * PIECE)
    blob = store.write([data])
    first, second = store.read([blob], 0, blob.size), store.read([blob], 0, blob.size)
    begun = next(first)
    store.delete(blob.id)
    with pytest.raises(BlobGone):
        store.read([blob], 0, 1)
    second.close()
    second.close()
    assert begun + b"".join(first) == data
    assert files(tmp_path) == []
    store.delete(blob.id)


def test_only_a_crash_leaves_the_mark_of_use(tmp_path: Path) -> None:
    first = opened(tmp_path)
    assert not first.left_open
    first.keep(first.write([b"x"]).id)
    assert opened(tmp_path).left_open
    first.close()
    assert not opened(tmp_path).left_open


def test_a_sweep_spares_what_is_written_while_it_looks(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what began and was whole between its looks, and whose name is not committed when it asks."""
    store.write([b"first"])
    listdir, late = os.listdir, []

    def listing(path: Path) -> list[str]:
        if not late:
            late.append(store.write([b"not committed yet"]))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", listing)
    assert store.sweep(set) == 0
    assert whole(store, late[0]) == b"not committed yet"


def test_a_blob_whose_owner_never_commits_goes_at_the_second_sweep(
    store: ObjectStore, tmp_path: Path
) -> None:
    left = store.write([b"left"])
    assert store.sweep(set) == 0
    kept = store.write([b"kept"])
    assert store.sweep(lambda: {kept.id}) == 1
    assert [path.name for path in files(tmp_path)] == [kept.id]
    with pytest.raises(BlobGone):
        store.read([left], 0, 1)
    assert store.sweep(lambda: {kept.id}) == 0
