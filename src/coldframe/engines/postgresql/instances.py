"""In which mode an instance runs, and how it comes from one into another: open, soft, fenced, sealed, standby.

A session may lift `default_transaction_read_only` for itself, so it is no fence. Two things are: pg_hba.conf, which lets
in nobody but replication and the administrator, and recovery, in which nobody at all can write.
"""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from coldframe.engines.database import CopyKind, DatabaseError, InstanceSpec, Running, Version
from coldframe.engines.postgresql import admin, configuration, layout, positions
from coldframe.engines.postgresql.admin import Connection, QueryFailed
from coldframe.engines.postgresql.cluster import Cluster
from coldframe.engines.postgresql.layout import Mode, State
from coldframe.engines.postgresql.programs import Versions
from coldframe.engines.postgresql.waiting import until
from coldframe.engines.postgresql.wire import literal

# How long a session has to end that was told to.
_END_SECONDS = 30.0
_DUPLICATE = {"42P04", "42710"}


class Instances:
    """Starts instances in the mode that their state asks for, and changes it; `cache` has versions and templates."""

    def __init__(self, cache: Path) -> None:
        self.versions = Versions(cache / "engines")
        self.templates = cache / "postgresql"
        self._sessions = admin.Sessions()
        self._starts: dict[Path, threading.RLock] = {}
        self._changing: dict[Path, threading.RLock] = {}

    def changing(self, spec: InstanceSpec) -> threading.RLock:
        """Return the lock of one instance, which is held by whoever changes its mode, or what is remembered of that.

        Who writes the configuration of a mode must not undo the mode that another brings about meanwhile. Instances share
        nothing of it but what `leave` writes down at the source, so none waits for another one that takes long.
        """
        return self._turn(spec.folder)

    def _turn(self, folder: Path) -> threading.RLock:
        return self._changing.setdefault(folder, threading.RLock())

    def version(self, spec: InstanceSpec) -> Version:
        """Return the installed version that an instance runs; raises VersionMissing."""
        return self.versions.get(spec.version)

    def session(self, spec: InstanceSpec, *, timeout: float = 60) -> AbstractContextManager[Connection]:
        """Give an administrator's session at a running instance; raises Unreachable, QueryFailed."""
        return self._sessions.at(layout.socket(spec), timeout=timeout)

    def stop(self, spec: InstanceSpec, *, at_once: bool = False) -> None:
        """Stop it and return when its processes are gone."""
        self._sessions.drop(layout.socket(spec))
        self.cluster(spec).stop(at_once=at_once)

    def cluster(self, spec: InstanceSpec) -> Cluster:
        """Return the processes of an instance; raises VersionMissing."""
        return Cluster(spec, self.version(spec))

    def start(self, spec: InstanceSpec) -> Running:
        """Start it in its mode; what its creation left to do is done before anybody else comes in."""
        with self._starting(spec):
            return self._start(spec)

    def _starting(self, spec: InstanceSpec) -> threading.RLock:
        """Return the lock of whoever starts an instance.

        It is started by whoever needs it: of two at once, one would take the other's process for an orphan, or not come to be.
        """
        return self._starts.setdefault(spec.folder, threading.RLock())

    def _start(self, spec: InstanceSpec) -> Running:
        if not layout.data(spec).exists():
            raise DatabaseError(f"{spec.name} does not exist", "create it first")
        known = layout.state(spec)
        cluster = self.cluster(spec)
        if layout.running(spec, known) is not None:
            return cluster.start(known.mode)
        if spec.read_only and not known.read_only:
            known = layout.change(spec, lambda known: setattr(known, "read_only", True))
        mode = self.mode(spec, known)
        if (
            known.source is not None
            and known.source.kind == "logical"
            and known.at not in {"", str(spec.folder)}
        ):
            self._redirect(spec, known.source)
        if known.pending:
            cluster.start("open" if mode == "open" else "fenced")
            self._do_pending(spec, known)
            if mode == "open":
                return cluster.start(mode)
            cluster.stop()
        return cluster.start(mode)

    def _redirect(self, spec: InstanceSpec, source: layout.Source) -> None:
        """Let the subscriptions of an instance that is in another folder lead to its source where that is now."""
        cluster = self.cluster(spec)
        cluster.start("fenced", {"max_logical_replication_workers": "0"})
        try:
            with admin.connected(layout.socket(spec)) as connection:
                rows = connection.query(
                    "SELECT d.datname, s.subname FROM pg_subscription s JOIN pg_database d"
                    " ON d.oid = s.subdbid WHERE s.subname ~ '^coldframe_'"
                )
            for database, name in rows:
                where = configuration.conninfo(
                    source.folder, name=f"logical-{spec.serial}", database=str(database)
                )
                with admin.connected(layout.socket(spec), str(database)) as connection:
                    connection.query(f"ALTER SUBSCRIPTION {name} CONNECTION {literal(where)}")
        finally:
            cluster.stop()

    def mode(self, spec: InstanceSpec, known: State) -> Mode:
        """Return in which mode an instance has to start."""
        if known.source is not None:
            if known.source.kind == "physical":
                return "standby"
            return "soft" if known.read_only or spec.read_only else "open"
        if not (known.read_only or spec.read_only):
            return "open"
        # Whoever follows by logical decoding cannot catch up with one in recovery (before 16).
        return "fenced" if any((layout.data(spec) / "pg_replslot").glob("coldframe_l*")) else "sealed"

    def read_only(self, known: State) -> bool:
        """Tell whether users cannot write."""
        return known.mode != "open"

    def set_read_only(self, spec: InstanceSpec, *, on: bool) -> None:
        """Remember it, so that it holds after any restart, and bring it about where the instance runs."""
        with self.changing(spec):
            self._set_read_only(spec, on=on)

    def _set_read_only(self, spec: InstanceSpec, *, on: bool) -> None:
        known = layout.state(spec)
        if known.read_only != on:
            known.read_only = on
            layout.remember(spec, known)
        if layout.running(spec, known) is None or known.mode == "standby":
            return
        with self.session(spec) as connection:
            if not on:
                self._open(spec, known, connection)
            elif known.source is not None:
                self.cluster(spec).reload("soft", connection)
                _end(connection, f"{admin.USERS} AND xact_start IS NOT NULL")
            elif not self._close(spec, known, connection):
                return
        if on and known.source is None:
            with self._starting(spec):
                self.cluster(spec).restart("sealed")

    def leave(self, spec: InstanceSpec) -> None:
        """Stop following for good: the source keeps nothing for this instance any longer."""
        source = layout.state(spec).source
        if source is None:
            return
        # For good: with its source back it would start as a copy of it, and nobody would take writes.
        layout.change(spec, lambda known: setattr(known, "source", None))
        with self._turn(source.folder):
            followed = layout.read_state(source.folder)
            if followed.stands:
                # While everybody waits for its successor, it has time to be tidied up later.
                followed.left.append(source.slot)
                layout.write_state(source.folder, followed, durable=False)
                return
        release(source)

    def _close(self, spec: InstanceSpec, known: State, connection: Connection) -> bool:
        """Fence users off; tell whether it may go into recovery, as nobody follows it, or a successor has left it."""
        if known.mode not in {"fenced", "sealed"}:
            self.cluster(spec).reload("fenced", connection)
        if (known.mode != "sealed" and _end(connection, admin.USERS)) or not known.stands:
            stands = positions.committed(connection)
            known = layout.change(spec, lambda known: setattr(known, "stands", stands), durable=False)
        if known.mode == "sealed":
            return False
        for slot in known.left:
            kind: CopyKind = "logical" if slot.startswith("coldframe_l") else "physical"
            release(layout.Source(str(spec.folder), kind, slot))
        if known.left:
            known = layout.change(spec, lambda known: setattr(known, "left", []))
        elif self._followed(connection):
            return False
        # The log may still be decoded for another follower, which cannot be done in recovery.
        return self.mode(spec, known) == "sealed"

    def _open(self, spec: InstanceSpec, known: State, connection: Connection) -> None:
        if known.stands:
            layout.change(spec, lambda known: setattr(known, "stands", ""), durable=False)
        if known.mode == "sealed" and (
            connection.value("SELECT pg_is_in_recovery() AND NOT pg_promote(true, 60)") == "t"
        ):
            raise DatabaseError(f"{spec.name} did not leave recovery within 60 s")
        self.cluster(spec).reload("open", connection)

    def _followed(self, connection: Connection) -> bool:
        """Tell whether somebody follows the instance who may be waiting for what it committed last."""
        return (
            connection.value(
                "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name ~ '^coldframe_[lp]')"
            )
            == "t"
        )

    def _do_pending(self, spec: InstanceSpec, known: State) -> None:
        with admin.connected(layout.socket(spec)) as connection:
            for statement in known.pending:
                with contextlib.ExitStack() as stack:
                    # A start that was interrupted may have done it already.
                    stack.enter_context(_unless(_DUPLICATE))
                    connection.query(statement)
        layout.change(spec, lambda known: setattr(known, "pending", []))


def release(source: layout.Source) -> None:
    """Remove a follower's slots and publications from its source; one that does not run, or not any longer, keeps them."""
    path = layout.socket_folder(source.folder) / layout.SOCKET_NAME
    # What is kept on a source that cannot be asked now is removed when it is: by the next that leaves it.
    with contextlib.suppress(admin.Unreachable), admin.connected(path) as connection:
        mine = f"left(slot_name, {len(source.slot)}) = '{source.slot}'"
        connection.query(
            f"SELECT pg_terminate_backend(active_pid, 1000) FROM pg_replication_slots WHERE {mine} AND active"
        )
        connection.query(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE {mine}")
        if source.kind == "logical" and connection.value("SELECT pg_is_in_recovery()") == "f":
            for (name,) in connection.query(
                "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
            ):
                with admin.connected(path, str(name)) as inside:
                    inside.query(
                        f"SET client_min_messages = error; SET LOCAL synchronous_commit = off; DROP PUBLICATION IF EXISTS {source.slot}"
                    )


def _end(connection: Connection, which: str) -> int:
    """End sessions and return when they are gone how many there were; raises DatabaseError."""
    found = len(connection.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which}"))
    if not found:
        return 0

    def gone() -> bool:
        return connection.value(f"SELECT count(*) FROM pg_stat_activity WHERE {which}") == "0"

    if not until(gone, _END_SECONDS, every=0.001):
        raise DatabaseError("sessions that were told to end are still there")
    return found


@contextlib.contextmanager
def _unless(codes: set[str]) -> Iterator[None]:
    try:
        yield
    except QueryFailed as problem:
        if problem.code not in codes:
            raise
