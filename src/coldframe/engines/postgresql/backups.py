"""Back-ups: a consistent copy of an instance's files, and its log, with which any moment after it can be restored."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from coldframe.core import durable
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import admin, base_copy, layout, logical, programs
from coldframe.engines.postgresql.admin import Connection
from coldframe.engines.postgresql.cluster import tail
from coldframe.engines.postgresql.instances import Instances
from coldframe.engines.postgresql.layout import State
from coldframe.engines.postgresql.templates import clone
from coldframe.engines.postgresql.waiting import until

# Keeps the log that is not archived yet.
_SLOT = "coldframe_archive"
_REPLAY_SECONDS = 24 * 3600.0


class PostgreSQLBackups:
    """The engine's back-ups."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def back_up(self, spec: InstanceSpec, folder: Path) -> str:
        """Write a consistent copy of a running or stopped instance into an empty folder; return its position."""
        position = base_copy.take(spec, folder / "data")
        durable.sync_tree(folder)
        return position

    def restore(
        self, folder: Path, target: InstanceSpec, *, logs: Path | None = None, until: float | None = None
    ) -> None:
        """Lay in the target from a back-up; with `logs`, replay archived changes up to `until` (seconds since 1970)."""
        known = layout.state(target)
        if layout.data(target).exists() and not known.copying:
            return
        cluster = self._instances.cluster(target)
        if layout.running(target, known) is not None:
            cluster.stop(at_once=True)
        shutil.rmtree(layout.data(target), ignore_errors=True)
        layout.prepare(target)
        layout.remember(target, State(read_only=target.read_only, copying=True))
        clone(folder / "data", layout.data(target))
        recovery = {}
        if logs is not None:
            base_copy.copy_log(logs, layout.data(target) / "pg_wal", anew=True)
            recovery = {"restore_command": "false", "recovery_target_action": "promote"}
            if until is not None:
                recovery["recovery_target_time"] = datetime.fromtimestamp(until, UTC).isoformat()
            (layout.data(target) / "recovery.signal").touch()
            programs.own(layout.data(target) / "pg_wal", layout.data(target) / "recovery.signal")
        # A copy of what followed somebody must not follow, nor keep the log for those who followed it.
        cluster.start("fenced", {**recovery, "max_logical_replication_workers": "0"})
        try:
            _await_end(target)
            for name in logical.databases(target):
                with admin.connected(layout.socket(target), name) as connection:
                    _forget(connection)
        finally:
            cluster.stop()
        layout.change(target, lambda known: setattr(known, "copying", False))

    def archive(self, spec: InstanceSpec, folder: Path) -> float:
        """Copy the changes that are not archived yet into `folder`; return up to which moment one can now restore.

        From the first call on the instance keeps its log until it is archived.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with admin.connected(layout.socket(spec), timeout=600) as connection:
            if connection.value("SELECT pg_is_in_recovery()") == "t":
                raise DatabaseError(
                    f"{spec.name} is in recovery and writes no log of its own", "archive its source"
                )
            if (
                connection.value(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{_SLOT}'")
                == "0"
            ):
                connection.query(f"SELECT pg_create_physical_replication_slot('{_SLOT}', true)")
            # A moment can be restored when a later commit is there: the administrator's own, after it.
            moment = float(str(connection.value("SELECT extract(epoch FROM clock_timestamp())")))
            connection.query("SELECT pg_current_xact_id()")
            reached = str(connection.value("SELECT pg_switch_wal()"))
            segment = str(connection.value(f"SELECT pg_walfile_name('{reached}')"))
            base_copy.copy_log(layout.data(spec), folder, finished=segment + "~")
            connection.query(f"SELECT pg_replication_slot_advance('{_SLOT}', '{reached}')")
        return moment


def _await_end(target: InstanceSpec) -> None:
    """Return when the log is replayed; raises DatabaseError when it ends before the moment that was asked for."""

    def ended() -> bool:
        if layout.running(target) is None:
            raise DatabaseError(
                f"{target.name} could not be restored to that moment: {tail(target, 4)}",
                "choose a moment between the back-up and the last archived change",
            )
        try:
            with admin.connected(layout.socket(target)) as connection:
                return connection.value("SELECT pg_is_in_recovery()") == "f"
        except (admin.Unreachable, admin.QueryFailed):
            return False

    until(ended, _REPLAY_SECONDS, every=0.02)


def _forget(connection: Connection) -> None:
    logical.unsubscribe(connection)
    for (name,) in connection.query("SELECT pubname FROM pg_publication WHERE pubname ~ '^coldframe_l'"):
        connection.query(f"DROP PUBLICATION {name}")
