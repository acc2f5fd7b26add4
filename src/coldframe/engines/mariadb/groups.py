"""Groups of a writer and its replicas: semi-synchronous replication that never falls back, and members that change their writer."""

import shutil
import threading
import time
from collections.abc import Callable

from coldframe.core import durable, process
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.mariadb import positions, received_log
from coldframe.engines.mariadb.client import Client, quoted
from coldframe.engines.mariadb.copies import MariaDBCopies, slave
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.places import Place

_SECONDS = 15.0
_LEVEL_SECONDS = 10.0
_APPLY_SECONDS = 300.0
_WAITING = "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_wait_sessions'"


class MariaDBGroups:
    """The Groups of MariaDB."""

    # A replica that starts anew throws its relay log away and fetches everything again from its source.
    keeps = False

    def __init__(self, instances: Instances, copies: MariaDBCopies) -> None:
        self._instances = instances
        self._copies = copies

    def synchronize(self, writer: InstanceSpec) -> str:
        """Have a running writer acknowledge as its spec says from now on, and tell its position."""
        with self._instances.client(writer) as client:
            waits = "ON" if writer.acknowledged_by else "OFF"
            client.query(f"SET GLOBAL rpl_semi_sync_master_enabled = {waits}")
            return _has(client)

    def acknowledge(self, source: InstanceSpec, follower: InstanceSpec) -> None:
        """Have a running follower acknowledge what it gets, or not, as its spec says."""
        place, wanted = Place(follower), "ON" if follower.acknowledges else "OFF"
        with self._instances.client(follower) as client:
            if client.value("SELECT @@global.rpl_semi_sync_slave_enabled") != (
                "1" if wanted == "ON" else "0"
            ):
                client.query(f"SET GLOBAL rpl_semi_sync_slave_enabled = {wanted}")
                # The source hears of it when the replica connects; what was received and not applied stays.
                client.query("STOP SLAVE IO_THREAD")
                client.query("START SLAVE IO_THREAD")
        kept = place.kept()
        kept.acknowledging = self._process(follower) if follower.acknowledges else ""
        place.keep(kept)

    def confirm(self, source: InstanceSpec, follower: InstanceSpec) -> None:
        """Tell a source that waits once more what a follower has received that acknowledges.

        A replica acknowledges a transaction once, on the connection by which it got it; it does not get it again.
        """
        with self._instances.client(source, timeout=5) as writer:
            if writer.query(_WAITING)[0]["Value"] == "0":
                return
            received = self.received(follower)
            with self._instances.client(follower, timeout=5) as client:
                now = slave(client)
            file, position = now.get("Master_Log_File"), now.get("Read_Master_Log_Pos")
            if now.get("Slave_IO_Running") != "Yes" or not file or not position:
                return
            # Where it is in the log may be of the time before it connected; what it has received is not.
            lies_at = writer.value(f"SELECT BINLOG_GTID_POS({quoted(file)}, {position})")
            if lies_at and positions.behind(lies_at, received) == 0:
                writer.has_everything_before(file, int(position))

    def received(self, follower: InstanceSpec) -> str:
        """Return up to where a running follower has everything of its source, applied or not; raises DatabaseError."""
        known = Place(follower).kept().acknowledging
        if follower.acknowledges and known != self._process(follower):
            raise DatabaseError(
                f"{follower.name} was started anew and has lost what it had received and not applied",
                "it gets it again from the writer",
            )
        with self._instances.client(follower, timeout=5) as client:
            now = slave(client)
            if not now:
                raise DatabaseError(f"{follower.name} follows nobody", "let it follow the writer")
            return now.get("Gtid_IO_Pos") or ""

    def orphaned(self, follower: InstanceSpec) -> str:
        """Wait until nothing comes any more from a source that is dead, and return what was received; raises DatabaseError."""
        self.received(follower)
        with self._instances.client(follower) as client:
            if not _until(lambda: slave(client).get("Slave_IO_Running") != "Yes", _SECONDS):
                raise DatabaseError(f"{follower.name} still gets something of its source")
            received = slave(client).get("Gtid_IO_Pos") or ""

            def applied() -> bool:
                now = slave(client)
                if now.get("Slave_SQL_Running") != "Yes":
                    raise DatabaseError(f"{follower.name} applies nothing: {now.get('Last_SQL_Error')}")
                return positions.behind(received, client.value("SELECT @@global.gtid_slave_pos")) == 0

            if not _until(applied, _APPLY_SECONDS):
                raise DatabaseError(f"{follower.name} has not applied what it received")
        return received

    def covers(self, best: InstanceSpec, silent: InstanceSpec) -> bool:
        """Tell by its files whether an orphaned follower has all that another one may have received; raises DatabaseError."""
        place = Place(silent)
        known = place.kept().acknowledging
        has = received_log.received(place.binlogs)
        running = self._process(silent)
        # A start says that it acknowledges nothing yet before it throws away what was received.
        if not known or place.kept().acknowledging != known or running not in {"", known}:
            raise DatabaseError(f"{silent.name} was started anew, and nobody knows what it had received")
        with self._instances.client(best) as client:
            return positions.behind(has, _has(client)) == 0

    def before(self, one: str, other: str) -> bool:
        """Tell whether a position lies before another one: it lacks something of it."""
        return positions.behind(other, one) > 0

    def level(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let a replica get from another one of the same writer, which is dead, what it lacks; raises DatabaseError."""
        with self._instances.client(source) as client:
            wanted = _has(client)
        self._copies.follow(source, target)
        if not _until(lambda: self._copies.reached(target, wanted), _LEVEL_SECONDS):
            raise DatabaseError(f"{target.name} did not get from {source.name} what it lacks")

    def let_go(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Do nothing: a read-only source writes nothing of its own that a follower would have to have."""

    def inherit(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Do nothing: whoever followed the source asks the target for what comes after the GTIDs that it has."""

    def rejoin(self, source: InstanceSpec, target: InstanceSpec) -> bool:
        """Let a member follow another writer, and start it; one that has what the writer has not is copied anew."""
        if self._leads_to(source, target):
            self._copies.follow(source, target)
            if _until(lambda: self._copies.following(source, target).running, _SECONDS):
                return False
        self._instances.stop(target, at_once=True)
        shutil.rmtree(Place(target).scratch, ignore_errors=True)
        # The folder itself may be encrypted, and what is copied is to be so too.
        durable.empty_tree(target.folder)
        self._copies.copy(source, target, "physical")
        self._instances.start(target)
        self._copies.follow(source, target)
        return True

    def _leads_to(self, source: InstanceSpec, target: InstanceSpec) -> bool:
        """Tell whether everything that the target has is part of the history of the source."""
        if not Place(target).data.exists():
            return False
        try:
            self._instances.start(target)
            self._instances.set_read_only(target, on=True)
            with self._instances.client(target) as client:
                # It would wait for a replica of its own with everything that it applies.
                client.query("SET GLOBAL rpl_semi_sync_master_enabled = OFF")
                has = _has(client)
        except DatabaseError:
            # One that does not start, or that was damaged, is copied anew.
            return False
        with self._instances.client(source) as client:
            return positions.behind(has, _has(client)) == 0

    def _process(self, spec: InstanceSpec) -> str:
        running = self._instances.reattach(spec)
        return f"{running.pid} {process.birth(running.pid)}" if running is not None else ""


def _has(client: Client) -> str:
    """Return what an instance has committed, whoever wrote it first."""
    written = positions.parts(client.value("SELECT @@global.gtid_binlog_pos"))
    applied = positions.parts(client.value("SELECT @@global.gtid_slave_pos"))
    both = {
        **applied,
        **{domain: part for domain, part in written.items() if _later(part, applied.get(domain))},
    }
    return ",".join(both.values())


def _later(part: str, other: str | None) -> bool:
    return other is None or int(part.rpartition("-")[2]) >= int(other.rpartition("-")[2])


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    never, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        never.wait(0.02)
    return True
