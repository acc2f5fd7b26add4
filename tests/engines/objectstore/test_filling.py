"""Bodies that fill the store's own buffers: of known size or not, one or many at once, on few cores or many."""

import errno
import hashlib
import hmac
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.core.filling import Filling, chunks_of
from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import StorageFull
from coldframe.engines.objectstore.sealing import PIECE, TAG, sealed_size
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.engines.objectstore.writing import Blob

KEY = b"k" * 32
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 7 * PIECE, 8 * PIECE + 17]


def opened(root: Path, cores: int = 2, disk: Disk | None = None) -> ObjectStore:
    return ObjectStore(root, KEY, lambda: os.urandom(16).hex(), disk=disk, cores=cores)


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def chunked(data: bytes, size: int = 300_007) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def whole(store: ObjectStore, blob: Blob) -> bytes:
    return b"".join(store.read([blob], 0, blob.size))


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.name != "in-use"]


@pytest.mark.parametrize("cores", [1, 2, 8])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_what_fills_is_read(tmp_path: Path, size: int, known: bool, cores: int) -> None:
    store = opened(tmp_path, cores)
    data = data_of(size)
    digests = [hashlib.md5(), hashlib.sha256()]
    blob = store.write(Filling(chunked(data)), digests, size=size if known else None)
    assert blob.size == size
    assert whole(store, blob) == data
    assert digests[0].digest() == hashlib.md5(data).digest()
    assert digests[1].digest() == hashlib.sha256(data).digest()
    [file] = files(tmp_path)
    assert file.stat().st_size == sealed_size(size)


@pytest.mark.parametrize("size", [0, PIECE, 2 * PIECE + 5])
def test_files_are_as_they_always_were(tmp_path: Path, size: int) -> None:
    """Pieces of one megabyte under AES-256-GCM: the nonce is the number, the associated data tells the last piece."""
    store = opened(tmp_path)
    data = data_of(size)
    blob = store.write([data], size=size)
    [file] = files(tmp_path)
    sealed, cipher = file.read_bytes(), AESGCM(hmac.digest(KEY, blob.id.encode(), "sha256"))
    found = b""
    for number, at in enumerate(range(0, len(sealed), PIECE + TAG)):
        last = at + PIECE + TAG >= len(sealed)
        piece = sealed[at : at + PIECE + TAG]
        found += cipher.decrypt(number.to_bytes(12, "big"), piece, b"last" if last else b"more")
    assert found == data


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_many_writes_at_once_keep_to_their_own_bytes(tmp_path: Path, cores: int) -> None:
    """Buffers are handed from write to write, and digests change between threads while others come and go."""
    store = opened(tmp_path, cores)
    bodies = [data_of(size) for size in (3 * PIECE, 5 * PIECE + 1, 9 * PIECE + 77, PIECE, 17, 6 * PIECE)] * 3

    def write(data: bytes) -> tuple[Blob, bytes]:
        md5 = hashlib.md5()
        return store.write(Filling(chunked(data)), [md5], size=len(data)), md5.digest()

    with ThreadPoolExecutor(6) as threads:
        written = list(threads.map(write, bodies))
    for data, (blob, md5) in zip(bodies, written, strict=True):
        assert md5 == hashlib.md5(data).digest()
        assert whole(store, blob) == data


def test_a_write_beside_another_digests_by_itself(tmp_path: Path) -> None:
    """Two cores: the second write may not take the first one's second core, and the first one gets it back."""
    store = opened(tmp_path, cores=2)
    threads: list[str] = []

    class Watched:
        def update(self, data: object) -> None:
            threads.append(threading.current_thread().name)

    class Nested:
        """Writes another blob from within the first one's work."""

        def __init__(self) -> None:
            self.done = False

        def update(self, data: object) -> None:
            if not self.done:
                self.done = True
                store.write([b"y" * 3 * PIECE], [Watched()], size=3 * PIECE)

    store.write([b"x" * 3 * PIECE], [hashlib.md5(), Nested()], size=3 * PIECE)
    assert set(threads) == {threading.current_thread().name}
    threads.clear()
    store.write([b"x" * 3 * PIECE], [Watched()], size=3 * PIECE)
    assert [name.startswith("digest") for name in threads] == [True, True, False]


@pytest.mark.parametrize("said", [PIECE, 2 * PIECE, 2 * PIECE + 1, 4 * PIECE, 2 * PIECE - 1])
@pytest.mark.parametrize("real", [PIECE, 2 * PIECE, 2 * PIECE + 1, 3 * PIECE])
def test_a_body_of_another_size_than_said_leaves_nothing(tmp_path: Path, real: int, said: int) -> None:
    store = opened(tmp_path)
    if real == said:
        assert whole(store, store.write([b"x" * real], size=said)) == b"x" * real
        return
    with pytest.raises(ValueError, match="as many bytes"):
        store.write([b"x" * real], size=said)
    assert files(tmp_path) == []


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [PIECE, 2 * PIECE, 2 * PIECE + 3])
def test_what_a_body_says_at_its_end_is_heard(tmp_path: Path, size: int, known: bool) -> None:
    """A hash that was signed is checked where the body ends, also when it ends with a full piece."""

    class WrongHash(Exception):
        pass

    def body():
        yield b"x" * size
        raise WrongHash

    store = opened(tmp_path)
    with pytest.raises(WrongHash):
        store.write(Filling(body()), [hashlib.md5()], size=size if known else None)
    assert files(tmp_path) == []


def test_a_full_disk_is_met_before_the_body(tmp_path: Path) -> None:
    class Full(Disk):
        def reserve(self, descriptor: int, size: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    def body():
        raise AssertionError("the body was asked for")
        yield b""

    store = opened(tmp_path, disk=Full())
    with pytest.raises(StorageFull):
        store.write(Filling(body()), size=5 * PIECE)
    assert files(tmp_path) == []


def test_room_is_set_aside_and_no_more_than_is_used(tmp_path: Path) -> None:
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    try:
        disk.reserve(descriptor, 3 * PIECE)
        assert os.fstat(descriptor).st_blocks * 512 >= 3 * PIECE
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            disk.reserve(descriptor, 1 << 62)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 700_000])
def test_chunks_become_buffers_and_back(size: int) -> None:
    data = data_of(size)
    assert b"".join(chunks_of(Filling(chunked(data, 70_001)))) == data
