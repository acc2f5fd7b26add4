"""The master user: every right over what is the user's, none over accounts of our own, system tables or read-only."""

from coldframe.engines.database import Login
from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.client import named, quoted

_GLOBAL = "RELOAD, PROCESS, SHOW DATABASES, REPLICATION SLAVE, BINLOG MONITOR, SLAVE MONITOR, CREATE USER"
# Rights on every database are given by pattern, because a right on *.* would hold for mysql.* as well, whose tables
# say who may what. The entry for mysql alone is more specific and takes the place of the pattern there.
_EVERYWHERE = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, "
    "CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, EVENT, TRIGGER, DELETE HISTORY"
)


def first_statements(master: Login, database: str | None) -> str:
    """Return the statements of an instance's first start; the password is in them as its digest alone."""
    who = f"{quoted(master.user)}@'%'"
    lines = [
        "SET SESSION sql_log_bin = 0;",
        f"CREATE USER IF NOT EXISTS {who} {identified(master.password)};",
        f"GRANT {_GLOBAL} ON *.* TO {who} WITH GRANT OPTION;",
        f"GRANT {_EVERYWHERE} ON `%`.* TO {who} WITH GRANT OPTION;",
        f"GRANT SELECT ON `mysql`.* TO {who};",
    ]
    if database:
        lines.append(f"CREATE DATABASE IF NOT EXISTS {named(database)};")
    return "\n".join(lines) + "\n"


def identified(password: str) -> str:
    """Return the clause that gives an account this password."""
    return f"IDENTIFIED VIA mysql_native_password USING {quoted(wire.account_hash(password))}"
