"""Whether a PostgreSQL does its work, what its users have under way, and what it replicates from and to outside."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from coldframe.engines.database import Activity, InstanceSpec
from coldframe.engines.postgresql import admin, heartbeat
from coldframe.engines.postgresql.admin import Connection
from coldframe.engines.postgresql.instances import Instances
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


_OUTSIDE = """
    SELECT format('it subscribes by %I in %I', s.subname, d.datname) FROM pg_subscription s
    JOIN pg_database d ON d.oid = s.subdbid WHERE s.subname !~ '^coldframe_' AND s.subenabled
    UNION ALL
    SELECT format('it is a source by the replication slot %I', slot_name) FROM pg_replication_slots
    WHERE slot_type = 'logical' AND NOT temporary AND slot_name !~ '^coldframe_' ORDER BY 1"""


class PostgreSQLActivities:
    """The Activities of PostgreSQL."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def probe(self, spec: InstanceSpec, *, answer: float, write: float) -> None:
        """Come in anew and, where it takes writes, have one made durable; raises Silent."""
        heartbeat.probe(spec, answer=answer, write=write)

    def under_way(self, spec: InstanceSpec) -> Sequence[Activity]:
        """Return what users have under way, the longest first; a statement's words are not told, they may be secret."""
        with self._session(spec) as connection:
            rows = connection.query(_ACTIVITIES)
        return [
            Activity("ddl" if kind == "ddl" else "write", max(0.0, float(seconds or 0)), str(whose))
            for kind, whose, seconds in rows
        ]

    def prepared(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the prepared transactions of all databases."""
        with self._session(spec) as connection:
            rows = connection.query(
                "SELECT format('%I of %s', gid, owner) FROM pg_prepared_xacts ORDER BY prepared"
            )
        return [str(said) for (said,) in rows]

    def outside(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the subscriptions of others than us, and the replication slots by which others follow."""
        with self._session(spec) as connection:
            rows = connection.query(_OUTSIDE)
        return [str(said) for (said,) in rows]

    def scheduled(self, spec: InstanceSpec) -> Sequence[str]:
        """Return nothing: no version here comes with a scheduler (pg_cron)."""
        return ()

    def _session(self, spec: InstanceSpec) -> AbstractContextManager[Connection]:
        return self._instances.session(spec, timeout=10)
