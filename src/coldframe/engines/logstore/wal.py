"""The write-ahead log: framed records in numbered files, cut where a crash or a refused write left them torn.

File: magic, number, valid length of the file before it, crc32; then frames of length, crc32, payload (little
endian). The valid length makes a cut durable together with the first record written after it: a record that was
refused comes back after a crash only if nothing at all was acknowledged after the refusal, and then no answer that
the store gave contradicts it.
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
_MAGIC = b"CFWAL\x00\x01\n"
_NOTHING_BEFORE = 2**64 - 1
MAX_RECORD = 64 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    """Return the record as it stands in the file; raises ValueError when it is larger than a record may be."""
    if len(payload) > MAX_RECORD:
        raise ValueError(f"a record of {len(payload)} bytes is larger than {MAX_RECORD}")
    return _FRAME.pack(len(payload), _checksum(payload)) + payload


def _checksum(payload: bytes | memoryview) -> int:
    # The length is part of the checksum, so that a run of zero bytes is never taken for an empty record.
    return zlib.crc32(payload, len(payload) ^ 0x5EED)


class WalWriter:
    """Appends to the newest file. Used by one thread at a time: the one that commits."""

    def __init__(self, directory: Path, disk: Disk, number: int, valid_before: int | None) -> None:
        """Start before file `number`, which is made by the first write; `valid_before` is its predecessor's length."""
        self._directory = directory
        self._disk = disk
        self.number = number
        self._valid_before = _NOTHING_BEFORE if valid_before is None else valid_before
        self._descriptor: int | None = None
        self._good = 0
        self._cut_pending = False

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
            self._disk.write(descriptor, frames)
        except OSError:
            self._cut()
            raise
        try:
            self._disk.sync(descriptor)
        except OSError:
            self._cut()
            self.rotate()
            raise
        self._good += len(frames)

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
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
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
        return descriptor

    def _cut(self) -> None:
        if self._descriptor is None:
            return
        try:
            self._disk.truncate(self._descriptor, self._good)
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
    """Give the file's records in order, then stop at the torn tail.

    A record that does not match its checksum while a good one follows it is no torn tail but damage: it is given as
    CorruptBlock and reading goes on after it.
    """
    data = memoryview(file.path.read_bytes())[: file.limit]
    at = _HEADER.size
    while at < len(data):
        end = _good_record(data, at)
        if end is not None:
            yield Record(bytes(data[at + _FRAME.size : end]), end)
            at = end
            continue
        following = _next_good(data, at)
        if following is None:
            return
        yield CorruptBlock(file.path.name, at, "a record does not match its checksum")
        at = following


def _good_record(data: memoryview, at: int) -> int | None:
    start = at + _FRAME.size
    if start > len(data):
        return None
    length, crc = _FRAME.unpack_from(data, at)
    end = start + int(length)
    if length == 0 or end > len(data) or _checksum(data[start:end]) != crc:
        return None
    return end


def _next_good(data: memoryview, at: int) -> int | None:
    length = int(_FRAME.unpack_from(data, at)[0]) if at + _FRAME.size <= len(data) else 0
    following = at + _FRAME.size + length
    if length and following < len(data) and _good_record(data, following) is not None:
        return following
    return None
