"""Copies that follow their source: physical ones by streaming the log, logical ones by subscriptions."""

import shutil
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coldframe.core import durable
from coldframe.engines.accounts import let_through
from coldframe.engines.database import (
    CopyKind,
    DatabaseError,
    Diverged,
    Following,
    InstanceSpec,
    Obstacle,
)
from coldframe.engines.postgresql import (
    admin,
    base_copy,
    configuration,
    layout,
    logical,
    obstacles,
    positions,
    programs,
    schema,
    sequences,
)
from coldframe.engines.postgresql.admin import Connection, QueryFailed
from coldframe.engines.postgresql.cluster import tail
from coldframe.engines.postgresql.instances import Instances, release
from coldframe.engines.postgresql.layout import Source
from coldframe.engines.postgresql.waiting import until
from coldframe.engines.postgresql.wire import literal

# Lines of the log in which the reason is looked for why a copy does not follow.
_LOOKED_AT = 60
# What a logical copy has committed of its source, the slots by which it gets that, and whether somebody applies it.
_HAS = (
    "SELECT max(s.remote_lsn) FROM pg_replication_origin_status s JOIN pg_subscription b"
    " ON s.external_id = 'pg_' || b.oid"
)
_SLOTS = "SELECT subslotname FROM pg_subscription WHERE subname ~ '^coldframe_'"
_WORKS = "SELECT EXISTS (SELECT FROM pg_stat_subscription WHERE pid IS NOT NULL)"
_END_SECONDS = 30.0


class PostgreSQLCopies:
    """The engine's copies."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        # By the copy's name: the marks of its source's catalogs, and what was found when they were seen last.
        self._seen: dict[str, tuple[list[str], list[str]]] = {}

    def copy(self, source: InstanceSpec, target: InstanceSpec, kind: CopyKind) -> None:
        """Make the stopped `target` a consistent copy of the running `source`, ready to follow it."""
        known = layout.state(target)
        if known.source is not None and not known.copying and layout.data(target).exists():
            return
        layout.prepare(target)
        if layout.running(target, known) is not None:
            if not known.copying:
                raise DatabaseError(f"{target.name} runs", "stop it first")
            self._instances.cluster(target).stop(at_once=True)
        # What an attempt before this one left.
        shutil.rmtree(layout.data(target), ignore_errors=True)
        if kind == "logical":
            logical.copy(source, target, self._instances)
        else:
            self._copy_files(source, target)

    def _copy_files(self, source: InstanceSpec, target: InstanceSpec) -> None:
        here, there = self._instances.version(source), self._instances.version(target)
        if here.major != there.major:
            raise DatabaseError(
                f"a physical copy of PostgreSQL {here.major} cannot be {there.major}", "make a logical copy"
            )
        slot = f"coldframe_p{target.serial}_"
        with self._instances.session(source) as connection:
            if (
                connection.value(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'")
                != "0"
            ):
                connection.query(f"SELECT pg_drop_replication_slot('{slot}')")
            connection.query(f"SELECT pg_create_physical_replication_slot('{slot}', true)")
        room = target.folder / "data.copy"
        base_copy.take(source, room)
        known = layout.State(read_only=True, source=Source(str(source.folder), "physical", slot))
        layout.remember(target, known)
        durable.rename_tree(room, layout.data(target))

    def follow(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let the running `target` apply what the source commits from the moment of the copy on; it is read-only to users."""
        known = layout.state(target)
        if known.source is None or (known.source.folder != source.folder and known.source.kind != "logical"):
            raise DatabaseError(f"{target.name} is no copy of {source.name}", "copy it first")
        if known.source.folder != source.folder:
            known = self._change_source(source, target, known.source)
        if not known.read_only:
            self._instances.set_read_only(target, on=True)
        if known.source is not None and known.source.kind == "logical":
            for _, connection in self._subscribed(target):
                connection.query(f"ALTER SUBSCRIPTION {known.source.slot} ENABLE")

    def _change_source(self, source: InstanceSpec, target: InstanceSpec, before: Source) -> layout.State:
        """Point a logical copy, whose subscriptions stand still then, at who took the place of its source with its slots.

        Raises Diverged when that does not have all that the copy has, or not the slots.
        """
        for _, connection in self._subscribed(target):
            connection.query(f"ALTER SUBSCRIPTION {before.slot} DISABLE")
        with self._instances.session(target) as connection:
            if not until(lambda: connection.value(_WORKS) == "f", _END_SECONDS):
                raise DatabaseError(f"the subscriptions of {target.name} do not end")
            has = connection.value(_HAS) or "0/0"
            wanted = {str(name) for (name,) in connection.query(_SLOTS)}
        with self._instances.session(source) as connection:
            line, left = positions.line_of(connection), positions.left(connection, before.line)
            there = {str(name) for (name,) in connection.query("SELECT slot_name FROM pg_replication_slots")}
        lacks = "does not know how far it is" if wanted - there else ""
        if left is None or positions.before(left, has):
            lacks = "lacks what it has committed"
        if lacks:
            release(msgspec.structs.replace(before, place=str(source.folder)))
            raise Diverged(f"{source.name} {lacks}", "make the copy again")
        for database, connection in self._subscribed(target):
            where = configuration.conninfo(source.folder, name=f"logical-{target.serial}", database=database)
            connection.query(f"ALTER SUBSCRIPTION {before.slot} CONNECTION {literal(where)}")
        let_through(programs.account(), layout.socket_folder(source.folder))
        now = msgspec.structs.replace(before, place=str(source.folder), line=line)
        return layout.change(target, lambda known: setattr(known, "source", now))

    def following(self, source: InstanceSpec, target: InstanceSpec) -> Following:
        """Return how far the target is."""
        known = layout.state(target)
        if known.source is None or layout.running(target, known) is None:
            return Following(running=False, behind=None, error="" if known.source else "it follows nobody")
        try:
            where, working, error, failures = self._applied(target, known.source)
        except DatabaseError as problem:
            return Following(running=False, behind=None, error=str(problem))
        try:
            with self._instances.session(source, timeout=10) as connection:
                behind = positions.between(connection, where) if where else None
        except (admin.Unreachable, QueryFailed):
            behind = None
        return Following(working, behind, where, error, failures)

    def position(self, spec: InstanceSpec) -> str:
        """Return the position of the last transaction that this instance committed."""
        known = layout.state(spec)
        if known.stands and known.mode in {"fenced", "sealed"}:
            # Users are fenced off since; what the log has after it is the server's own.
            return known.stands
        with self._instances.session(spec) as connection:
            return positions.committed(connection)

    def reached(self, target: InstanceSpec, position: str) -> bool:
        """Tell whether the target has applied everything up to a position of its source."""
        known = layout.state(target)
        if known.source is None:
            raise DatabaseError(f"{target.name} follows nobody", "copy it first")
        where, *_ = self._applied(target, known.source)
        return bool(where) and not positions.before(where, position)

    def arm(self, target: InstanceSpec) -> None:
        """Make what the target has durable, so that little is left to be when it takes over.

        Its own commits wait for the disk as its settings say; what replication applies becomes durable in `finish`
        and `promote`, with one sync for all of it.
        """
        with self._instances.session(target, timeout=600) as connection:
            connection.query("CHECKPOINT")
            positions.committed(connection)

    def finish(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Bring over the sequences; the source is read-only and the target has reached it."""
        known = layout.state(target)
        if known.source is not None and known.source.kind == "logical":
            with self._instances.session(source) as connection:
                names = logical.databases_of(connection)
            sequences.bring(source, target, names)
        with self._instances.session(target) as connection:
            positions.committed(connection)

    def promote(self, target: InstanceSpec) -> None:
        """Stop following for good; whether it is read-only does not change."""
        known = layout.state(target)
        if known.source is None:
            return
        source = known.source
        running = layout.running(target, known) is not None
        if source.kind == "physical":
            # Nothing is written to it that was not to its source, until it is opened.
            layout.change(target, lambda known: setattr(known, "read_only", True))
            if running:
                with self._instances.session(target) as connection:
                    self._instances.cluster(target).reload("sealed", connection)
        elif running:
            for _, connection in self._subscribed(target):
                # Its commit takes with it to the disk what was applied without waiting for it.
                logical.unsubscribe(connection)
        else:
            raise DatabaseError(
                f"{target.name} does not run", "start it, so that its subscriptions can be removed"
            )
        self._instances.leave(target)

    def coordinates(self, spec: InstanceSpec) -> Sequence[str]:
        """Return nothing: whoever follows from outside makes a new slot."""
        return ()

    def obstacles(self, source: InstanceSpec) -> Sequence[Obstacle]:
        """Return what a logical copy of this instance would not carry, or would break on the source."""
        return [
            found
            for _, connection in _inside(source, logical.databases(source))
            for found in obstacles.of(connection)
        ]

    def _subscribed(self, target: InstanceSpec) -> Iterator[tuple[str, Connection]]:
        """Give a connection to each database that has a subscription of ours."""
        with self._instances.session(target) as connection:
            names = connection.query(
                "SELECT DISTINCT d.datname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid "
                "WHERE s.subname ~ '^coldframe_' ORDER BY d.datname"
            )
        return _inside(target, [str(name) for (name,) in names])

    def unsupported(self, source: InstanceSpec, target: InstanceSpec) -> Sequence[str]:
        """Return what was changed in the source since a logical copy that the copy does not get: schema, large objects."""
        known, then = layout.state(target), schema.remembered(target)
        if known.source is None or known.source.kind != "logical" or then is None:
            return ()
        names = logical.databases(source)
        marks = [f"{name} {schema.marks(connection)}" for name, connection in _inside(source, names)]
        seen = self._seen.get(target.name)
        if seen is None or seen[0] != marks:
            seen = self._seen[target.name] = (marks, self._unsupported(source, names, then))
        return seen[1]

    def tidy(self, source: InstanceSpec) -> None:
        """Remove our publications whose slots were another member's: they would forbid tables to lose their keys."""
        for _, connection in _inside(source, logical.databases(source)):
            rows = connection.query(
                "SELECT format('%I', pubname) FROM pg_publication WHERE pubname ~ '^coldframe_l' AND NOT EXISTS "
                "(SELECT FROM pg_replication_slots WHERE left(slot_name, length(pubname)) = pubname)"
            )
            for (name,) in rows:
                connection.query(f"DROP PUBLICATION {name}")

    def _unsupported(
        self, source: InstanceSpec, names: Sequence[str], then: dict[str, schema.Objects]
    ) -> list[str]:
        said = [f"the database {name} was created" for name in names if name not in then]
        for name, connection in _inside(source, [name for name in names if name in then]):
            said += [f"{name}: {each}" for each in schema.differences(then[name], schema.objects(connection))]
            if connection.value("SELECT EXISTS (SELECT FROM pg_largeobject_metadata)") == "t":
                said.append(f"{name}: large objects were created or modified")
        return said

    def _applied(self, target: InstanceSpec, source: Source) -> tuple[str, bool, str, int]:
        """Return up to which position of its source a target has everything, whether it goes on, what stops it, and how
        often applying failed.
        """
        with self._instances.session(target) as connection:
            if source.kind == "physical":
                where, working = connection.query(
                    "SELECT pg_last_wal_replay_lsn(), EXISTS (SELECT FROM pg_stat_wal_receiver)"
                )[0]
                return str(where or ""), working == "t", "" if working == "t" else _complaints(target), 0
            rows = connection.query(
                "SELECT s.subname, w.pid IS NOT NULL, w.latest_end_lsn, coalesce(e.apply_error_count, 0), s.subenabled "
                "FROM pg_subscription s LEFT JOIN pg_stat_subscription w ON w.subid = s.oid AND w.relid IS NULL "
                "LEFT JOIN pg_stat_subscription_stats e ON e.subid = s.oid"
            )
        if not rows:
            return "", False, "it has no subscription", 0
        alive = all(row[1] == "t" for row in rows)
        known = [str(row[2]) for row in rows if row[2] is not None]
        least = min(known, key=positions.number) if len(known) == len(rows) else ""
        failures = sum(int(row[3] or 0) for row in rows)
        if any(row[4] == "f" for row in rows):
            return least, alive, "its subscriptions are disabled", failures
        # A worker that fails is begun again at once: what it failed by is told while it looks well, too.
        return least, alive, _complaints(target) if failures or not alive else "", failures


def _complaints(target: InstanceSpec) -> str:
    """Return the last errors that processes of the server itself, not of users, have logged."""
    mine = [line for line in tail(target, _LOOKED_AT).splitlines() if "::@:[" in line]
    said = [line.partition(f"]:{kind}: ")[2].strip() for line in mine for kind in ("ERROR", "FATAL")]
    return "; ".join(list(dict.fromkeys(filter(None, said)))[-2:]) or "it was stopped"


def _inside(spec: InstanceSpec, names: Iterable[str]) -> Iterator[tuple[str, Connection]]:
    """Give a connection to each of some databases in turn."""
    for name in names:
        with admin.connected(layout.socket(spec), name) as connection:
            yield name, connection
