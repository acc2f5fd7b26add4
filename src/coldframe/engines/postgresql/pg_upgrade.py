"""pg_upgrade itself: in a folder of its own, from a copy of a data directory that may be spoilt to a new one linked to it."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from coldframe.core import process
from coldframe.engines.database import DatabaseError, InstanceSpec, Version
from coldframe.engines.postgresql import admin, layout, programs, shared_objects, templates
from coldframe.engines.postgresql.instances import Instances
from coldframe.engines.postgresql.waiting import until

_HOURS = 12 * 3600.0
_ROOM = "upgrade-"
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
allow_in_place_tablespaces = on
"""
_ONLY_US = f"local all {admin.USER} trust\n"
# What the template of a version has that pg_upgrade does not carry over.
_TEMPLATE = (
    "UPDATE pg_catalog.pg_authid",
    "CREATE TABLESPACE",
    "GRANT CREATE ON TABLESPACE",
    "CREATE FUNCTION",
)


@contextlib.contextmanager
def room(spec: InstanceSpec) -> Iterator[Path]:
    """Give an empty folder of the unprivileged user's, that no earlier attempt works in; it is gone afterwards."""
    clear(spec)
    made = Path(tempfile.mkdtemp(prefix=_ROOM, dir=spec.folder))
    try:
        programs.own(made)
        yield made
    finally:
        clear(spec)


def clear(spec: InstanceSpec) -> None:
    """End what an attempt left running and remove its folder."""
    for left in spec.folder.glob(f"{_ROOM}*"):
        for pid in _working_below(left):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not until(lambda folder=left: not _working_below(folder), 30):  # type: ignore[misc]
            raise DatabaseError(f"processes of an earlier attempt are still in {left}", "end them")
        shutil.rmtree(left)


def complete(instances: Instances, major: str) -> Version | None:
    """Return an installed version of a major that has the programs that pg_upgrade wants of the older side."""
    fitting = [each for each in instances.versions.all() if each.major == major]
    return next((each for each in reversed(fitting) if (each.programs / "pg_controldata").exists()), None)


def run(instances: Instances, spec: InstanceSpec, new: Version, where: Path, *, check: bool) -> str:
    """Bring `where`/old, a copy of the instance's data, to `where`/new; returns what was said. Raises ProgramFailed."""
    old = complete(instances, instances.version(spec).major)
    if old is None:
        raise DatabaseError(
            f"the programs of PostgreSQL {spec.version} are not on this machine", "install them"
        )
    _keep_out(where / "old", (layout.data(spec) / "postgresql.conf").read_text(encoding="utf-8"))
    # Its folder is in the data directory itself, where pg_upgrade takes no tablespace from.
    _single(old, where / "old", ["DROP TABLESPACE IF EXISTS rds_temp_tablespace"])
    templates.initialise(new, where / "new")
    # The functions of some extensions can only be made when their library was loaded at the start.
    loaded = spec.settings.get("shared_preload_libraries", "pg_stat_statements").replace("'", "''")
    _keep_out(where / "new", f"shared_preload_libraries = '{loaded}'\n")
    # A socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="cf-") as sockets:
        programs.own(Path(sockets))
        command: list[str | Path] = [
            new.programs / "pg_upgrade",
            *("-b", old.programs, "-B", new.programs, "-d", where / "old", "-D", where / "new"),
            *("-U", admin.USER, "-s", sockets, "-p", "50432", "-P", "50433", "--link"),
            *("--jobs", str(min(8, os.cpu_count() or 1))),
            *(["--check"] if check else []),
        ]
        return _as_user(command, where)


def finish(old: Version, new: Version, data: Path) -> None:
    """Give a data directory that was upgraded what every instance has from its template; raises ProgramFailed."""
    statements = [
        each.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
        for each in templates.statements(new)
        if each.startswith(_TEMPLATE)
    ]
    if int(old.major) < 16 <= int(new.major):
        query = shared_objects.ADMINISTRATION
        loop = f"FOR each IN {query} LOOP EXECUTE each; END LOOP"
        statements.append(f"DO $$ DECLARE each text; BEGIN {loop}; END $$")
    _single(new, data, statements)


def said(where: Path) -> str:
    """Return what pg_upgrade wrote into its files: its own log, and the lists of what is in the way."""
    files = sorted((where / "new").glob("pg_upgrade_output.d/**/*"))
    wanted = [file for file in files if file.suffix == ".txt" or file.name == "pg_upgrade_internal.log"]
    return "\n".join(f"{file.name}:\n{file.read_text(encoding='utf-8', errors='replace')}" for file in wanted)


def _keep_out(data: Path, settings: str) -> None:
    """Write a configuration with which nobody but we reach a data directory's server."""
    for name, text in (
        ("postgresql.conf", settings + _CONFIGURATION.format(data=data)),
        ("postgresql.auto.conf", ""),
        ("pg_hba.conf", _ONLY_US),
        ("pg_ident.conf", ""),
    ):
        (data / name).write_text(text, encoding="utf-8")
    programs.own(data)


def _single(version: Version, data: Path, statements: Sequence[str]) -> None:
    """Recover a data directory, run statements in the administrator's database, and shut it down."""
    words: list[str | Path] = [
        version.programs / "postgres",
        *("--single", "-j", "-D", data, "-c", "exit_on_error=on"),
        admin.DATABASE,
    ]
    _as_user(words, data.parent, given="".join(f"{each};\n\n" for each in statements))


def _as_user(words: Sequence[str | Path], folder: Path, *, given: str | None = None) -> str:
    who = programs.let_in(words, folder)
    return process.run(
        words, folder=folder, environment=programs.ENVIRONMENT, account=who, timeout=_HOURS, given=given
    ).stdout


def _working_below(folder: Path) -> list[int]:
    found, here = [], str(folder.resolve())
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            where = str((each / "cwd").readlink())
            if where == here or where.startswith(f"{here}/"):
                found.append(int(each.name))
    return found
