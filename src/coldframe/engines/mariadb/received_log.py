"""What a replica may have received, read from its logs on the disk: for one that runs and answers nobody, or has ended.

A transaction is in the relay log before the replica acknowledges it, and in the binary log before the relay log is purged.
Source: MariaDB's documentation of the replication protocol, binary log events.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from coldframe.engines.database import DatabaseError

_MAGIC = b"\xfebin"
_HEADER = struct.Struct("<IBIIIH")
_GTID, _GTID_LIST, _ENCRYPTED = 162, 163, 164
_GTID_BODY, _LISTED = struct.Struct("<QI"), struct.Struct("<IIQ")
# The low bits of a list's first number say how many there are.
_COUNT = 0x0FFFFFFF
# What stands within a transaction: rows and what describes them. Whatever else follows a GTID may have ended it.
_WITHIN = frozenset({5, 13, 14, 19, 23, 24, 25, 30, 31, 32, 160, 166, 167, 168, 169, 170, 171})


def received(folder: Path) -> str:
    """Return the GTID position that the logs in a folder reach; never less than what was acknowledged.

    Raises DatabaseError for a log that cannot be read to its end: what is behind would be taken for not there.
    """
    found: dict[int, tuple[int, int]] = {}
    binary = _logs(folder, "binlog")
    # The newest one begins with what all before it reach.
    for path in [*binary[-1:], *_logs(folder, "relay")]:
        for domain, server, sequence in _reached(path, lists=path in binary):
            if sequence >= found.get(domain, (0, 0))[1]:
                found[domain] = (server, sequence)
    return ",".join(f"{domain}-{server}-{sequence}" for domain, (server, sequence) in sorted(found.items()))


def _logs(folder: Path, name: str) -> list[Path]:
    """Return the logs of a kind in their order, without what lies beside them (`binlog.index`, `binlog.000001.idx`)."""
    found = [path for path in folder.glob(f"{name}.*") if path.name.removeprefix(f"{name}.").isdecimal()]
    return sorted(found, key=lambda path: int(path.suffix[1:]))


def _reached(path: Path, *, lists: bool) -> Iterator[tuple[int, int, int]]:
    """Give domain, server and number of each transaction of a log; one that is not whole, which nobody acknowledged, is none."""
    begun: tuple[int, int, int] | None = None
    with path.open("rb") as log:
        if (magic := log.read(len(_MAGIC))) != _MAGIC:
            if len(magic) < len(_MAGIC):
                return
            raise DatabaseError(f"{path.name} is no log that can be read")
        while len(head := log.read(_HEADER.size)) == _HEADER.size:
            _, kind, server, length, _, _ = _HEADER.unpack(head)
            size = length - _HEADER.size
            if size < 0 or kind == _ENCRYPTED:
                raise DatabaseError(f"{path.name} cannot be read to its end")
            wanted = kind == _GTID or (kind == _GTID_LIST and lists)
            body = log.read(size) if wanted else b""
            # The last event may be half written.
            if wanted and len(body) < size:
                return
            if not wanted and log.seek(size, 1) > path.stat().st_size:
                return
            if kind == _GTID:
                sequence, domain = _GTID_BODY.unpack_from(body)
                begun = (domain, server, sequence)
            elif wanted:
                count = struct.unpack_from("<I", body)[0] & _COUNT
                yield from (_LISTED.unpack_from(body, 4 + number * _LISTED.size) for number in range(count))
            elif begun is not None and kind not in _WITHIN:
                yield begun
                begun = None
