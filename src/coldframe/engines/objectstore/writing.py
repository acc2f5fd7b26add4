"""Writing one blob: pieces are gathered, digested, sealed and written; nothing of it is seen before it is whole."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.objectstore.digesting import Digest, Line, Piece
from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import StorageFull
from coldframe.engines.objectstore.sealing import PIECE, SEALED_PIECE, Cipher

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# How many pieces may wait to be digested; beside them one is being filled, and one is full and may be the last.
_AHEAD = 4
_BUFFERS = _AHEAD + 2
# How many pieces are written between two syncs of what is written so far.
_SYNC_EVERY = 32


class Blob(NamedTuple):
    """A stored blob: its id and its size in bytes."""

    id: str
    size: int


class Writer:
    """Writes blobs through a folder of unfinished ones into the folder where they stay."""

    def __init__(self, incoming: Path, disk: Disk, *, digesting: Executor, syncing: Executor) -> None:
        self._incoming = incoming
        self._disk = disk
        self._digesting = digesting
        self._syncing = syncing

    def write(
        self,
        blob_id: str,
        final: Path,
        chunks: Iterable[bytes],
        digests: Sequence[Digest],
        *,
        key: bytes,
    ) -> int:
        """Write a blob, sealed under `key`, durably to `final` and return its size.

        Raises StorageFull, and whatever `chunks` raises; nothing is left behind then.
        """
        temporary = self._incoming / blob_id
        try:
            descriptor = self._disk.create(temporary)
            try:
                size = self._fill(descriptor, Cipher(key, blob_id), chunks, digests)
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
        # The first digest is the slowest by far (MD5): it gets a processor core of its own.
        line = Line(self._digesting, digests[0], most=_AHEAD) if digests else None
        sealed = memoryview(b"")
        syncs = _Syncs(self._syncing, self._disk, descriptor)
        try:
            for piece in pieces(chunks):
                if size:
                    sealed = sealed or memoryview(bytearray(SEALED_PIECE))
                    if line is not None:
                        line.add(held)
                    for digest in digests[1:]:
                        digest.update(held)
                    cipher.seal_into(sealed, number, held)
                    self._disk.write(descriptor, sealed)
                    number += 1
                    if number % _SYNC_EVERY == 0:
                        syncs.start()
                held = piece
                size += len(piece)
            if line is not None:
                line.finish()
        finally:
            syncs.finish()
        for digest in digests:
            digest.update(held)
        self._disk.write(descriptor, cipher.seal(number, held, last=True))
        return size


class _Syncs:
    """Syncs of a file that is still being written: the disk works while the bytes arrive, and little is left at the end."""

    def __init__(self, executor: Executor, disk: Disk, descriptor: int) -> None:
        self._executor = executor
        self._disk = disk
        self._descriptor = descriptor
        self._latest: Future[None] | None = None

    def start(self) -> None:
        """Sync what is written so far, unless the sync before is still running; raises what that one met."""
        if self._latest is None or self._latest.done():
            self.finish()
            self._latest = self._executor.submit(self._disk.sync_so_far, self._descriptor)

    def finish(self) -> None:
        """Wait for the sync under way: the file must not be closed before; raises what it met."""
        if self._latest is not None:
            self._latest.result()


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Cut chunks of any size into pieces of PIECE bytes; the last may be shorter.

    A piece keeps its bytes until `_BUFFERS` more have been asked for: as many buffers take turns, since new memory for
    every piece costs as much as sealing it.
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
