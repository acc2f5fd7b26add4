"""The writes that make data durable, one method each, so that a test can refuse one or stop at one."""

import os
from pathlib import Path

from coldframe.core.durable import sync_folder


class Disk:
    """The real disk."""

    def reached(self, point: str) -> None:
        """Learn that the step named `point` is done; the real disk has no use for it."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of data at the descriptor's offset; raises OSError as the system does."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """Make the file's bytes durable (fdatasync)."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        """Cut the file to length bytes and stand at its end."""
        os.ftruncate(descriptor, length)
        os.lseek(descriptor, length, os.SEEK_SET)

    def sync_directory(self, directory: Path) -> None:
        """Make created, renamed and removed names of the directory durable."""
        sync_folder(directory)

    def publish(self, temporary: Path, final: Path) -> None:
        """Make a finished temporary file durable under its final name, atomically."""
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            self.sync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(final)
        self.sync_directory(final.parent)

    def replace(self, final: Path, content: bytes) -> None:
        """Write a small file atomically and durably, readable by the owner alone."""
        temporary = final.with_name(final.name + ".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self.write(descriptor, content)
        finally:
            os.close(descriptor)
        self.publish(temporary, final)

    def fill(self, path: Path, size: int, piece: int = 128 * 1024) -> None:
        """Write a file of zeros in pieces so small that a sync which comes in between hardly waits for one."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            for at in range(0, size, piece):
                self.write(descriptor, bytes(min(piece, size - at)))
                self.sync(descriptor)
        finally:
            os.close(descriptor)
