"""The write-ahead log: batches become durable in rounds, one sync for everybody who waits."""

import errno
import logging
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from coldframe.core.durable import sync_folder
from coldframe.engines.metricstore.errors import MetricStoreError, StorageFailed, StorageFull, StoreClosed

LOG = logging.getLogger("coldframe.metricstore")

_FRAME = struct.Struct("<II")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Entry:
    __slots__ = ("apply", "done", "error", "payload")

    def __init__(self, payload: bytes, apply: Callable[[], None]) -> None:
        self.payload = payload
        self.apply = apply
        self.done = False
        # Stands until the effect has run, so that a round that is cut short acknowledges nobody.
        self.error: MetricStoreError | None = StorageFailed(
            "the commit was interrupted: the metric data may not be stored"
        )


class Log:
    """The files of the log; appends come from many threads, of which one at a time writes for all who wait."""

    def __init__(self, directory: Path, number: int) -> None:
        """Write to file `number`, which is made by the first append."""
        self._directory = directory
        self.number = number
        self.size = 0
        self._descriptor: int | None = None
        self._queue: list[_Entry] = []
        self._lock = threading.Lock()
        self.lead = threading.Lock()
        """Whoever holds it is the only one who writes; what must see no round under way takes it too."""
        self._closed = False

    def append(self, payload: bytes, apply: Callable[[], None]) -> None:
        """Return when the payload is durable and `apply` has run; raises StorageFull, StorageFailed, StoreClosed."""
        entry = _Entry(payload, apply)
        with self._lock:
            self._queue.append(entry)
        with self.lead:
            if not entry.done:
                self._round()
        if entry.error is not None:
            raise entry.error

    def rotate(self) -> int:
        """End the current file, with `lead` held; returns its number."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self.number += 1
        self.size = 0
        return self.number - 1

    def close(self) -> None:
        """Refuse further appends and close the file."""
        with self.lead:
            self._closed = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _round(self) -> None:
        with self._lock:
            entries, self._queue = self._queue, []
        try:
            self._write(
                b"".join(
                    _FRAME.pack(len(entry.payload), zlib.crc32(entry.payload)) + entry.payload
                    for entry in entries
                )
            )
        except OSError as error:
            refused = _refusal(error)
            for entry in entries:
                entry.error, entry.done = refused, True
            return
        except StoreClosed as closed:
            for entry in entries:
                entry.error, entry.done = closed, True
            return
        for entry in entries:
            entry.done = True
            entry.apply()
            entry.error = None

    def _write(self, frames: bytes) -> None:
        if self._closed:
            raise StoreClosed("the metric store is closed")
        if self._descriptor is None:
            self._descriptor = self._create()
        try:
            view = memoryview(frames)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fdatasync(self._descriptor)
        except OSError:
            self._leave()
            raise
        self.size += len(frames)

    def _leave(self) -> None:
        """Cut off what was not acknowledged and never write to this file again: a failed sync tells nothing of the next."""
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
        finally:
            self.rotate()

    def _create(self) -> int:
        descriptor = os.open(
            log_path(self._directory, self.number), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
        )
        sync_folder(self._directory)
        return descriptor


def log_path(directory: Path, number: int) -> Path:
    """Return where the log file of a number lies."""
    return directory / f"{number:016d}.wal"


def found(directory: Path) -> list[tuple[int, Path]]:
    """Return the log files there are, oldest first."""
    return sorted((int(path.stem), path) for path in directory.glob("*.wal"))


def payloads(path: Path) -> Iterator[bytes]:
    """Give the payloads of a file in order, up to the torn end that a crash may have left; damaged ones are left out."""
    data, at = path.read_bytes(), 0
    while at + _FRAME.size <= len(data):
        length, checksum = _FRAME.unpack_from(data, at)
        payload = data[at + _FRAME.size : at + _FRAME.size + length]
        if not length or len(payload) < length:
            return
        if zlib.crc32(payload) == checksum:
            yield payload
        else:
            LOG.warning("%s: the batch at byte %d is damaged and left out", path.name, at)
        at += _FRAME.size + length


def _refusal(error: OSError) -> MetricStoreError:
    if error.errno in _NO_SPACE:
        return StorageFull("no space is left on the disk: the metric data was not stored")
    return StorageFailed(f"the disk refused the write ({error.strerror}): the metric data was not stored")
