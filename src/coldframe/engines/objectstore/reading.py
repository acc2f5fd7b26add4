"""Reading a range of an object that lies in one or more blobs, piece by piece."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, wait
from pathlib import Path
from threading import Semaphore
from typing import Final, TypeVar

from coldframe.engines.objectstore.buffers import Buffers
from coldframe.engines.objectstore.errors import BlobDamaged
from coldframe.engines.objectstore.sealing import PIECE, SEALED_PIECE, TAG, Cipher, pieces_of, sealed_size
from coldframe.engines.objectstore.writing import Blob

T = TypeVar("T", bytes, memoryview)
# Blobs up to this size are read into memory of their own: one that is read slowly would keep a large buffer from others.
_SMALL: Final = 64 * 1024


class Ahead:
    """Threads that read and open the next piece of an object while the last one is sent, as many as cores can be spared."""

    def __init__(self, threads: Executor, cores: int) -> None:
        """Take every second of so many cores: the others are wanted for sending."""
        self._threads = threads
        self._spare = Semaphore(cores // 2)

    def of(self, pieces: Generator[memoryview, None, None]) -> Generator[memoryview, None, None]:
        """Give the pieces, each made while its predecessor is in use; without a core to spare, when it is asked for."""
        if not self._spare.acquire(blocking=False):
            yield from pieces
            return
        made = self._threads.submit(next, pieces, None)
        try:
            while (piece := made.result()) is not None:
                made = self._threads.submit(next, pieces, None)
                yield piece
        finally:
            # The piece that is being made still writes into memory that goes back.
            wait([made])
            self._spare.release()


class Reading:
    """The bytes of a range, in pieces of at most a megabyte; `close` lets go of the blobs, read to the end or not."""

    def __init__(
        self,
        blobs: Sequence[Blob],
        span: tuple[int, int],
        *,
        key: bytes,
        path: Callable[[str], Path],
        buffers: tuple[Buffers, Buffers],
        ahead: Ahead,
        closed: Callable[[], None],
    ) -> None:
        """Read `span`, counted from the beginning of the first blob; `buffers` are for pieces and for sealed ones."""
        self._blobs, self._span, self._key, self._path = blobs, span, key, path
        self._plain, self._sealed = buffers
        self._ahead = ahead
        self._closed = closed
        self._open = True
        self._pieces: Generator[bytes, None, None] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._pieces is None:
                self._pieces = self._range(Cipher.open)
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def lent(self) -> Generator[memoryview, None, None]:
        """Give the pieces in memory that is used again: each keeps its bytes until the next one is asked for.

        New memory for each piece costs more than opening it. In place of iterating, never beside it.
        """
        start, end = self._span
        several = end - start > PIECE
        with self._plain.ring() as ring:

            def opened(cipher: Cipher, number: int, sealed: memoryview, *, last: bool) -> memoryview:
                into = ring.next(2 if several else 1)[: max(0, len(sealed) - TAG)]
                cipher.open_into(into, number, sealed, last=last)
                return into

            pieces = self._range(opened)
            try:
                yield from self._ahead.of(pieces) if several else pieces
            finally:
                pieces.close()

    def close(self) -> None:
        """Let go of the blobs; may be called twice."""
        if self._open:
            self._open = False
            if self._pieces is not None:
                self._pieces.close()
            self._closed()

    def _range(self, opened: Callable[..., T]) -> Generator[T, None, None]:
        start, end = self._span
        at = 0
        with self._sealed.ring() as ring:
            for blob in self._blobs:
                size = sealed_size(blob.size)
                buffer = ring.next(1) if size > _SMALL else memoryview(bytearray(size))
                first, beyond = max(start - at, 0), min(end - at, blob.size)
                if first < beyond:
                    yield from self._part(blob, first, beyond, buffer, opened)
                at += blob.size

    def _part(
        self, blob: Blob, first: int, beyond: int, buffer: memoryview, opened: Callable[..., T]
    ) -> Generator[T, None, None]:
        """Give the bytes of one blob from `first` up to `beyond`."""
        cipher, last = Cipher(self._key, blob.id), pieces_of(blob.size) - 1
        with self._path(blob.id).open("rb", buffering=0) as file:
            number = first // PIECE
            file.seek(number * SEALED_PIECE)
            while number * PIECE < beyond:
                length = file.readinto(buffer)
                piece = opened(cipher, number, buffer[:length], last=number == last)
                if number == last and number * PIECE + len(piece) != blob.size:
                    raise BlobDamaged(f"blob {blob.id} does not have the {blob.size} bytes that were written")
                low, high = max(first - number * PIECE, 0), min(beyond - number * PIECE, len(piece))
                yield piece if (low, high) == (0, len(piece)) else piece[low:high]
                number += 1


def touched(blobs: Sequence[Blob], start: int, end: int) -> tuple[list[Blob], int]:
    """Return the blobs of which bytes from `start` up to `end` are, and where among all bytes the first of them begins."""
    found: list[Blob] = []
    begun = at = 0
    for blob in blobs:
        if max(at, start) < min(at + blob.size, end):
            begun = begun if found else at
            found.append(blob)
        at += blob.size
    return found, begun
