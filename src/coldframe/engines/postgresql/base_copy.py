"""A consistent copy of an instance's files, of any version: PostgreSQL's own low-level backup, on one machine.

pg_basebackup refuses a server that is newer than itself, and the unpacked versions bring no client programs.
"""

import os
import re
import shutil
from pathlib import Path

from coldframe.core import durable
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import admin, layout, programs

# Of these a copy needs the folder alone.
_EMPTY = {
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
    "pg_replslot",
}
_LEFT = {
    "postmaster.pid",
    "postmaster.opts",
    "standby.signal",
    "recovery.signal",
    "backup_label",
    "tablespace_map",
}
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")


def take(spec: InstanceSpec, target: Path, *, slots: Path | None = None) -> str:
    """Write the files of an instance, running or stopped, and the log that makes them consistent, into `target`.

    `slots` is a folder of replication slots as they were before; the copy has them, and all of the log that there is.
    Returns the position at which the copy is consistent; raises DatabaseError.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, mode=0o700)
    source = layout.data(spec)
    try:
        if layout.running(spec) is None:
            _files(source, target)
            copy_log(source, target / "pg_wal")
            return ""
        with admin.connected(layout.socket(spec), timeout=3600) as connection:
            # The log since the start of the copy must still be there at its end.
            slot = f"coldframe_copy_{connection.value('SELECT pg_backend_pid()')}"
            connection.query(f"SELECT pg_create_physical_replication_slot('{slot}', true, true)")
            connection.query("SELECT pg_backup_start('coldframe', true)")
            _files(source, target)
            end, label = connection.query("SELECT lsn, labelfile FROM pg_backup_stop(false)")[0]
            (target / "backup_label").write_text(str(label), encoding="utf-8")
            begin = _SEGMENT.search(str(label))
            # Later segments are old ones, waiting to be written again; one in recovery cannot tell which.
            recovers = connection.value("SELECT pg_is_in_recovery()") == "t"
            # Asked apart: the planner works out the name of a constant, which is refused in recovery.
            last = "" if recovers else connection.value(f"SELECT pg_walfile_name('{end}')")
            since = begin[0] if begin and slots is None else ""
            copy_log(source, target / "pg_wal", since=since, finished=f"{last or ''}~")
            if slots is not None:
                shutil.copytree(slots, target / "pg_replslot", dirs_exist_ok=True)
            if begin is None or not (target / "pg_wal" / begin[0]).exists():
                raise DatabaseError(f"the log of {spec.name} was reused while it was copied", "try again")
            return str(end)
    except OSError as error:
        raise DatabaseError(
            f"{spec.name} could not be copied: {error}", "see that there is space on the disk"
        ) from error
    finally:
        programs.own(target)


def copy_log(
    source: Path, target: Path, *, since: str = "", finished: str = "~", anew: bool = False
) -> list[str]:
    """Copy segments of the log from one of a name on and before another, and the histories of timelines.

    Answers the names of the segments; one that is in the target already is not copied again, but with `anew`.
    """
    target.mkdir(exist_ok=True)
    log = source / "pg_wal" if (source / "pg_wal").exists() else source
    found = []
    for file in sorted(log.iterdir()):
        if _HISTORY.fullmatch(file.name) or (_SEGMENT.fullmatch(file.name) and since <= file.name < finished):
            if anew or not (target / file.name).exists():
                durable.copy(file, target / file.name)
            found.append(file.name)
    durable.sync_folder(target)
    return [name for name in found if _SEGMENT.fullmatch(name)]


def _files(source: Path, target: Path) -> None:
    """Copy what is there; files may come and go meanwhile, and what they hold is repaired by the log."""
    for folder, folders, files in os.walk(source):
        inside = Path(folder).relative_to(source)
        top = inside == Path()
        for name in list(folders):
            (target / inside / name).mkdir(mode=0o700, exist_ok=True)
            # A link leads to scratch storage: a copy has its own, or a folder in its place.
            scratch = (Path(folder) / name).is_symlink() or name.startswith("pgsql_tmp")
            if scratch or (top and name in _EMPTY | {"pg_wal"}):
                folders.remove(name)
        for name in files:
            if (top and (name in _LEFT or name.endswith(".new"))) or (inside / name) == Path(
                "global/pg_control"
            ):
                continue
            _file(Path(folder) / name, target / inside / name)
    # Last, so that it never says more than what the files before it have.
    _file(source / "global" / "pg_control", target / "global" / "pg_control")


def _file(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        # Dropped since its folder was read.
        return
    target.chmod(0o600)
