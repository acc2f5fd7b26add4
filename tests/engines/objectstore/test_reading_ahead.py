"""Reading while the piece before is sent: the bytes are right, memory is given back once, and damage is told."""

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from coldframe.engines.objectstore.errors import BlobDamaged
from coldframe.engines.objectstore.sealing import PIECE
from coldframe.engines.objectstore.store import ObjectStore


@pytest.fixture
def made(tmp_path):
    """Makes stores that think that they have so many cores."""
    opened = []
    numbers = itertools.count()

    def make(cores):
        ids = (f"{number:032x}" for number in itertools.count())
        root = tmp_path / f"objects-{next(numbers)}"
        opened.append(ObjectStore(root, b"k" * 32, lambda: next(ids), cores=cores))
        return opened[-1], root

    yield make
    for store in opened:
        store.close()


def filled(store, size):
    body = os.urandom(size)
    blob = store.write(iter((body,)))
    store.keep(blob.id)
    return blob, body


def taken(reading):
    """The bytes as a sender sees them: each piece is copied before the next is asked for, as its memory is used again."""
    try:
        return b"".join(bytes(piece) for piece in reading.lent())
    finally:
        reading.close()


@pytest.mark.parametrize("cores", [1, 2, 8])
@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 5 * PIECE + 17])
def test_the_bytes(made, cores, size):
    store, _ = made(cores)
    blob, body = filled(store, size)
    for start, end in ((0, size), (size // 3, size), (size // 3, size // 2), (size // 2, size // 2)):
        assert taken(store.read([blob], start, end)) == body[start:end]


def test_several_blobs_read_by_many_at_once(made):
    store, _ = made(2)
    blobs, bodies = zip(*(filled(store, 3 * PIECE + number) for number in range(4)), strict=True)
    whole = b"".join(bodies)
    spans = [(number * 7777, len(whole) - number * 99_999) for number in range(24)]
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda span: taken(store.read(blobs, *span)) == whole[slice(*span)], spans))
    assert all(found)


class Watched:
    """Stands in for the threads that open: tells what they were asked for, and makes so many pieces until told more."""

    def __init__(self, threads, most=1000):
        self._threads = threads
        self.may = threading.Semaphore(most)
        self.asked = 0

    def submit(self, function, *arguments):
        self.asked += 1

        def run():
            assert self.may.acquire(timeout=60)
            return function(*arguments)

        return self._threads.submit(run)


def test_the_next_piece_is_made_while_one_is_sent(made, monkeypatch):
    store, _ = made(2)
    blob, body = filled(store, 3 * PIECE)
    watched = Watched(store._opening)
    monkeypatch.setattr(store._ahead, "_threads", watched)
    reading = store.read([blob], 0, blob.size)
    pieces = reading.lent()
    first = next(pieces)
    assert watched.asked == 2
    assert bytes(first) == body[:PIECE]
    assert b"".join([bytes(first), *(bytes(piece) for piece in pieces)]) == body
    reading.close()
    # What has no second piece needs nobody else, and a second reader takes no core that is not there.
    watched.asked = 0
    assert taken(store.read([blob], 0, PIECE)) == body[:PIECE]
    assert watched.asked == 0


def test_a_second_reader_reads_for_itself(made, monkeypatch):
    store, _ = made(2)
    blob, body = filled(store, 3 * PIECE)
    watched = Watched(store._opening)
    monkeypatch.setattr(store._ahead, "_threads", watched)
    reading = store.read([blob], 0, blob.size)
    pieces = reading.lent()
    next(pieces)
    asked = watched.asked
    assert taken(store.read([blob], 0, blob.size)) == body
    assert watched.asked == asked
    pieces.close()
    reading.close()
    assert taken(store.read([blob], 0, blob.size)) == body
    assert watched.asked > asked


def test_memory_goes_back_only_when_nobody_writes_into_it(made, monkeypatch):
    store, _ = made(2)
    blob, _ = filled(store, 4 * PIECE)
    watched = Watched(store._opening, most=2)
    monkeypatch.setattr(store._ahead, "_threads", watched)
    reading = store.read([blob], 0, blob.size)
    pieces = reading.lent()
    next(pieces)
    next(pieces)
    idle = store._writer.buffers[0]._idle
    before = len(idle)
    leaving = threading.Thread(target=pieces.close)
    leaving.start()
    leaving.join(0.2)
    assert (leaving.is_alive(), len(idle)) == (True, before)
    watched.may.release()
    leaving.join(60)
    assert not leaving.is_alive()
    assert len(idle) == before + 2
    reading.close()


def test_damage_is_told_after_what_is_whole(made):
    store, root = made(2)
    blob, body = filled(store, 3 * PIECE)
    path = root / blob.id[:2] / blob.id
    with path.open("r+b") as file:
        file.seek(2 * PIECE + 1000)
        file.write(b"damaged")
    reading = store.read([blob], 0, blob.size)
    got = []
    with pytest.raises(BlobDamaged, match="piece 2"):
        for piece in reading.lent():
            got.append(bytes(piece))  # noqa: PERF401 - what came before the damage is looked at
    reading.close()
    assert b"".join(got) == body[: 2 * PIECE]
    assert taken(store.read([blob], 0, 2 * PIECE)) == body[: 2 * PIECE]
