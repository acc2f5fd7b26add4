"""Writing one blob: pieces are received, digested, sealed and written; nothing of it is seen before it is whole."""

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from coldframe.core.filling import Fill
from coldframe.engines.objectstore.buffers import Buffers, Ring
from coldframe.engines.objectstore.digesting import Digest, Line
from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import StorageFailed, StorageFull
from coldframe.engines.objectstore.sealing import PIECE, SEALED_PIECE, TAG, Cipher, sealed_size

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FAILED = frozenset({errno.EIO, errno.EROFS})
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

    def __init__(
        self, incoming: Path, disk: Disk, *, digesting: Executor, syncing: Executor, cores: int
    ) -> None:
        self._incoming = incoming
        self._disk = disk
        self._digesting = digesting
        self._syncing = syncing
        self._cores = cores
        # For pieces, and for sealed ones.
        self.buffers = Buffers(PIECE), Buffers(SEALED_PIECE)
        # How many writes have a piece in hand, and are not waiting for their client.
        self._working = 0
        self._lock = threading.Lock()

    def write(
        self,
        blob_id: str,
        final: Path,
        fill: Fill,
        digests: Sequence[Digest],
        *,
        key: bytes,
        size: int | None = None,
    ) -> int:
        """Write a blob, sealed under `key`, durably to `final` and return its size; `size`: what it will be, if known.

        Raises StorageFull, StorageFailed, and whatever `fill` raises; nothing is left behind then.
        """
        temporary = self._incoming / blob_id
        try:
            descriptor = self._disk.create(temporary)
            try:
                if size is not None and size > PIECE:
                    self._disk.reserve(descriptor, sealed_size(size))
                written = self._fill(descriptor, Cipher(key, blob_id), Pieces(fill, size), digests)
                self._disk.reached("written")
                self._disk.sync(descriptor)
            finally:
                os.close(descriptor)
            self._disk.reached("synced")
            temporary.rename(final)
            self._disk.sync_directory(final.parent)
            self._disk.reached("named")
        except BaseException as failure:
            # What a disk that takes no writes does not let go of goes with a sweep.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
                final.unlink(missing_ok=True)
            if isinstance(failure, OSError) and failure.errno in _FULL:
                raise StorageFull("the disk of the object store is full") from failure
            if isinstance(failure, OSError) and failure.errno in _FAILED:
                raise StorageFailed(str(failure.strerror)) from failure
            raise
        return written

    def _fill(self, descriptor: int, cipher: Cipher, pieces: "Pieces", digests: Sequence[Digest]) -> int:
        size = number = 0
        # The first digest is the slowest by far (MD5): it gets a processor core of its own while there is one.
        line = Line(self._digesting, digests[0], most=_AHEAD) if digests else None
        syncs = _Syncs(self._syncing, self._disk, descriptor)
        with self.buffers[0].ring() as ring, self.buffers[1].ring() as sealed:
            try:
                last = False
                while not last:
                    aside = line is not None and self._has_core()
                    if line is not None and not aside:
                        line.finish()
                    piece, last = pieces.next(ring, _BUFFERS if aside else 1)
                    with self._at_work():
                        if line is not None and aside and not last:
                            line.add(piece)
                        elif line is not None:
                            line.finish()
                            line.digest.update(piece)
                        for digest in digests[1:]:
                            digest.update(piece)
                        into = sealed.next(1)[: len(piece) + TAG]
                        cipher.seal_into(into, number, piece, last=last)
                        self._disk.write(descriptor, into)
                    size += len(piece)
                    number += 1
                    if number % _SYNC_EVERY == 0:
                        syncs.start()
            finally:
                try:
                    if line is not None:
                        line.finish()
                finally:
                    syncs.finish()
        return size

    def _has_core(self) -> bool:
        """Tell whether a second core is there for this write, and not wanted by the pieces of others.

        With as many writes as cores each does all of its own work: a piece that stays with one core stays in its cache.
        """
        return 2 * (self._working + 1) <= self._cores

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._lock:
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1


class Pieces:
    """Cuts a body into pieces of PIECE bytes, of which the last may be shorter, and tells which one is the last."""

    def __init__(self, fill: Fill, size: int | None) -> None:
        """`size` is what the body will have, where that is known: nothing is held back then to look for its end."""
        self._fill = fill
        self._left = size
        self._held: memoryview | None = None

    def next(self, ring: Ring, turns: int) -> tuple[memoryview, bool]:
        """Give the next piece and whether it is the last; it keeps its bytes until `turns` - 1 more were received.

        Raises ValueError for a body that is not as long as was said.
        """
        if self._left is not None:
            piece = self._received(ring, turns)
            self._left -= len(piece)
            if len(piece) == PIECE and self._left > 0:
                return piece, False
            if self._left or (len(piece) == PIECE and self._fill(memoryview(bytearray(1)))):
                raise ValueError("The body does not have as many bytes as were said.")
            return piece, True
        piece = self._held if self._held is not None else self._received(ring, turns)
        # A body that ends with a full piece tells so by nothing that follows it.
        self._held = self._received(ring, max(2, turns)) if len(piece) == PIECE else None
        return piece, not self._held

    def _received(self, ring: Ring, turns: int) -> memoryview:
        buffer = ring.next(turns)
        return buffer[: self._fill(buffer)]


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
