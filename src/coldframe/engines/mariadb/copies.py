"""Copies of an instance that follow it by GTID replication."""

import logging
import secrets
from collections.abc import Sequence

from coldframe.core.durable import sync_folder
from coldframe.engines.database import (
    CopyKind,
    DatabaseError,
    Following,
    InstanceSpec,
    Obstacle,
)
from coldframe.engines.mariadb import grants, physical, positions, settings
from coldframe.engines.mariadb.client import Client, QueryFailed, named, quoted
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.places import Place

LOG = logging.getLogger("coldframe.mariadb")
# "Could not initialize master info structure"
_UNREADABLE = 1201
_RELAX = ("SET GLOBAL sync_binlog = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 2")
_STRICT = ("SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1")


class MariaDBCopies:
    """The Copies of MariaDB."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def copy(self, source: InstanceSpec, target: InstanceSpec, kind: CopyKind) -> None:
        """Make the stopped `target` a consistent copy of the running `source`, ready to follow it; a newer version
        of MariaDB is brought up to its own system tables. Both kinds of copy are physical here.
        """
        place = Place(target)
        if place.data.exists():
            return
        place.lay_out(self._instances.account())
        self._instances.empty(place.incoming)
        taken = physical.take(self._instances, source, place.incoming)
        physical.prepare(self._instances, taken.version, place.incoming)
        physical.lay_in(self._instances, target, taken)

    def follow(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let the running `target` apply what the source commits from the moment of the copy on; it is read-only to users."""
        self._instances.set_read_only(target, on=True)
        place, host = Place(target), settings.private_address(source)
        port = Place(source).kept().port
        kept = place.kept()
        kept.lax = True
        place.keep(kept)
        with self._instances.client(target) as client:
            # A copy that was armed for a switchover that did not happen would fall behind.
            for statement in _RELAX:
                client.query(statement)
            now = slave(client)
            follows = now.get("Master_Host") == host and now.get("Master_Port") == str(port)
            if follows and now.get("Slave_IO_Running") != "No" and now.get("Slave_SQL_Running") == "Yes":
                # It has begun, perhaps without our having written that down.
                kept.position = None
                place.keep(kept)
                return
            user, password = f"coldframe_{target.serial}", secrets.token_urlsafe(24)
            self._let_in(source, user, password)
            client.query("STOP ALL SLAVES")
            # Applied one after another: parallel appliers that wait for each other's turn to commit hold locks on
            # the tables meanwhile, and a schema change made on the copy would wait with them for ever.
            client.query("SET GLOBAL slave_parallel_threads = 0")
            if kept.position is not None:
                client.query(f"SET GLOBAL gtid_slave_pos = {quoted(kept.position)}")
            elif not now.get("Master_Host"):
                # It was a primary: what it has committed itself is where the other goes on.
                client.query("SET GLOBAL gtid_slave_pos = @@global.gtid_current_pos")
            # Both ends are loopback addresses of this machine. Newer versions want TLS unless told otherwise.
            change = (
                f"CHANGE MASTER TO MASTER_HOST = {quoted(host)}, MASTER_PORT = {port}, MASTER_USER = {quoted(user)},"
                f" MASTER_PASSWORD = {quoted(password)}, MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1,"
                " MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0"
            )
            try:
                client.query(change)
            except QueryFailed as refused:
                if refused.code != _UNREADABLE:
                    raise
                # A power cut tore its files of whom it follows, or its relay log. How far it is, a table of its own knows.
                LOG.warning("%s begins its relay log anew: %s", target.name, refused)
                client.query("RESET SLAVE ALL")
                client.query(change)
            client.query("START SLAVE")
        kept.position = None
        place.keep(kept)

    def following(self, source: InstanceSpec, target: InstanceSpec) -> Following:
        """Return how far the target is."""
        with self._instances.client(target) as client:
            now = slave(client)
            position = client.value("SELECT @@global.gtid_slave_pos")
        if not now:
            return Following(running=False, behind=None, position=position, error="it follows nothing")
        try:
            missing: int | None = positions.behind(self.position(source), position)
        except DatabaseError:
            missing = None
        error = now.get("Last_SQL_Error") or now.get("Last_IO_Error") or ""
        runs = now.get("Slave_IO_Running") == "Yes" and now.get("Slave_SQL_Running") == "Yes"
        return Following(running=runs, behind=missing, position=position, error=error)

    def position(self, spec: InstanceSpec) -> str:
        """Return the position of the last transaction that this instance committed."""
        with self._instances.client(spec) as client:
            return client.value("SELECT @@global.gtid_binlog_pos")

    def reached(self, target: InstanceSpec, position: str) -> bool:
        """Tell whether the target has applied everything up to a position of its source."""
        with self._instances.client(target) as client:
            return positions.behind(position, client.value("SELECT @@global.gtid_slave_pos")) == 0

    def arm(self, target: InstanceSpec) -> None:
        """Write what the target has to the disk now, so that little is left to write when `finish` makes it wait for that."""
        place = Place(target)
        kept = place.kept()
        kept.lax = False
        place.keep(kept)
        with self._instances.client(target) as client:
            client.query("FLUSH NO_WRITE_TO_BINLOG BINARY LOGS")
            client.query("FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS")

    def finish(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Make what the target has durable, and every later transaction before it is acknowledged; replication of
        MariaDB carries everything else.
        """
        with self._instances.client(target) as client:
            _make_strict(client)

    def promote(self, target: InstanceSpec) -> None:
        """Stop following for good; whether it is read-only does not change."""
        if Place(target).kept().lax:
            self.arm(target)
        with self._instances.client(target) as client:
            _make_strict(client)
            client.query("STOP ALL SLAVES")
            client.query("RESET SLAVE ALL")
            # The server removes its file of whom it follows and waits for no disk; were that back, its next start would follow.
            sync_folder(Place(target).data)
            # Events that came by replication are asleep on a replica; it is one no longer.
            for event in client.query(
                "SELECT EVENT_SCHEMA s, EVENT_NAME n FROM information_schema.EVENTS WHERE STATUS = 'SLAVESIDE_DISABLED'"
            ):
                client.query(f"ALTER EVENT {named(event['s'] or '')}.{named(event['n'] or '')} ENABLE")

    def coordinates(self, spec: InstanceSpec) -> Sequence[str]:
        """Return file and position of the binary log, for who follows from outside."""
        with self._instances.client(spec) as client:
            row = client.query("SHOW MASTER STATUS")[0]
        return [row["File"] or "", row["Position"] or ""]

    def obstacles(self, source: InstanceSpec) -> Sequence[Obstacle]:
        """Return nothing: every copy here is physical, and what is replicated is every change."""
        return ()

    def unsupported(self, source: InstanceSpec, target: InstanceSpec) -> Sequence[str]:
        """Return nothing: changes of the schema are replicated like all others."""
        return ()

    def tidy(self, source: InstanceSpec) -> None:
        """Do nothing: whoever followed another member of the group can follow this one."""

    def _let_in(self, source: InstanceSpec, user: str, password: str) -> None:
        """Give the source an account for one replica; neither it nor its password is replicated."""
        who = f"{quoted(user)}@'127.%'"
        with self._instances.client(source) as client:
            client.query("SET SESSION sql_log_bin = 0")
            client.query(f"CREATE OR REPLACE USER {who} {grants.identified(password)}")
            client.query(f"GRANT REPLICATION SLAVE ON *.* TO {who}")


def _make_strict(client: Client) -> None:
    if client.value("SELECT @@global.innodb_flush_log_at_trx_commit") != "1":
        for statement in (*_STRICT, "FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS"):
            client.query(statement)


def slave(client: Client) -> dict[str, str | None]:
    """Return how an instance follows its source, as the server says it; nothing when it follows none."""
    rows = client.query("SHOW ALL SLAVES STATUS")
    return rows[0] if rows else {}
