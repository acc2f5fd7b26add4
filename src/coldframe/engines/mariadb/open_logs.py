"""The mark in a binary log that it was not closed, by which MariaDB knows that it has to recover from it.

At its end MariaDB marks the log as closed before InnoDB has brought its last commits to the disk. If power fails in between,
the next start finds transactions that are prepared and a log that it need not read, and refuses: "critical recovery
information was manually deleted" (mysqld.cc, clean_up; log.cc, do_binlog_recovery). With the mark it reads the log and
commits what is in it.
"""

import os
from pathlib import Path

# The log begins with its magic number; the header of its first event follows: time (4), kind (1), server (4), length (4),
# position (4), flags (2). The checksum of that event leaves the mark out.
_MAGIC, _DESCRIPTION, _IN_USE = b"\xfebin", 15, 0x1
_KIND, _FLAGS = 4 + 4, 4 + 17


def mark(index: Path) -> None:
    """Mark the last log of an index as not closed, durably; one that is too short to have a mark is left to MariaDB."""
    try:
        names = index.read_text(encoding="utf-8").splitlines()
        log = os.open(index.parent / Path(names[-1]).name, os.O_RDWR)
    except (FileNotFoundError, IndexError):
        # It has not logged anything yet.
        return
    try:
        head = os.pread(log, _FLAGS + 1, 0)
        if len(head) > _FLAGS and head.startswith(_MAGIC) and head[_KIND] == _DESCRIPTION:
            os.pwrite(log, bytes([head[_FLAGS] | _IN_USE]), _FLAGS)
            os.fsync(log)
    finally:
        os.close(log)
