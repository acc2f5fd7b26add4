"""Whole copies of instances for a backup of everything: data, binary logs and what is remembered, running or not."""

import contextlib
import os
import re
import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec

from coldframe.core import durable, process
from coldframe.core.struct_types import whole
from coldframe.engines.accounts import give, let_through, private_folder
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.mariadb import physical
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.physical import Taken
from coldframe.engines.mariadb.places import Place

_HOURS = 6 * 3600.0
_LOG = re.compile(r"binlog\.\d{6,}")
# Says what a raw copy waits for; gone when it was made consistent.
_RAW = "coldframe-raw.json"
# Whom an instance followed: it is told anew when it runs, and might find somebody else at that address meanwhile.
_FOLLOWED = re.compile(r"(multi-)?master(-.*)?\.info|relay-log(-.*)?\.info")
# The words of different versions.
_PREPARED = {"full-prepared", "log-applied"}
_OF_PROCESSES = {"run", "tmp", "process.json"}


class MariaDBWholeCopies:
    """The WholeCopies of MariaDB."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def retain(self, spec: InstanceSpec, folder: Path) -> AbstractContextManager[None]:
        """Do nothing: binary logs are kept for a week."""
        return nullcontext()

    def take(self, spec: InstanceSpec, folder: Path) -> None:
        """Copy an instance into an empty folder, running or stopped, so that it can be started there as it was."""
        account, running = self._instances.account(), self._instances.reattach(spec) is not None
        place, copied = Place(spec), Place(msgspec.structs.replace(spec, folder=folder))
        let_through(account, folder)
        left = _OF_PROCESSES | ({"data", "binlogs"} if running else set())
        for path in sorted(place.folder.iterdir()):
            if path.name not in left:
                _copy(path, folder / path.name)
        if running:
            private_folder(account, copied.data)
            taken = physical.take(self._instances, spec, copied.data)
            durable.write(folder / _RAW, msgspec.json.encode(taken))
            private_folder(account, copied.binlogs)
            self._copy_logs(place.binlogs, copied.binlogs, taken)
        elif copied.data.exists():
            for path in copied.data.iterdir():
                if _FOLLOWED.fullmatch(path.name):
                    path.unlink()
        if copied.binlogs.exists():
            for path in copied.binlogs.glob("relay*"):
                path.unlink()

    def finish(self, spec: InstanceSpec, folder: Path) -> None:
        """Make a copy that was taken of a running instance consistent; nothing for others."""
        raw = folder / _RAW
        with contextlib.suppress(FileNotFoundError):
            taken = msgspec.json.decode(raw.read_bytes(), type=whole(Taken))
            physical.prepare(self._instances, taken.version, folder / "data")
            raw.unlink()

    def check(self, name: str, folder: Path) -> None:
        """Look whether a finished copy is sound, by the checksums of its pages; raises DatabaseError."""
        data = folder / "data"
        if (folder / _RAW).exists():
            raise DatabaseError(f"the copy of {name} was not finished")
        if not data.exists():
            return
        about = _said(data)
        if about is not None and about.get("backup_type") not in _PREPARED:
            raise DatabaseError(f"the copy of {name} is not consistent: {about.get('backup_type')}")
        if about is None:
            # As it lay: pages that a crash left torn are mended by its first start.
            return
        program = process.find("innochecksum")
        for file in sorted(data.rglob("*.ibd")) if program is not None else []:
            try:
                process.run([str(program), file], timeout=_HOURS)
            except process.ProgramFailed as problem:
                raise DatabaseError(
                    f"{file.relative_to(folder)} of {name} is damaged: {problem}"
                ) from problem

    def adopt(self, spec: InstanceSpec) -> None:
        """Give the files of a copy that was brought here to the user that instances run as."""
        place, account = Place(spec), self._instances.account()
        for folder in (
            place.data,
            place.binlogs,
            place.files,
            place.slow_log.parent,
            place.general_log.parent,
        ):
            for path in (folder, *folder.rglob("*")) if folder.exists() else ():
                give(account, path)
        if place.first_statements.exists():
            give(account, place.first_statements)

    def _copy_logs(self, source: Path, target: Path, taken: Taken) -> None:
        """Copy the binary logs up to the moment of the copy; the last one ends there."""
        account = self._instances.account()
        kept = []
        for path in _logs(source):
            if _number(path.name) > _number(taken.log):
                continue
            try:
                shutil.copyfile(path, target / path.name)
            except FileNotFoundError:
                # Purged since its folder was read.
                (target / path.name).unlink(missing_ok=True)
                continue
            kept.append(path.name)
        if not kept or kept[-1] != taken.log:
            raise DatabaseError(f"the binary log {taken.log} went away while it was copied", "try again")
        os.truncate(target / taken.log, taken.offset)
        for name in kept:
            (target / name).chmod(0o600)
            give(account, target / name)
        lines = "".join(f"{target / name}\n" for name in kept)
        durable.write(target / "binlog.index", lines.encode(), owner=account)


def _logs(folder: Path) -> list[Path]:
    return sorted(
        (path for path in folder.iterdir() if _LOG.fullmatch(path.name)), key=lambda path: _number(path.name)
    )


def _number(log: str) -> int:
    return int(log.rpartition(".")[2])


def _said(data: Path) -> dict[str, str] | None:
    """Return what mariadb-backup wrote of a copy; None for one that it did not make."""
    for name in ("mariadb_backup_checkpoints", "xtrabackup_checkpoints"):
        if (data / name).exists():
            lines = (data / name).read_text(encoding="utf-8").splitlines()
            return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    return None


def _copy(path: Path, target: Path) -> None:
    try:
        process.run(["cp", "-a", "--reflink=auto", path, target], timeout=_HOURS)
    except process.ProgramFailed as problem:
        raise DatabaseError(
            f"the files could not be copied: {problem}", "see that there is space on the disk"
        ) from problem
