"""Reading a range of an object that lies in one or more blobs, piece by piece."""

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from coldframe.engines.objectstore.errors import BlobDamaged
from coldframe.engines.objectstore.sealing import PIECE, SEALED_PIECE, Cipher, pieces_of, sealed_size
from coldframe.engines.objectstore.writing import Blob


class Reading:
    """The bytes of a range, in pieces of at most a megabyte; `close` lets go of the blobs, read to the end or not."""

    def __init__(
        self,
        blobs: Sequence[Blob],
        span: tuple[int, int],
        *,
        key: bytes,
        path: Callable[[str], Path],
        closed: Callable[[], None],
    ) -> None:
        self._closed = closed
        self._open = True
        self._pieces = _range(blobs, span, key, path)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the blobs; may be called twice."""
        if self._open:
            self._open = False
            self._pieces.close()
            self._closed()


def _range(
    blobs: Sequence[Blob], span: tuple[int, int], key: bytes, path: Callable[[str], Path]
) -> Generator[bytes, None, None]:
    start, end = span
    at = 0
    for blob in blobs:
        if at >= end:
            return
        first, beyond = max(start - at, 0), min(end - at, blob.size)
        if first < beyond:
            yield from _part(blob, first, beyond, Cipher(key, blob.id), path(blob.id))
        at += blob.size


def _part(blob: Blob, first: int, beyond: int, cipher: Cipher, path: Path) -> Generator[bytes, None, None]:
    """Give the bytes of one blob from `first` up to `beyond`."""
    last = pieces_of(blob.size) - 1
    with path.open("rb", buffering=0) as file:
        number = first // PIECE
        file.seek(number * SEALED_PIECE)
        buffer = memoryview(bytearray(min(SEALED_PIECE, sealed_size(blob.size))))
        while number * PIECE < beyond:
            length = file.readinto(buffer)
            piece = cipher.open(number, buffer[:length], last=number == last)
            if number == last and number * PIECE + len(piece) != blob.size:
                raise BlobDamaged(f"blob {blob.id} does not have the {blob.size} bytes that were written")
            low, high = max(first - number * PIECE, 0), min(beyond - number * PIECE, len(piece))
            yield piece if (low, high) == (0, len(piece)) else piece[low:high]
            number += 1
