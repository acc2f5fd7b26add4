"""Lookup tables as relations of the query engine: rows by their number, or ranges of addresses without overlaps."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.logs.insights.errors import QueryFailed
from coldframe.services.logs.insights.stage import Lookup
from coldframe.services.logs.lookup_tables import lookup_table

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def relation_of(records: Records, used: Lookup) -> Any:
    """Return the Arrow table of a lookup table; raises QueryFailed where it is gone or has changed its columns."""
    try:
        table = lookup_table(records, used.table)
        if table.columns != used.columns:
            raise QueryFailed(f"the lookup table {used.table} was changed before the query ran")
        return arrow_table(used, list(table.rows))
    except ServiceFault as fault:
        raise QueryFailed(f"the lookup table {used.table} cannot be read: {fault.message}") from fault


def arrow_table(used: Lookup, rows: Sequence[Sequence[str]]) -> Any:
    """Return the rows of a lookup table as the Arrow table that a query wants."""
    from coldframe.engines.logstore.arrow import pa

    if used.ranges is None:
        places: Sequence[int] = range(len(rows))
        kinds = [("r", pa.int64())]
        columns: dict[str, list[Any]] = {"r": list(places)}
    else:
        pieces = disjoint((at, row[used.ranges]) for at, row in enumerate(rows))
        places = [place for _, _, _, place in pieces]
        kinds = [("version", pa.int32()), ("low", pa.string()), ("high", pa.string())]
        columns = {
            "version": [version for version, _, _, _ in pieces],
            "low": [str(low) for _, low, _, _ in pieces],
            "high": [str(high) for _, _, high, _ in pieces],
        }
    for at in range(len(used.columns)):
        columns[f"c{at}"] = [rows[place][at] for place in places]
        kinds.append((f"c{at}", pa.string()))
    return pa.table(columns, schema=pa.schema(kinds))


def disjoint(ranges: Iterable[tuple[int, str]]) -> list[tuple[int, int, int, int]]:
    """Return (version, first, last, number) of numbered CIDR ranges, cut so that the narrowest one counts everywhere.

    Of two equal ranges the first counts. Text that is no range is passed over, as it can match no address.
    """
    networks: list[tuple[_Network, int]] = []
    for number, text in ranges:
        try:
            networks.append((ipaddress.ip_network(text.strip(), strict=False), number))
        except ValueError:
            continue
    networks.sort(
        key=lambda each: (each[0].version, int(each[0].network_address), each[0].prefixlen, -each[1])
    )
    pieces: list[tuple[int, int, int, int]] = []
    open_: list[tuple[int, int, int]] = []  # version, last address, number: each inside the one before
    at = 0
    for network, number in networks:
        first, last = int(network.network_address), int(network.broadcast_address)
        while open_ and (open_[-1][0] != network.version or open_[-1][1] < first):
            at = _close(pieces, open_, at)
        if open_ and at < first:
            pieces.append((open_[-1][0], at, first - 1, open_[-1][2]))
        open_.append((network.version, last, number))
        at = first
    while open_:
        at = _close(pieces, open_, at)
    return pieces


def _close(pieces: list[tuple[int, int, int, int]], open_: list[tuple[int, int, int]], at: int) -> int:
    """End the innermost range; returns where what is around it goes on."""
    version, last, number = open_.pop()
    if at <= last:
        pieces.append((version, at, last, number))
    return max(at, last + 1)
