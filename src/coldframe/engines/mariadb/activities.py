"""What users of a MariaDB have under way, what it replicates from outside, and what its scheduler would run."""

from collections.abc import Iterable

from coldframe.engines.database import Activity
from coldframe.engines.mariadb.client import Client, quoted

# Whatever may come before a statement's first word: spaces and comments.
_BEFORE = r"(?is)^(\s|/[*].*?[*]/|--[^\n]*\n|#[^\n]*\n)*"
_DDL = rf"{_BEFORE}(ALTER|CREATE|DROP|RENAME|TRUNCATE|OPTIMIZE|REPAIR)\b"
_WRITE = rf"{_BEFORE}(INSERT|UPDATE|DELETE|REPLACE|LOAD)\b"


def of(client: Client, ours: Iterable[str]) -> list[Activity]:
    """Return what users have under way, the longest first; a statement's words are not told, they may be secret.

    `ours` are the accounts of this server.
    """
    others = ", ".join(quoted(name) for name in ("system user", *ours))
    users = f"p.USER NOT IN ({others}) AND p.COMMAND NOT LIKE 'Binlog Dump%'"
    ddl, write = (f"p.INFO REGEXP {quoted(pattern)}" for pattern in (_DDL, _WRITE))
    rows = client.query(f"""
        SELECT 'write' kind, p.ID id, p.USER who, GREATEST(0, TIMESTAMPDIFF(SECOND, t.trx_started, NOW())) seconds
        FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
        WHERE {users} AND t.trx_rows_modified > 0
        UNION
        SELECT IF({ddl}, 'ddl', 'write'), p.ID, p.USER, p.TIME_MS / 1000 FROM information_schema.PROCESSLIST p
        WHERE {users} AND p.COMMAND IN ('Query', 'Execute') AND ({ddl} OR {write})""")
    found = [
        Activity(
            "ddl" if row["kind"] == "ddl" else "write",
            float(row["seconds"] or 0),
            f"session {row['id']} of {row['who']}",
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: -each.seconds)


def prepared(client: Client) -> list[str]:
    """Return the XA transactions that wait for their second phase."""
    return [f"the XA transaction {row['data']}" for row in client.query("XA RECOVER FORMAT = 'SQL'")]


def replicated_from(client: Client) -> list[str]:
    """Return the servers that it replicates from at the moment."""
    return [
        f"it replicates from {row['Master_Host']}:{row['Master_Port']}"
        for row in client.query("SHOW ALL SLAVES STATUS")
        if row["Slave_SQL_Running"] == "Yes" or row["Slave_IO_Running"] != "No"
    ]


def scheduled(client: Client) -> list[str]:
    """Return the events that the scheduler would run, if it runs."""
    if client.value("SELECT @@global.event_scheduler") != "ON":
        return []
    rows = client.query(
        "SELECT EVENT_SCHEMA s, EVENT_NAME n FROM information_schema.EVENTS WHERE STATUS = 'ENABLED' ORDER BY 1, 2"
    )
    return [f"{row['s']}.{row['n']}" for row in rows]
