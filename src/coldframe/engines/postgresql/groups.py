"""Groups of a writer and its standbys: who acknowledges, who has how much, and how a member comes to follow another writer."""

import struct

from coldframe.core import durable
from coldframe.engines.accounts import let_through
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import admin, layout, positions, programs, slots
from coldframe.engines.postgresql.admin import Connection, QueryFailed
from coldframe.engines.postgresql.copies import PostgreSQLCopies
from coldframe.engines.postgresql.instances import Instances
from coldframe.engines.postgresql.layout import Source
from coldframe.engines.postgresql.waiting import until

_HAS = "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) WHERE pg_is_in_recovery()"
# What the process that replays the log waits for when it has replayed all that is there.
_NOTHING_LEFT = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup'"
    " AND wait_event IN ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval'))"
)
_STREAMS = "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"
_SECONDS = 15.0
_LEVEL_SECONDS = 10.0
_REPLAY_SECONDS = 300.0
# pg_control: identifier, versions, state, time, and the place of the last checkpoint; the state of a clean end is 1.
_CONTROL = "=QIIi4xqQ"
_SHUT_DOWN = 1
# SQLSTATEs of what cannot be dropped.
_IN_USE, _UNKNOWN = "55006", "42704"


class PostgreSQLGroups:
    """The engine's groups."""

    keeps = True

    def __init__(self, instances: Instances, copies: PostgreSQLCopies) -> None:
        self._instances = instances
        self._copies = copies

    def synchronize(self, writer: InstanceSpec) -> str:
        """Have a running writer acknowledge as its spec says from now on, and tell its position."""
        with self._instances.changing(writer), self._instances.session(writer) as connection:
            self._instances.cluster(writer).reload(layout.state(writer).mode, connection)
        # Sessions wait as the checkpointer has been told. A session that begins now finds that it was told to read
        # the settings, and it reads them before it makes the checkpoint that is asked for.
        with admin.connected(layout.socket(writer), timeout=600) as connection:
            connection.query("CHECKPOINT")
            return str(connection.value("SELECT pg_current_wal_flush_lsn()"))

    def acknowledge(self, source: InstanceSpec, follower: InstanceSpec) -> None:
        """Do nothing: the writer knows by itself whose acknowledgement counts."""

    def confirm(self, source: InstanceSpec, follower: InstanceSpec) -> None:
        """Do nothing: a standby says what it has again and again, and whenever it connects."""

    def received(self, follower: InstanceSpec) -> str:
        """Return up to where a running follower has everything of its source, applied or not; raises DatabaseError."""
        with self._instances.session(follower, timeout=5) as connection:
            found = connection.value(_HAS)
        if not found:
            raise DatabaseError(f"{follower.name} follows nobody", "let it follow the writer")
        return found

    def orphaned(self, follower: InstanceSpec) -> str:
        """Wait until nothing comes any more from a source that is dead, and return what was received; raises DatabaseError."""
        self._instances.start(follower)
        with self._instances.session(follower, timeout=5) as connection:
            if not until(lambda: connection.value(_STREAMS) == "f", _SECONDS):
                raise DatabaseError(f"{follower.name} still gets something of its source")
            if not until(lambda: connection.value(_NOTHING_LEFT) == "t", _REPLAY_SECONDS):
                raise DatabaseError(f"{follower.name} has not applied what it received")
        return self.received(follower)

    def covers(self, best: InstanceSpec, silent: InstanceSpec) -> bool:
        """Tell whether an orphaned follower has all that another one has received; raises DatabaseError."""
        return not positions.before(self.received(best), self.received(silent))

    def before(self, one: str, other: str) -> bool:
        """Tell whether a position lies before another one."""
        return positions.before(one, other)

    def level(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let a standby get from another one of the same writer, which is dead, what it lacks; raises DatabaseError."""
        wanted = self.received(source)
        # A standby sends on what it has received, and no timeline begins.
        self._switch(source, target)
        if not until(lambda: not positions.before(self.received(target), wanted), _LEVEL_SECONDS):
            raise DatabaseError(f"{target.name} did not get from {source.name} what it lacks")

    def let_go(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let a read-only source end so that it can follow the target, which has everything of it."""
        self._instances.stop(source)
        control = (layout.data(source) / "global" / "pg_control").read_bytes()
        state, last = (struct.unpack_from(_CONTROL, control)[index] for index in (3, 5))
        if state != _SHUT_DOWN:
            # It will be copied anew.
            return
        with self._instances.session(target) as connection:
            until(lambda: positions.number(connection.value(_HAS) or "0/0") > last, _SECONDS)

    def inherit(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Give a standby what logical copies of its dead source go on with, and find it running; raises DatabaseError."""
        slots.hand_over(source, target, self._instances)

    def rejoin(self, source: InstanceSpec, target: InstanceSpec) -> bool:
        """Let a member follow another writer, and start it; one that has what the writer has not is copied anew."""
        if self._follows(source, target):
            return False
        if self._leads_to(source, target):
            self._switch(source, target)
            with self._instances.session(target) as connection:
                if until(lambda: connection.value(_STREAMS) == "t", _SECONDS):
                    return False
        self._instances.stop(target, at_once=True)
        # The folder itself may be encrypted, and what is copied is to be so too; its logs may not have been read to their end.
        durable.empty_tree(target.folder, but=layout.logs(target))
        self._copies.copy(source, target, "physical")
        self._instances.start(target)
        return True

    def _follows(self, source: InstanceSpec, target: InstanceSpec) -> bool:
        """Tell whether it does so already."""
        known = layout.state(target)
        if known.source is None or known.source.folder != source.folder or known.copying:
            return False
        if not layout.data(target).exists():
            return False
        self._instances.start(target)
        with self._instances.session(target) as connection:
            return until(lambda: connection.value(_STREAMS) == "t", 2.0)

    def _leads_to(self, source: InstanceSpec, target: InstanceSpec) -> bool:
        """Tell whether everything that the target has is part of the history of the source."""
        if not layout.data(target).exists() or layout.state(target).copying:
            return False
        layout.change(target, lambda known: setattr(known, "read_only", True))
        try:
            self._instances.start(target)
            with self._instances.session(target) as connection:
                if connection.value("SELECT pg_is_in_recovery()") != "t":
                    return False
                if not until(lambda: connection.value(_NOTHING_LEFT) == "t", _REPLAY_SECONDS):
                    return False
                has = connection.value(_HAS)
                line = _line(connection, has) if has else 0
        except DatabaseError:
            # One that does not start, or that was damaged, is copied anew.
            return False
        if not has:
            return False
        with self._instances.session(source) as connection:
            left = positions.left(connection, line)
        return left is not None and not positions.before(left, has)

    def _switch(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Point a standby, or one in recovery without a source, at another source."""
        slot = f"coldframe_p{target.serial}_"
        with self._instances.session(source) as connection:
            if (
                connection.value(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'")
                == "0"
            ):
                connection.query(f"SELECT pg_create_physical_replication_slot('{slot}', true)")
        let_through(programs.account(), layout.socket_folder(source.folder))

        def follow(known: layout.State) -> None:
            known.source = Source(str(source.folder), "physical", slot)
            known.read_only, known.stands, known.left = True, "", []

        layout.change(target, follow)
        with self._instances.session(target) as connection:
            _drop_idle(connection)
            self._instances.cluster(target).reload("standby", connection)


def _drop_idle(connection: Connection) -> None:
    """Drop the slots of those who followed a member and follow another one by now: it would keep its log for them."""
    for (name,) in connection.query(
        "SELECT slot_name FROM pg_replication_slots"
        " WHERE slot_name ~ '^coldframe_' AND NOT active AND slot_type = 'physical'"
    ):
        try:
            connection.query(f"SELECT pg_drop_replication_slot('{name}')")
        except QueryFailed as problem:
            # Somebody has come back to it in this moment: one that is in use stays, or is gone already.
            if problem.code not in {_IN_USE, _UNKNOWN}:
                raise


def _line(target: Connection, has: str) -> int:
    """Return the timeline on which a standby has the last that it has.

    Its control file tells that of its last checkpoint, and a standby that followed another one onto a new timeline has made
    none there. It begins a segment file of its own for every timeline.
    """
    size = int(target.value("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'") or 0)
    high, low = divmod(max(positions.number(has) - 1, 0) // size, 2**32 // size)
    lines = target.query(
        "SELECT timeline_id::int FROM pg_control_checkpoint() UNION"
        " SELECT ('x' || left(name, 8))::bit(32)::int FROM pg_ls_waldir()"
        f" WHERE length(name) = 24 AND right(name, 16) = '{high:08X}{low:08X}'"
    )
    return max(int(row[0] or 0) for row in lines)
