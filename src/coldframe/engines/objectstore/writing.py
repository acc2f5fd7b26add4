"""Writing one blob: pieces are gathered, digested, sealed and written; nothing of it is seen before it is whole."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import StorageFull
from coldframe.engines.objectstore.sealing import PIECE, Cipher

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


# One is being filled, one is being sealed, one is being digested beside them.
_BUFFERS = 3
Piece = bytes | bytearray | memoryview


class Digest(Protocol):
    """Something that sees every byte once, in order: a hash, a checksum."""

    def update(self, data: Any, /) -> object:
        """Take in the next bytes."""


class Blob(NamedTuple):
    """A stored blob: its id and its size in bytes."""

    id: str
    size: int


class Writer:
    """Writes blobs through a folder of unfinished ones into the folder where they stay."""

    def __init__(self, key: bytes, incoming: Path, disk: Disk, executor: Executor) -> None:
        self._key = key
        self._incoming = incoming
        self._disk = disk
        self._executor = executor

    def write(
        self,
        blob_id: str,
        final: Path,
        chunks: Iterable[bytes],
        digests: Sequence[Digest],
        key: bytes | None = None,
    ) -> int:
        """Write a blob durably to `final`, under the key given or the store's, and return its size.

        Raises StorageFull, and whatever `chunks` raises; nothing is left behind then.
        """
        temporary = self._incoming / blob_id
        try:
            descriptor = self._disk.create(temporary)
            try:
                size = self._fill(descriptor, Cipher(key or self._key, blob_id), chunks, digests)
                self._disk.reached("written")
                self._disk.sync(descriptor)
            finally:
                os.close(descriptor)
            self._disk.reached("synced")
            temporary.rename(final)
            self._disk.sync_directory(final.parent)
            self._disk.reached("named")
        except BaseException as failure:
            temporary.unlink(missing_ok=True)
            final.unlink(missing_ok=True)
            if isinstance(failure, OSError) and failure.errno in _FULL:
                raise StorageFull("the disk of the object store is full") from failure
            raise
        return size

    def _fill(
        self, descriptor: int, cipher: Cipher, chunks: Iterable[bytes], digests: Sequence[Digest]
    ) -> int:
        size = number = 0
        held: Piece = b""
        aside: Future[object] | None = None
        for piece in pieces(chunks):
            if size:
                aside = self._digest(held, digests, aside)
                self._disk.write(descriptor, cipher.seal(number, held, last=False))
                number += 1
            held = piece
            size += len(piece)
        if aside is not None:
            aside.result()
        for digest in digests:
            digest.update(held)
        self._disk.write(descriptor, cipher.seal(number, held, last=True))
        return size

    def _digest(
        self, piece: Piece, digests: Sequence[Digest], before: Future[object] | None
    ) -> Future[object] | None:
        """Digest a piece: the first digest, which is the slowest, in another thread beside all that follows."""
        if before is not None:
            before.result()
        aside = self._executor.submit(digests[0].update, piece) if digests else None
        for digest in digests[1:]:
            digest.update(piece)
        return aside


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Cut chunks of any size into pieces of PIECE bytes; the last may be shorter.

    A piece keeps its bytes until two more have been asked for: three buffers take turns, since new memory for every
    piece costs as much as sealing it.
    """
    buffers: list[bytearray] = []
    number = filled = 0
    piece = bytearray()
    for chunk in chunks:
        if not filled and len(chunk) == PIECE:
            yield chunk
            continue
        view = memoryview(chunk)
        while view:
            if not filled:
                if len(buffers) < _BUFFERS:
                    buffers.append(bytearray(PIECE))
                piece = buffers[number % _BUFFERS]
                number += 1
            taken = min(len(view), PIECE - filled)
            piece[filled : filled + taken] = view[:taken]
            filled += taken
            view = view[taken:]
            if filled == PIECE:
                yield piece
                filled = 0
    if filled:
        yield memoryview(piece)[:filled]
