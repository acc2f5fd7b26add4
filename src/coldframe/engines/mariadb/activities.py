"""Whether a MariaDB does its work, what its users have under way, what it replicates from outside, and what its scheduler would run."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from coldframe.core import process
from coldframe.engines.database import Activity, DatabaseError, InstanceSpec
from coldframe.engines.mariadb import heartbeat
from coldframe.engines.mariadb.client import Client, quoted
from coldframe.engines.mariadb.instances import Instances

# Whatever may come before a statement's first word: spaces and comments.
_BEFORE = r"(?is)^(\s|/[*].*?[*]/|--[^\n]*\n|#[^\n]*\n)*"
_DDL = rf"{_BEFORE}(ALTER|CREATE|DROP|RENAME|TRUNCATE|OPTIMIZE|REPAIR)\b"
_WRITE = rf"{_BEFORE}(INSERT|UPDATE|DELETE|REPLACE|LOAD)\b"
# InnoDB looks anew when nobody has looked for 0.1 s.
_IDLE_SECONDS, _OLD_SECONDS = 0.11, 5.0


class MariaDBActivities:
    """The Activities of MariaDB."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def probe(self, spec: InstanceSpec, *, answer: float, write: float) -> None:
        """Come in anew and, where it takes writes, have one made durable; raises Silent."""
        heartbeat.probe(self._instances, spec, answer=answer, write=write)

    def under_way(self, spec: InstanceSpec) -> Sequence[Activity]:
        """Return what users have under way, the longest first; a statement's words are not told, they may be secret."""
        ours = {"system user", process.own_account().name, self._instances.account().name}
        others = ", ".join(quoted(name) for name in sorted(ours))
        users = f"p.USER NOT IN ({others}) AND p.COMMAND NOT LIKE 'Binlog Dump%'"
        ddl, write = (f"p.INFO REGEXP {quoted(pattern)}" for pattern in (_DDL, _WRITE))
        asked = f"""
            SELECT IF(t.trx_mysql_thread_id = CONNECTION_ID(), 'own', 'write') kind, p.ID id, p.USER who,
                GREATEST(0, TIMESTAMPDIFF(SECOND, t.trx_started, NOW())) seconds
            FROM information_schema.INNODB_TRX t
            JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
            WHERE t.trx_mysql_thread_id = CONNECTION_ID() OR {users} AND t.trx_rows_modified > 0
            UNION
            SELECT IF({ddl}, 'ddl', 'write'), p.ID, p.USER, p.TIME_MS / 1000 FROM information_schema.PROCESSLIST p
            WHERE {users} AND p.COMMAND IN ('Query', 'Execute') AND ({ddl} OR {write})"""
        with self._client(spec) as client:
            rows = _fresh(client, asked)
        found = [
            Activity(
                "ddl" if row["kind"] == "ddl" else "write",
                float(row["seconds"] or 0),
                f"session {row['id']} of {row['who']}",
            )
            for row in rows
            if row["kind"] != "own"
        ]
        return sorted(found, key=lambda each: -each.seconds)

    def prepared(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the XA transactions that wait for their second phase."""
        with self._client(spec) as client:
            return [f"the XA transaction {row['data']}" for row in client.query("XA RECOVER FORMAT = 'SQL'")]

    def outside(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the servers that an instance, which follows nobody here, replicates from at the moment."""
        with self._client(spec) as client:
            return [
                f"it replicates from {row['Master_Host']}:{row['Master_Port']}"
                for row in client.query("SHOW ALL SLAVES STATUS")
                if row["Slave_SQL_Running"] == "Yes" or row["Slave_IO_Running"] != "No"
            ]

    def scheduled(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the events that the scheduler would run, if it runs."""
        with self._client(spec) as client:
            if client.value("SELECT @@global.event_scheduler") != "ON":
                return []
            rows = client.query(
                "SELECT EVENT_SCHEMA s, EVENT_NAME n FROM information_schema.EVENTS WHERE STATUS = 'ENABLED' ORDER BY 1, 2"
            )
        return [f"{row['s']}.{row['n']}" for row in rows]

    def _client(self, spec: InstanceSpec) -> Client:
        return self._instances.client(spec, timeout=10)


def _fresh(client: Client, asked: str) -> list[dict[str, Any]]:
    """Return the rows of a query of INNODB_TRX as it is now; raises DatabaseError when others keep it old.

    InnoDB gives what was there before to whoever asks within 0.1 s of the last reader, whose turn it then is. A
    transaction of our own that is missing from the answer (kind `own`) tells that it is older than the question.
    """
    client.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    began, idle = time.monotonic(), threading.Event()
    while True:
        rows = client.query(asked)
        if any(row["kind"] == "own" for row in rows):
            client.query("COMMIT")
            return rows
        if time.monotonic() - began > _OLD_SECONDS:
            raise DatabaseError(
                "its list of transactions is out of date: others ask for it all the time",
                "end what reads information_schema.INNODB_TRX more often than ten times a second",
            )
        idle.wait(_IDLE_SECONDS)
