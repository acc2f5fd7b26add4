"""Positions in the write-ahead log: where an instance is, and how many transactions lie between two of them."""

from coldframe.engines.postgresql.admin import Connection

# Beyond this much log its transactions are not counted one by one.
_COUNTED = 16 * 1024 * 1024

_NOW = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END"


def committed(connection: Connection) -> str:
    """Return a position that lies behind everything that was committed, and that is durable."""
    if connection.value("SELECT pg_is_in_recovery()") == "f":
        # Its own commit takes with it to the disk what was committed without waiting for it; no follower need have it.
        connection.query(
            "SET LOCAL synchronous_commit = local; SELECT pg_logical_emit_message(true, 'coldframe', '')"
        )
    return str(connection.value(f"SELECT {_NOW}"))


def between(source: Connection, position: str) -> int:
    """Return how many transactions a source committed after a position; far behind it is estimated."""
    row = source.query(
        f"SELECT {_NOW}, greatest({_NOW} - '{position}'::pg_lsn, 0), least({_NOW}, '{position}'::pg_lsn + {_COUNTED})"
    )[0]
    distance, end = int(row[1] or 0), row[2]
    if distance <= 0:
        return 0
    counted = int(
        source.value(
            f"SELECT count(*) FROM pg_get_wal_records_info('{position}', '{end}') "
            "WHERE resource_manager = 'Transaction' AND record_type LIKE 'COMMIT%'"
        )
        or 0
    )
    return counted if distance <= _COUNTED else max(counted, 1) * distance // _COUNTED


def before(one: str, other: str) -> bool:
    """Tell whether a position lies before another."""
    return number(one) < number(other)


def number(position: str) -> int:
    """Return a position as the count of bytes that it is."""
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def line_of(source: Connection) -> int:
    """Return the timeline on which an instance that takes writes is."""
    return int(str(source.value("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)")), 16)


def left(source: Connection, line: int) -> str | None:
    """Return where a writer's history left a timeline, or where it is if that is its own; None when it was never on it."""
    here = line_of(source)
    if here == line:
        return source.value("SELECT pg_current_wal_flush_lsn()")
    text = source.value(f"SELECT pg_read_file('pg_wal/{here:08X}.history', 0, 1000000, true)") or ""
    for row in text.splitlines():
        words = row.split("\t")
        if len(words) > 1 and words[0].strip() == str(line):
            return words[1]
    return None
