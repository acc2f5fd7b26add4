"""PostgreSQL as a database engine: instances as processes of an unprivileged user, reached by a private socket."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from coldframe.core import durable
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
from coldframe.engines.postgresql import (
    admin,
    configuration,
    figures,
    layout,
    logs,
    roles,
    scram,
    templates,
)
from coldframe.engines.postgresql.activities import PostgreSQLActivities
from coldframe.engines.postgresql.backups import PostgreSQLBackups
from coldframe.engines.postgresql.cluster import tail
from coldframe.engines.postgresql.contents import PostgreSQLContents
from coldframe.engines.postgresql.copies import PostgreSQLCopies
from coldframe.engines.postgresql.groups import PostgreSQLGroups
from coldframe.engines.postgresql.instances import Instances
from coldframe.engines.postgresql.upgrades import PostgreSQLUpgrades
from coldframe.engines.postgresql.whole_copies import PostgreSQLWholeCopies


class PostgreSQL:
    """The engine; `cache` is a folder for what can be made again: versions that were unpacked, templates."""

    name = "postgresql"

    def __init__(self, cache: Path) -> None:
        self._instances = Instances(cache)
        self._samples = figures.Samples()
        self.copies = PostgreSQLCopies(self._instances)
        self.activities: Activities = PostgreSQLActivities(self._instances)
        self.groups = PostgreSQLGroups(self._instances, self.copies)
        self.backups = PostgreSQLBackups(self._instances)
        self.upgrades = PostgreSQLUpgrades(self._instances)
        self.whole_copies = PostgreSQLWholeCopies(self._instances)
        self.log_upkeep = logs.PostgreSQLLogs()
        self.contents = PostgreSQLContents(self._instances)

    def versions(self) -> Sequence[Version]:
        """Return the versions that are installed, oldest first."""
        return self._instances.versions.all()

    def create(self, spec: InstanceSpec, master: Login, database: str | None) -> None:
        """Lay in a data directory; the master user is made, with the rights of the service's own, at the first start."""
        if layout.data(spec).exists():
            return
        version = self._instances.version(spec)
        layout.prepare(spec)
        pending = roles.master(master.user, scram.verifier(master.password), version)
        known = layout.State(
            read_only=spec.read_only, pending=[*pending, *roles.database(database, master.user)]
        )
        layout.remember(spec, known)
        templates.lay_in(version, self._instances.templates, layout.data(spec))

    def start(self, spec: InstanceSpec) -> Running:
        """Start it and return when it accepts connections; raises DatabaseError with the last lines of its log."""
        return self._instances.start(spec)

    def reattach(self, spec: InstanceSpec) -> Running | None:
        """Return the process that an earlier server started, if it still runs and is the same."""
        return layout.running(spec)

    def stop(self, spec: InstanceSpec, *, at_once: bool = False) -> None:
        """Stop it and return when the process is gone; `at_once` does not wait for anything to be written."""
        if spec.folder.exists():
            self._instances.stop(spec, at_once=at_once)

    def status(self, spec: InstanceSpec) -> Status:
        """Return how it is; never waits for more than a second."""
        if not layout.data(spec).exists():
            return Status("absent")
        known = layout.state(spec)
        found = layout.running(spec, known)
        if found is None:
            return Status("crashed" if known.wanted else "stopped", read_only=known.read_only)
        try:
            with self._instances.session(spec, timeout=1) as connection:
                sessions = connection.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                    f"AND usename NOT IN ('{admin.USER}', '{configuration.ENDPOINT}')"
                )
        except DatabaseError:
            # It runs and is busy with its start, its end, or more than it can do within a second.
            sessions = "0"
        return Status("running", found, self._instances.read_only(known), int(sessions or 0))

    def destroy(self, spec: InstanceSpec) -> None:
        """Remove what is left of a stopped instance."""
        if layout.running(spec) is not None:
            raise DatabaseError(f"{spec.name} still runs", "stop it first")
        self._instances.leave(spec)
        durable.remove_tree(spec.folder)
        if spec.scratch is not None:
            durable.remove_tree(spec.scratch / f"{spec.name}-{spec.serial}")

    def set_password(self, spec: InstanceSpec, login: Login) -> None:
        """Give a user another password; sessions that are open go on."""
        with self._instances.session(spec) as connection:
            connection.query(roles.password(login.user, scram.verifier(login.password)))

    def apply(self, spec: InstanceSpec) -> Sequence[str]:
        """Write the spec's settings and change what can be changed while running; return the names that wait for a restart."""
        known = layout.state(spec)
        if layout.running(spec, known) is None:
            configuration.write(spec, known, self._instances.mode(spec, known))
            return []
        with self._instances.changing(spec), self._instances.session(spec) as connection:
            self._instances.cluster(spec).reload(layout.state(spec).mode, connection)
            # What waits for a restart cannot be applied either, and is no error.
            wrong = connection.query(
                "SELECT f.name, f.error FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = lower(f.name) "
                "WHERE f.error IS NOT NULL AND s.context IS DISTINCT FROM 'postmaster'"
            )
            waiting = connection.query("SELECT name FROM pg_settings WHERE pending_restart ORDER BY name")
        if wrong:
            raise DatabaseError(f"the setting {wrong[0][0]} is not accepted: {wrong[0][1]}", tail(spec))
        return [str(row[0]) for row in waiting]

    def set_read_only(self, spec: InstanceSpec, *, on: bool) -> None:
        """Refuse (or allow) writes from everybody but replication: at once, and after any restart or crash.

        An instance that others follow is fenced, so that they can catch up: nobody but them and the administrator
        comes in. Called again once a successor was promoted, it goes into recovery, where everybody may read.
        """
        self._instances.set_read_only(spec, on=on)

    def figures(self, spec: InstanceSpec) -> Mapping[str, float]:
        """Return counters and gauges under their CloudWatch names."""
        return figures.of(spec, self._samples)

    def log_files(self, spec: InstanceSpec) -> Sequence[LogFile]:
        """Return the logs of an instance, by name."""
        return logs.files(spec)

    def add_log(self, spec: InstanceSpec, name: str, text: str) -> None:
        """Add a log of our own that users may read."""
        logs.add(spec, name, text)

    def read_log(self, spec: InstanceSpec, name: str, offset: int, length: int) -> bytes:
        """Return a piece of a log; raises DatabaseError when there is none of that name."""
        return logs.read(spec, name, offset, length)
