"""Logical copies: roles, databases and schema made again by another version, rows brought by subscriptions."""

import os

from coldframe.core import process
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import (
    admin,
    configuration,
    layout,
    obstacles,
    programs,
    shared_objects,
    templates,
)
from coldframe.engines.postgresql.admin import Connection
from coldframe.engines.postgresql.cluster import Cluster, tail
from coldframe.engines.postgresql.instances import Instances, release
from coldframe.engines.postgresql.layout import Source, State
from coldframe.engines.postgresql.waiting import until
from coldframe.engines.postgresql.wire import literal

# A copy of a large database takes as long as it takes; what stops it is seen, not timed.
_COPY_SECONDS = 7 * 24 * 3600.0


def databases(spec: InstanceSpec) -> list[str]:
    """Return the databases of users."""
    with admin.connected(layout.socket(spec)) as connection:
        rows = connection.query(
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate "
            f"AND datname <> '{admin.DATABASE}' ORDER BY datname"
        )
    return [str(row[0]) for row in rows]


def copy(source: InstanceSpec, target: InstanceSpec, instances: Instances) -> None:
    """Make the target an instance of its own version with everything of the source, and its subscriptions, disabled."""
    here, there = instances.version(source), instances.version(target)
    _, newest = programs.client("pg_dump")
    if int(here.major) > newest:
        raise DatabaseError(
            f"the schema of PostgreSQL {here.major} is read by pg_dump {here.major}; the newest here is {newest}",
            f"install the system's package postgresql-client-{here.major}",
        )
    _refuse(source, int(there.major))
    followed = Source(str(source.folder), "logical", f"coldframe_l{target.serial}_")
    # What an attempt before this one left on the source has our names.
    release(followed)
    templates.lay_in(there, instances.templates, layout.data(target))
    layout.remember(target, State(read_only=True, source=followed, copying=True))
    cluster = Cluster(target, there)
    cluster.start("open")
    try:
        shared_objects.bring(source, target)
        names = databases(source)
        tables = {name: _tables(source, name) for name in names}
        for name in names:
            _bring_schema(source, target, name)
            # One at least, by which the target is seen to follow.
            if tables[name] or not any(tables.values()):
                _subscribe(source, target, followed, name, tables[name])
        for name in names:
            _await_rows(target, name)
    except BaseException:
        layout.change(target, lambda known: setattr(known, "source", None))
        cluster.stop(at_once=True)
        release(followed)
        raise
    cluster.stop()
    layout.change(target, lambda known: setattr(known, "copying", False))


def unsubscribe(connection: Connection) -> None:
    """Remove the subscriptions of a database that are ours; their slots are the source's to lose."""
    for name in _subscriptions(connection):
        connection.query(
            f"ALTER SUBSCRIPTION {name} DISABLE; ALTER SUBSCRIPTION {name} SET (slot_name = NONE); DROP SUBSCRIPTION {name}"
        )


def _subscriptions(connection: Connection) -> list[str]:
    rows = connection.query(
        "SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid "
        "WHERE d.datname = current_database() AND subname ~ '^coldframe_'"
    )
    return [str(row[0]) for row in rows]


def _refuse(source: InstanceSpec, major: int) -> None:
    """Refuse what would break the source, or give its users the rights of who replicates; raises DatabaseError."""
    serious = {"no_identity"} | ({"replica_trigger"} if major < 16 else set())
    for name in databases(source):
        with admin.connected(layout.socket(source), name) as connection:
            found = [each for each in obstacles.of(connection) if each.kind in serious]
        if found:
            raise DatabaseError(
                f"{source.name} cannot be copied: in {name}, " + "; ".join(each.text for each in found[:10])
            )


def _bring_schema(source: InstanceSpec, target: InstanceSpec, name: str) -> None:
    dump, psql = programs.client("pg_dump")[0], programs.client("psql")[0]
    here, there = (str(layout.socket_folder(spec.folder)) for spec in (source, target))
    options = ["--schema-only", "--no-publications", "--no-subscriptions", "--no-tablespaces"]
    environment = {
        "PATH": os.defpath, "LC_ALL": "C.UTF-8", "PGUSER": admin.USER, "PGPORT": "5432", "PGPASSFILE": os.devnull,
        "PGOPTIONS": "-c default_transaction_read_only=off -c client_min_messages=warning",
    }  # fmt: skip
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    try:
        process.pipe(
            [dump, *options, "-h", here, "-d", f"dbname='{quoted}'"],
            [psql, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-h", there, "-d", f"dbname='{quoted}'"],
            environment=environment,
        )
    except (process.ProgramFailed, process.ProgramMissing) as problem:
        raise DatabaseError(f"the schema of {name} could not be brought over: {problem}") from problem


def _tables(source: InstanceSpec, name: str) -> list[str]:
    """Return the tables of a database whose rows are replicated."""
    with admin.connected(layout.socket(source), name) as connection:
        rows = connection.query(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND n.nspname !~ '^pg_' ORDER BY 1"
        )
    return [str(row[0]) for row in rows]


def _subscribe(
    source: InstanceSpec, target: InstanceSpec, followed: Source, name: str, tables: list[str]
) -> None:
    """Publish the tables that there are now: one that comes later keeps its owner's UPDATE, whatever its identity."""
    with admin.connected(layout.socket(source), name) as connection:
        which = "FOR TABLE " + ", ".join(tables) if tables else ""
        connection.query(f"CREATE PUBLICATION {followed.slot} {which}")
        number = connection.value("SELECT oid FROM pg_database WHERE datname = current_database()")
    where = configuration.conninfo(source.folder, name=f"logical-{target.serial}", database=name)
    with admin.connected(layout.socket(target), name) as connection:
        # What the target applies is made durable at once when it takes over; until then it could be applied again.
        connection.query(
            f"CREATE SUBSCRIPTION {followed.slot} CONNECTION {literal(where)} PUBLICATION {followed.slot} "
            f"WITH (slot_name = '{followed.slot}{number}', synchronous_commit = off, streaming = off)"
        )


def _await_rows(target: InstanceSpec, name: str) -> None:
    """Return when every table has its rows; the subscription then waits to be enabled."""
    with admin.connected(layout.socket(target), name, timeout=3600) as connection:

        def done() -> bool:
            left, failed = connection.query(
                "SELECT (SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'), "
                "(SELECT coalesce(sum(sync_error_count + apply_error_count), 0) FROM pg_stat_subscription_stats)"
            )[0]
            if int(failed or 0) > 3:
                raise DatabaseError(f"the rows of {name} could not be brought over: {tail(target, 5)}")
            return left == "0"

        until(done, _COPY_SECONDS, every=0.02)
        for subscription in _subscriptions(connection):
            connection.query(f"ALTER SUBSCRIPTION {subscription} DISABLE")
        connection.query("ANALYZE")
        for (view,) in connection.query(
            "SELECT format('%I.%I', schemaname, matviewname) FROM pg_matviews WHERE NOT ispopulated"
        ):
            connection.query(f"REFRESH MATERIALIZED VIEW {view}")
