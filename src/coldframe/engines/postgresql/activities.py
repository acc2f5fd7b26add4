"""What users of a PostgreSQL have under way, and what it replicates from and to outside."""

from coldframe.engines.database import Activity
from coldframe.engines.postgresql import admin
from coldframe.engines.postgresql.admin import Connection
from coldframe.engines.postgresql.wire import literal

_DDL = (
    r"^(\s|/\*.*?\*/|--[^\n]*\n)*"
    r"(alter|comment|create|drop|truncate|reindex|cluster|refresh|import\s+foreign|vacuum\s*(\(|full))"
)
_NOW = "extract(epoch FROM clock_timestamp() - {})"
_ACTIVITIES = f"""
    SELECT 'write', format('session %s of %s', pid, usename), {_NOW.format("xact_start")} FROM pg_stat_activity
    WHERE {admin.USERS} AND backend_xid IS NOT NULL
    UNION ALL
    SELECT 'ddl', format('session %s of %s', pid, usename), {_NOW.format("query_start")} FROM pg_stat_activity
    WHERE {admin.USERS} AND state = 'active' AND query ~* {literal(_DDL)} ORDER BY 3 DESC"""


def of(connection: Connection) -> list[Activity]:
    """Return what users have under way, the longest first; a statement's words are not told, they may be secret."""
    return [
        Activity("ddl" if kind == "ddl" else "write", max(0.0, float(seconds or 0)), str(whose))
        for kind, whose, seconds in connection.query(_ACTIVITIES)
    ]


def prepared(connection: Connection) -> list[str]:
    """Return the prepared transactions of all databases."""
    rows = connection.query("SELECT format('%I of %s', gid, owner) FROM pg_prepared_xacts ORDER BY prepared")
    return [str(said) for (said,) in rows]


def outside(connection: Connection) -> list[str]:
    """Return the subscriptions of others than us, and the replication slots by which others follow."""
    rows = connection.query("""
        SELECT format('it subscribes by %I in %I', s.subname, d.datname) FROM pg_subscription s
        JOIN pg_database d ON d.oid = s.subdbid WHERE s.subname !~ '^coldframe_' AND s.subenabled
        UNION ALL
        SELECT format('it is a source by the replication slot %I', slot_name) FROM pg_replication_slots
        WHERE slot_type = 'logical' AND NOT temporary AND slot_name !~ '^coldframe_' ORDER BY 1""")
    return [str(said) for (said,) in rows]
