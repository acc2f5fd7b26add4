"""Logical copies: an instance that can be changed while subscriptions apply to it what its source commits.

One of another version begins empty: roles, databases and schema are made again, rows brought by the subscriptions. One of
the same version begins with the source's files.
"""

import contextlib
import os
import shutil

from coldframe.core import process
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import (
    admin,
    base_copy,
    configuration,
    layout,
    obstacles,
    positions,
    programs,
    schema,
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
_NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"


def databases(spec: InstanceSpec) -> list[str]:
    """Return the databases of users."""
    with admin.connected(layout.socket(spec)) as connection:
        return databases_of(connection)


def databases_of(connection: Connection) -> list[str]:
    """Return the databases of users, asked in an administrator's session."""
    rows = connection.query(
        "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate "
        f"AND datname <> '{admin.DATABASE}' ORDER BY datname"
    )
    return [str(row[0]) for row in rows]


def copy(source: InstanceSpec, target: InstanceSpec, instances: Instances) -> None:
    """Make the target an instance of its own version with everything of the source, and its subscriptions, disabled."""
    here, there = instances.version(source), instances.version(target)
    _refuse(source, int(there.major))
    with admin.connected(layout.socket(source)) as connection:
        line = positions.line_of(connection)
    followed = Source(str(source.folder), "logical", f"coldframe_l{target.serial}_", line)
    # What an attempt before this one left on the source has our names.
    release(followed)
    # Before anything is copied: what is changed from here on is not sure to be in the copy.
    schema.remember(target, {name: _objects(source, name) for name in databases(source)})
    cluster = Cluster(target, there)
    try:
        if here.major == there.major:
            _copy_files(source, target, followed, cluster)
        else:
            _copy_rows(source, target, followed, cluster, instances)
        for name in databases(target):
            with admin.connected(layout.socket(target), name, timeout=3600) as connection:
                connection.query("ANALYZE")
    except BaseException:
        release(followed)
        with contextlib.suppress(OSError):
            # On a full disk nothing can be written down before the copy, which is of no use, has made room.
            cluster.stop(at_once=True)
        shutil.rmtree(layout.data(target), ignore_errors=True)
        cluster.stop(at_once=True)
        layout.change(target, lambda known: setattr(known, "source", None))
        raise
    cluster.stop()
    layout.change(target, lambda known: setattr(known, "copying", False))


def _objects(source: InstanceSpec, name: str) -> schema.Objects:
    with admin.connected(layout.socket(source), name) as connection:
        return schema.objects(connection)


def _copy_rows(
    source: InstanceSpec, target: InstanceSpec, followed: Source, cluster: Cluster, instances: Instances
) -> None:
    """Fill an empty instance of another version: roles, databases and schema, then rows by the subscriptions."""
    major, (_, newest) = int(instances.version(source).major), programs.client("pg_dump")
    if major > newest:
        raise DatabaseError(
            f"the schema of PostgreSQL {major} is read by pg_dump {major}; the newest here is {newest}",
            f"install the system's package postgresql-client-{major}",
        )
    templates.lay_in(instances.version(target), instances.templates, layout.data(target))
    layout.remember(target, State(read_only=True, source=followed, copying=True))
    cluster.start("open")
    shared_objects.bring(source, target)
    for name, tables in _published(source).items():
        _bring_schema(source, target, name)
        if tables is not None:
            _publish(source, followed, name, tables)
            _subscribe(source, target, followed, name, "")
    for name in databases(target):
        _await_rows(target, name)


def _copy_files(source: InstanceSpec, target: InstanceSpec, followed: Source, cluster: Cluster) -> None:
    """Begin with the files of the source, of the same version, and go on with what it commits after them.

    The slots are there before the copy, so that they have every transaction that the copy does not; up to where the
    copy has all of them, the subscriptions skip.
    """
    subscribed = [name for name, tables in _published(source).items() if tables is not None]
    for name, tables in _published(source).items():
        if tables is not None:
            _publish(source, followed, name, tables)
            with admin.connected(layout.socket(source), name) as connection:
                slot = f"{followed.slot}{connection.value(_NUMBER)}"
                connection.query(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    layout.remember(target, State(read_only=True, source=followed, copying=True))
    base_copy.take(source, layout.data(target))
    cluster.start("open", {"max_logical_replication_workers": "0"})
    with admin.connected(layout.socket(target)) as connection:
        ended = str(connection.value("SELECT coalesce(pg_last_wal_replay_lsn(), pg_current_wal_flush_lsn())"))
    for name in databases(target):
        with admin.connected(layout.socket(target), name) as connection:
            unsubscribe(connection)
            for (publication,) in connection.query(
                "SELECT pubname FROM pg_publication WHERE pubname ~ '^coldframe_l'"
            ):
                connection.query(f"DROP PUBLICATION {publication}")
    for name in subscribed:
        _subscribe(
            source, target, followed, name, ", create_slot = false, copy_data = false, enabled = false"
        )
        with admin.connected(layout.socket(target), name) as connection:
            origin = connection.value(
                f"SELECT 'pg_' || oid FROM pg_subscription WHERE subname = '{followed.slot}' AND subdbid = ({_NUMBER})"
            )
            connection.query(f"SELECT pg_replication_origin_advance('{origin}', '{ended}')")


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


def _published(source: InstanceSpec) -> dict[str, list[str] | None]:
    """Return the databases and which tables of each are replicated; None when none needs to be.

    One database at least is, by which the target is seen to follow.
    """
    tables = {name: _tables(source, name) for name in databases(source)}
    none = not any(tables.values())
    return {name: found if found or none else None for name, found in tables.items()}


def _tables(source: InstanceSpec, name: str) -> list[str]:
    with admin.connected(layout.socket(source), name) as connection:
        rows = connection.query(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND n.nspname !~ '^pg_' ORDER BY 1"
        )
    return [str(row[0]) for row in rows]


def _publish(source: InstanceSpec, followed: Source, name: str, tables: list[str]) -> None:
    """Publish the tables that there are now: one that comes later keeps its owner's UPDATE, whatever its identity."""
    which = "FOR TABLE " + ", ".join(tables) if tables else ""
    with admin.connected(layout.socket(source), name) as connection:
        connection.query(f"CREATE PUBLICATION {followed.slot} {which}")


def _subscribe(source: InstanceSpec, target: InstanceSpec, followed: Source, name: str, more: str) -> None:
    where = configuration.conninfo(source.folder, name=f"logical-{target.serial}", database=name)
    with admin.connected(layout.socket(source), name) as connection:
        number = connection.value(_NUMBER)
    with admin.connected(layout.socket(target), name) as connection:
        # What the target applies is made durable at once when it takes over; until then it could be applied again.
        connection.query(
            f"CREATE SUBSCRIPTION {followed.slot} CONNECTION {literal(where)} PUBLICATION {followed.slot} "
            f"WITH (slot_name = '{followed.slot}{number}', synchronous_commit = off, streaming = off{more})"
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
        for (view,) in connection.query(
            "SELECT format('%I.%I', schemaname, matviewname) FROM pg_matviews WHERE NOT ispopulated"
        ):
            connection.query(f"REFRESH MATERIALIZED VIEW {view}")
