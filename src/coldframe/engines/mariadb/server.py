"""MariaDB instances: made from a template, started as processes that outlive us, found again, stopped and removed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from coldframe.core import durable, process
from coldframe.engines import daemon
from coldframe.engines.database import (
    Activities,
    DatabaseError,
    InstanceSpec,
    LogFile,
    Login,
    Running,
    Status,
    Version,
)
from coldframe.engines.mariadb import grants, logs, settings
from coldframe.engines.mariadb.activities import MariaDBActivities
from coldframe.engines.mariadb.backups import MariaDBBackups
from coldframe.engines.mariadb.changes import change
from coldframe.engines.mariadb.client import quoted
from coldframe.engines.mariadb.contents import MariaDBContents
from coldframe.engines.mariadb.copies import MariaDBCopies
from coldframe.engines.mariadb.figures import Figures
from coldframe.engines.mariadb.groups import MariaDBGroups
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.places import Kept, Place
from coldframe.engines.mariadb.template import template
from coldframe.engines.mariadb.upgrades import MariaDBUpgrades
from coldframe.engines.mariadb.whole_copies import MariaDBWholeCopies


class MariaDB:
    """The DatabaseEngine of MariaDB; `cache` holds unpacked versions and templates."""

    name = "mariadb"

    def __init__(self, cache: Path) -> None:
        self._instances = Instances(cache)
        self._figures = Figures()
        self.copies = MariaDBCopies(self._instances)
        self.activities: Activities = MariaDBActivities(self._instances)
        self.groups = MariaDBGroups(self._instances, self.copies)
        self.backups = MariaDBBackups(self._instances)
        self.upgrades = MariaDBUpgrades(self._instances)
        self.whole_copies = MariaDBWholeCopies(self._instances)
        self.log_upkeep = logs.MariaDBLogs(self._instances.client)
        self.contents = MariaDBContents(self._instances)

    def versions(self) -> Sequence[Version]:
        """Return the versions that are installed, oldest first."""
        return self._instances.installed.all()

    def create(self, spec: InstanceSpec, master: Login, database: str | None) -> None:
        """Lay in a data directory with the master user, who has every right but to switch read-only off."""
        place, account = Place(spec), self._instances.account()
        if place.data.exists():
            return
        source = template(self._instances.cache, self._instances.version(spec), account)
        place.lay_out(account)
        self._instances.empty(place.incoming)
        # Copied as the account, which then owns every file.
        process.run(["cp", "-a", "--reflink=auto", f"{source}/.", place.incoming], account=account)
        durable.write(
            place.first_statements, grants.first_statements(master, database).encode(), owner=account
        )
        place.keep(Kept(read_only=spec.read_only))
        durable.rename_tree(place.incoming, place.data)

    def start(self, spec: InstanceSpec) -> Running:
        """Start it and return when it accepts connections; raises DatabaseError with the last lines of its log."""
        return self._instances.start(spec)

    def reattach(self, spec: InstanceSpec) -> Running | None:
        """Return the process that an earlier server started, if it still runs and is the same."""
        return self._instances.reattach(spec)

    def stop(self, spec: InstanceSpec, *, at_once: bool = False) -> None:
        """Stop it and return when the process is gone; `at_once` does not wait for anything to be written."""
        self._instances.stop(spec, at_once=at_once)

    def status(self, spec: InstanceSpec) -> Status:
        """Return how it is; never waits for more than a second."""
        place = Place(spec)
        if not place.data.exists():
            return Status("absent")
        running = self.reattach(spec)
        if running is None:
            state = daemon.state(place.record)
            # Running after all: it was started between the two looks.
            return (
                self.status(spec) if state == "running" else Status(state, read_only=place.kept().read_only)
            )
        try:
            with self._instances.client(spec, timeout=0.9) as client:
                row = client.query(
                    "SELECT @@global.read_only r, (SELECT COUNT(*) FROM information_schema.processlist"
                    " WHERE host NOT IN ('', 'localhost') AND command NOT LIKE 'Binlog Dump%') n"
                )[0]
        except DatabaseError:
            # It runs and is busy with starting or stopping; nobody is in.
            return Status("running", running, read_only=place.kept().read_only)
        return Status("running", running, read_only=row["r"] not in {"0", "OFF"}, sessions=int(row["n"] or 0))

    def destroy(self, spec: InstanceSpec) -> None:
        """Remove what is left of a stopped instance."""
        place = Place(spec)
        if self.reattach(spec) is not None:
            raise DatabaseError(f"{spec.name} still runs", "stop it first")
        for folder in (place.scratch, spec.folder):
            durable.remove_tree(folder)

    def set_password(self, spec: InstanceSpec, login: Login) -> None:
        """Give a user another password."""
        with self._instances.client(spec) as client:
            hosts = client.query(f"SELECT Host FROM mysql.global_priv WHERE User = {quoted(login.user)}")
            if not hosts:
                raise DatabaseError(f"there is no user {login.user}", "create the user first")
            for row in hosts:
                who = f"{quoted(login.user)}@{quoted(row['Host'] or '')}"
                client.query(f"ALTER USER {who} {grants.identified(login.password)}")

    def apply(self, spec: InstanceSpec) -> Sequence[str]:
        """Write the spec's settings and change what can be changed while running; return the names that wait for a restart."""
        place, version = Place(spec), self._instances.version(spec)
        kept = place.kept()
        settings.write(spec, version, kept, self._instances.account())
        if self.reattach(spec) is None:
            return []
        with self._instances.client(spec) as client:
            kept.settings, waiting = change(client, kept.settings, settings.effective(spec))
        place.keep(kept)
        return waiting

    def set_read_only(self, spec: InstanceSpec, *, on: bool) -> None:
        """Refuse (or allow) writes from everybody but replication: at once, and after any restart or crash."""
        self._instances.set_read_only(spec, on=on)

    def figures(self, spec: InstanceSpec) -> Mapping[str, float]:
        """Return counters and gauges under their CloudWatch names (DatabaseConnections, CPUUtilization, FreeableMemory ...)."""
        running = self.reattach(spec)
        if running is None:
            return {}
        with self._instances.client(spec, timeout=5) as client:
            return self._figures.take(spec, running.pid, client)

    def log_files(self, spec: InstanceSpec) -> Sequence[LogFile]:
        """Return the logs of an instance."""
        return logs.files(spec)

    def add_log(self, spec: InstanceSpec, name: str, text: str) -> None:
        """Add a log of our own that users may read."""
        logs.add(spec, name, text)

    def read_log(self, spec: InstanceSpec, name: str, offset: int, length: int) -> bytes:
        """Return a piece of a log; raises DatabaseError when there is none of that name."""
        return logs.read(spec, name, offset, length)
