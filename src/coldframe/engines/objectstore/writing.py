"""Writing one blob: pieces are gathered, digested, sealed and written; nothing of it is seen before it is whole."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import NamedTuple, Protocol

from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import StorageFull
from coldframe.engines.objectstore.sealing import PIECE, Cipher

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Digest(Protocol):
    """Something that sees every byte once, in order: a hash, a checksum."""

    def update(self, data: bytes, /) -> object:
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

    def write(self, blob_id: str, final: Path, chunks: Iterable[bytes], digests: Sequence[Digest]) -> int:
        """Write a blob durably to `final` and return its size.

        Raises StorageFull, and whatever `chunks` raises; nothing is left behind then.
        """
        temporary = self._incoming / blob_id
        try:
            descriptor = self._disk.create(temporary)
            try:
                size = self._fill(descriptor, Cipher(self._key, blob_id), chunks, digests)
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
        held: bytes | None = None
        for piece in pieces(chunks):
            if held is not None:
                self._disk.write(descriptor, self._digested(cipher, number, held, digests, last=False))
                number += 1
                size += len(held)
            held = piece
        held = held or b""
        self._disk.write(descriptor, self._digested(cipher, number, held, digests, last=True))
        return size + len(held)

    def _digested(
        self, cipher: Cipher, number: int, piece: bytes, digests: Sequence[Digest], *, last: bool
    ) -> bytes:
        """Seal a piece while another thread digests it: hashes, ciphers and writes all let other threads run."""
        aside: list[Future[object]] = []
        if number and len(digests) > 1:
            aside = [self._executor.submit(digests[0].update, piece)]
        for digest in digests[len(aside) :]:
            digest.update(piece)
        sealed = cipher.seal(number, piece, last=last)
        for future in aside:
            future.result()
        return sealed


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut chunks of any size into pieces of PIECE bytes; the last may be shorter."""
    waiting: list[bytes] = []
    length = 0
    for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length < PIECE:
            continue
        whole = memoryview(b"".join(waiting) if len(waiting) > 1 else chunk)
        at = 0
        while length - at >= PIECE:
            yield bytes(whole[at : at + PIECE])
            at += PIECE
        waiting = [bytes(whole[at:])] if at < length else []
        length -= at
    if length:
        yield b"".join(waiting)
