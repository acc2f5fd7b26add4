"""Another version in place: pg_upgrade on a copy of the files, so that the instance itself is never in between.

A minor version runs on the same files. A major one gets a copy of them, which pg_upgrade links into a new data directory.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from coldframe.core import process
from coldframe.engines import exchange
from coldframe.engines.database import DatabaseError, InstanceSpec, UpgradeRefused, Version
from coldframe.engines.postgresql import admin, base_copy, layout, logical, programs, shared_objects, templates
from coldframe.engines.postgresql.instances import Instances
from coldframe.engines.postgresql.upgrade_check import obstacles
from coldframe.engines.postgresql.waiting import until

_HOURS = 12 * 3600.0
_ROOM = "upgrade-"
# Where the newer data directory lies between `prepare` and `swap`.
_FRESH = "data.upgraded"
# What a copy has beside the settings of its instance: nobody comes in but who upgrades, by a socket of its own.
_CONFIGURATION = """
hba_file = '{data}/pg_hba.conf'
ident_file = '{data}/pg_ident.conf'
unix_socket_directories = ''
logging_collector = off
temp_tablespaces = ''
default_transaction_read_only = off
primary_conninfo = ''
primary_slot_name = ''
"""
_ONLY_US = f"local all {admin.USER} trust\n"


class PostgreSQLUpgrades:
    """The engine's upgrades."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def possible(self, old: Version, new: Version) -> bool:
        """Tell whether this machine has what brings an instance from one installed version to another."""
        if old.major == new.major:
            return True
        return (new.programs / "pg_upgrade").exists() and self._complete_one(old.major) is not None

    def check(self, spec: InstanceSpec, target: InstanceSpec) -> str:
        """Run pg_upgrade --check on a copy of the running instance, after looking for what it does not look for."""
        old, new = self._instances.version(spec), self._instances.version(target)
        if old.major == new.major:
            return ""
        found = obstacles(spec)
        if found:
            raise UpgradeRefused(
                "Postgres cluster is in a state where pg_upgrade can not be completed successfully.",
                _report(old, new, found),
                "the precheck log of the instance says what to do",
            )
        with self._room(spec) as room:
            base_copy.take(spec, room / "old")
            try:
                return self._run(spec, new, room, check=True)
            except process.ProgramFailed as problem:
                said = _said(room)
                failed = [line for line in said.splitlines() if line.strip().endswith("fatal")]
                what = failed[-1].rsplit("  ", 1)[0].strip() if failed else "its check"
                raise UpgradeRefused(
                    f"pg_upgrade reported failure: {what}", f"{problem}\n\n{said}", "the precheck log has the details"
                ) from problem

    def prepare(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Stop the instance and make what the newer version will run on, beside it; raises DatabaseError."""
        old, new = self._instances.version(spec), self._instances.version(target)
        self._instances.stop(spec)
        fresh = spec.folder / _FRESH
        shutil.rmtree(fresh, ignore_errors=True)
        if old.major == new.major:
            return
        with self._room(spec) as room:
            programs.copy(layout.data(spec), room / "old")
            for place in (room / "old" / "pg_tblspc").iterdir():
                # A link leads to the scratch storage of the instance itself.
                if place.is_symlink():
                    place.unlink()
                    place.mkdir(mode=0o700)
            for slot in (room / "old" / "pg_replslot").iterdir():
                shutil.rmtree(slot)
            programs.own(room / "old")
            try:
                self._run(spec, new, room, check=False)
                self._single(new, room / "new", _after(old, new))
            except process.ProgramFailed as problem:
                raise DatabaseError(
                    f"pg_upgrade from {old.number} to {new.number} failed: {problem}\n{_said(room)}",
                    "the instance goes on in its version",
                ) from problem
            (room / "new").rename(fresh)

    def swap(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Put what was prepared in place; both are stopped."""
        exchange.swap(spec.folder / _FRESH, layout.data(spec))

    def back(self, spec: InstanceSpec) -> None:
        """Put the data as they were before `swap` in place again; the instance is stopped."""
        self._clear(spec)
        shutil.rmtree(spec.folder / _FRESH, ignore_errors=True)
        exchange.back(layout.data(spec))

    def settle(self, target: InstanceSpec) -> None:
        """Throw away the data of the older version."""
        exchange.settle(layout.data(target))

    def complete(self, target: InstanceSpec) -> None:
        """Gather the statistics that pg_upgrade does not bring, and rebuild indexes whose order of characters has changed."""
        for name in logical.databases(target):
            with admin.connected(layout.socket(target), name, timeout=_HOURS) as connection:
                stale = connection.query(
                    "SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c JOIN pg_namespace n ON n.oid ="
                    " c.collnamespace WHERE c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)"
                    " AND EXISTS (SELECT FROM pg_index i WHERE c.oid = ANY (i.indcollation::oid[]))"
                )
                if stale:
                    connection.query("REINDEX DATABASE CONCURRENTLY")
                for (collation,) in stale:
                    connection.query(f"ALTER COLLATION {collation} REFRESH VERSION")
                connection.query("ANALYZE")

    def _complete_one(self, major: str) -> Version | None:
        """Return an installed version of a major that has the programs that pg_upgrade wants of the older side."""
        fitting = [each for each in self._instances.versions.all() if each.major == major]
        return next((each for each in reversed(fitting) if (each.programs / "pg_controldata").exists()), None)

    def _run(self, spec: InstanceSpec, new: Version, room: Path, *, check: bool) -> str:
        """Run pg_upgrade from `room`/old to `room`/new; returns what it said. Raises ProgramFailed, DatabaseError."""
        old = self._complete_one(self._instances.version(spec).major)
        if old is None:
            raise DatabaseError(
                f"the programs of PostgreSQL {spec.version} are not on this machine", "install them"
            )
        self._alone(room / "old", (layout.data(spec) / "postgresql.conf").read_text(encoding="utf-8"))
        # Its folder is in the data directory itself, where pg_upgrade takes no tablespace from.
        self._single(old, room / "old", ["DROP TABLESPACE IF EXISTS rds_temp_tablespace"])
        templates.initialise(new, room / "new")
        self._alone(
            room / "new", (room / "new" / "postgresql.conf").read_text(encoding="utf-8") + _preload(spec)
        )
        with tempfile.TemporaryDirectory(prefix="cf-") as sockets:
            programs.own(Path(sockets))
            command: list[str | Path] = [
                new.programs / "pg_upgrade",
                *("-b", old.programs, "-B", new.programs, "-d", room / "old", "-D", room / "new"),
                *("-U", admin.USER, "-s", sockets, "-p", "50432", "-P", "50433", "--link"),
                *("--jobs", str(min(8, os.cpu_count() or 1))),
                *(["--check"] if check else []),
            ]
            return _as_user(command, room)

    def _alone(self, data: Path, settings: str) -> None:
        """Write a configuration with which nobody but we reach a data directory's server."""
        (data / "postgresql.conf").write_text(settings + _CONFIGURATION.format(data=data), encoding="utf-8")
        (data / "postgresql.auto.conf").write_text("", encoding="utf-8")
        (data / "pg_hba.conf").write_text(_ONLY_US, encoding="utf-8")
        (data / "pg_ident.conf").write_text("", encoding="utf-8")
        programs.own(data)

    def _single(self, version: Version, data: Path, statements: list[str]) -> None:
        """Recover a data directory, run statements in the administrator's database, and shut it down."""
        words: list[str | Path] = [
            version.programs / "postgres",
            *("--single", "-j", "-D", data, "-c", "exit_on_error=on", "-c", "allow_in_place_tablespaces=on"),
            admin.DATABASE,
        ]
        _as_user(words, data.parent, given="".join(f"{each};\n\n" for each in statements))

    @contextlib.contextmanager
    def _room(self, spec: InstanceSpec) -> Iterator[Path]:
        """Give an empty folder of the unprivileged user's, that no earlier attempt works in."""
        self._clear(spec)
        room = Path(tempfile.mkdtemp(prefix=_ROOM, dir=spec.folder))
        try:
            programs.own(room)
            yield room
        finally:
            self._clear(spec)

    def _clear(self, spec: InstanceSpec) -> None:
        """End what an attempt left running and remove its folder."""
        for room in spec.folder.glob(f"{_ROOM}*"):
            for pid in _working_below(room):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not until(lambda room=room: not _working_below(room), 30):
                raise DatabaseError(f"processes of an earlier attempt are still in {room}", "end them")
            shutil.rmtree(room)


def _as_user(words: list[str | Path], folder: Path, *, given: str | None = None) -> str:
    programs.let_in(words, folder)
    return process.run(
        words, folder=folder, environment=programs.ENVIRONMENT, account=programs.account(), timeout=_HOURS, given=given
    ).stdout


def _preload(spec: InstanceSpec) -> str:
    """Return what the newer server loads: the functions of some extensions can only be made when it does."""
    wanted = spec.settings.get("shared_preload_libraries", "pg_stat_statements").replace("'", "''")
    return f"\nshared_preload_libraries = '{wanted}'\nallow_in_place_tablespaces = on\n"


def _after(old: Version, new: Version) -> list[str]:
    """Return what the template of a version has that pg_upgrade does not carry over."""
    wanted = ("UPDATE pg_catalog.pg_authid", "CREATE TABLESPACE", "GRANT CREATE ON TABLESPACE", "CREATE FUNCTION")
    found = [
        each.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
        for each in templates.statements(new)
        if each.startswith(wanted)
    ]
    if int(old.major) < 16 <= int(new.major):
        query = shared_objects.ADMINISTRATION
        found.append(f"DO $$ DECLARE each text; BEGIN FOR each IN {query} LOOP EXECUTE each; END LOOP; END $$")
    return found


def _said(room: Path) -> str:
    """Return what pg_upgrade wrote into its files: its own log, and the lists of what is in the way."""
    files = sorted((room / "new").glob("pg_upgrade_output.d/**/*"))
    wanted = [file for file in files if file.suffix == ".txt" or file.name == "pg_upgrade_internal.log"]
    return "\n".join(f"{file.name}:\n{file.read_text(encoding='utf-8', errors='replace')}" for file in wanted)


def _report(old: Version, new: Version, found: dict[str, list[str]]) -> str:
    now = datetime.now(UTC).strftime("%a %b %d %H:%M:%S %Y")
    lines = [
        f"------------------------Upgrade could not be run on {now}----------------------------",
        f"The instance could not be upgraded from {old.number} to {new.number} because of following reasons."
        " Please take appropriate action on databases that have usages incompatible with the requested major engine"
        " version upgrade and try again.",
    ]
    for database, said in found.items():
        lines.append(f"- Following usages in database '{database}' need to be corrected before upgrade:")
        lines += [f"-- {each}" for each in said]
    return "\n".join([*lines, "----------------------- END OF LOG ----------------------", ""])


def _working_below(room: Path) -> list[int]:
    found, here = [], str(room.resolve())
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            where = os.readlink(folder / "cwd")
            if where == here or where.startswith(f"{here}/"):
                found.append(int(folder.name))
    return found
