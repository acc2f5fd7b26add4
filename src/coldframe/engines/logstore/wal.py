"""The write-ahead log: rounds of framed records in numbered files, cut where a crash or a refused write tore them.

File (little endian): magic, number, valid length of the file before it, crc32; then rounds of mark, own offset,
length, crc32 of these, and in a round records of length, crc32, payload. A round is what one sync made durable; a
damaged record with a later round behind it is damage, without one it is the torn tail of a round nobody was told of.
The valid length makes a cut durable together with the first record written after it: a record that was refused comes
back after a crash only if nothing at all was acknowledged after the refusal, and then no answer that the store gave
contradicts it.

Files are taken from a spare one filled with zeros beforehand where there is one: syncing bytes that are already
allocated takes half the time, because the file system has no size or extent to record.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import CorruptBlock

_HEADER = struct.Struct("<8sQQI")
_FRAME = struct.Struct("<II")
_ROUND = struct.Struct("<4sQII")
_MARK = b"\xc0\xf7\x0d\xb1"
SPARE = "spare.zeros"
_MAGIC = b"CFWAL\x00\x01\n"
_NOTHING_BEFORE = 2**64 - 1
MAX_RECORD = 64 * 1024 * 1024


def shorten(file: "WalFile", length: int) -> None:
    """Give back what a log file of an earlier run holds beyond its valid length (0: not even a record)."""
    if file.path.stat().st_size > max(length, _HEADER.size):
        os.truncate(file.path, max(length, _HEADER.size))


def frame(payload: bytes) -> bytes:
    """Return the record as it stands in the file; raises ValueError when it is larger than a record may be."""
    if len(payload) > MAX_RECORD:
        raise ValueError(f"a record of {len(payload)} bytes is larger than {MAX_RECORD}")
    return _FRAME.pack(len(payload), _checksum(payload)) + payload


def round_head(offset: int, length: int) -> bytes:
    """Return what stands before the records of a round at this offset."""
    head = _ROUND.pack(_MARK, offset, length, 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(head))


def _checksum(payload: bytes) -> int:
    # The length is part of the checksum, so that a run of zero bytes is never taken for an empty record.
    return zlib.crc32(payload, len(payload) ^ 0x5EED)


class WalWriter:
    """Appends to the newest file. Used by one thread at a time: the one that commits."""

    def __init__(
        self, directory: Path, disk: Disk, number: int, valid_before: int | None, *, busy_from: int = 0
    ) -> None:
        """Start before file `number`, which is made by the first write; `valid_before` is its predecessor's length.

        A spare file is asked for once a file holds `busy_from` bytes, never when 0: a store that is hardly used, or
        one of a test, is not worth the zeros.
        """
        self._directory = directory
        self._disk = disk
        self.number = number
        self._valid_before = _NOTHING_BEFORE if valid_before is None else valid_before
        self._descriptor: int | None = None
        self._good = 0
        self._allocated = 0
        self._spare = directory / SPARE
        self._cut_pending = False
        self._busy_from = busy_from
        self.wants_spare = False

    def commit(self, frames: bytes) -> None:
        """Write the frames and make them durable.

        Raises OSError when the disk refused; the file is then cut back to what was durable. After a refused sync the
        file is never written again, because the system may report its lost pages as written the next time.
        """
        descriptor = self._descriptor if self._descriptor is not None else self._create()
        try:
            if self._cut_pending:
                self._disk.truncate(descriptor, self._good)
                self._cut_pending = False
            self._disk.write(descriptor, round_head(self._good, len(frames)) + frames)
        except OSError:
            self._cut()
            raise
        try:
            self._disk.sync(descriptor)
        except OSError:
            self._cut()
            self.rotate()
            raise
        before, self._good = self._good, self._good + _ROUND.size + len(frames)
        self.wants_spare = self.wants_spare or before < self._busy_from <= self._good

    @property
    def outgrown(self) -> bool:
        """Tell whether the file grows with each write although a spare one is ready."""
        return self._good > self._allocated and self._descriptor is not None and self._spare.exists()

    def rotate(self) -> int:
        """End the current file, so that the next write begins a new one; return the number of the last one used."""
        if self._descriptor is None:
            return self.number - 1
        os.close(self._descriptor)
        self._descriptor = None
        self._valid_before = self._good
        self._good = 0
        self._cut_pending = False
        self.number += 1
        return self.number - 1

    def close(self) -> None:
        """Close the file; everything acknowledged is durable already."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _create(self) -> int:
        path = wal_path(self._directory, self.number)
        try:
            self._spare.rename(path)
        except FileNotFoundError:
            path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        head = _HEADER.pack(_MAGIC, self.number, self._valid_before, 0)[:-4]
        try:
            self._disk.write(descriptor, head + struct.pack("<I", zlib.crc32(head)))
            self._disk.sync(descriptor)
            self._disk.sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._descriptor = descriptor
        self._good = _HEADER.size
        self._allocated = os.fstat(descriptor).st_size
        return descriptor

    def _cut(self) -> None:
        if self._descriptor is None:
            return
        try:
            self._disk.truncate(self._descriptor, self._good)
            self._allocated = 0
        except OSError:
            # The next write cuts first; until then nothing follows the torn bytes.
            self._cut_pending = True


class WalFile(NamedTuple):
    """A log file found at start: its number, path, and how many bytes of it are valid by the file after it."""

    number: int
    path: Path
    limit: int


def wal_path(directory: Path, number: int) -> Path:
    """Return where the log file of this number lies."""
    return directory / f"{number:016d}.wal"


def found(directory: Path) -> list[WalFile]:
    """Return the log files of the directory, oldest first; a file whose header is torn counts as empty."""
    files: list[WalFile] = []
    for path in sorted(directory.glob("*.wal")):
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
        if len(head) == _HEADER.size:
            magic, number, valid_before, crc = _HEADER.unpack(head)
            if magic == _MAGIC and crc == zlib.crc32(head[:-4]):
                if files and number == files[-1].number + 1 and valid_before != _NOTHING_BEFORE:
                    before = files[-1]
                    files[-1] = before._replace(limit=min(before.limit, valid_before))
                files.append(WalFile(number, path, size))
                continue
        files.append(WalFile(int(path.stem), path, 0))
    return files


class Record(NamedTuple):
    """A record read back, and the offset just after it."""

    payload: bytes
    end: int


def records(file: WalFile) -> Iterator[Record | CorruptBlock]:
    """Give the file's records in order, then stop at the torn tail; damage is given as CorruptBlock and passed over."""
    data = file.path.read_bytes()[: file.limit]
    at = _next_round(data, _HEADER.size)
    if at is not None and at > _HEADER.size:
        yield CorruptBlock(file.path.name, _HEADER.size, "the head of a round does not match its checksum")
    while at is not None:
        start, end = at + _ROUND.size, _round_end(data, at) or at
        following = _next_round(data, end)
        for record in _round_records(data, start, min(end, len(data))):
            if record is None and following is None:
                return
            yield record or CorruptBlock(file.path.name, at, "a record does not match its checksum")
        if following is not None and following > end:
            yield CorruptBlock(file.path.name, end, "the head of a round does not match its checksum")
        at = following


def _round_records(data: bytes, at: int, end: int) -> Iterator[Record | None]:
    """Give the records of a round; None stands for a damaged one, after which the round is given up."""
    while at < end:
        start = at + _FRAME.size
        length, crc = _FRAME.unpack_from(data, at) if start <= end else (0, 0)
        at = start + length
        if length == 0 or at > end or _checksum(payload := data[start:at]) != crc:
            yield None
            return
        yield Record(payload, at)


def _round_end(data: bytes, at: int) -> int | None:
    if at + _ROUND.size > len(data):
        return None
    mark, offset, length, crc = _ROUND.unpack_from(data, at)
    if mark != _MARK or offset != at or crc != zlib.crc32(data[at : at + _ROUND.size - 4]):
        return None
    return at + _ROUND.size + int(length)


def _next_round(data: bytes, at: int) -> int | None:
    """Return where the first whole round head at or after this offset stands."""
    at = data.find(_MARK, at)
    while at >= 0:
        if _round_end(data, at) is not None:
            return at
        at = data.find(_MARK, at + 1)
    return None
