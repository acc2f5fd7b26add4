"""Physical copies by mariadb-backup: taken from a running instance, prepared, laid in, brought to another version."""

from pathlib import Path

import msgspec

from coldframe.core import durable, process
from coldframe.engines.accounts import let_through
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.mariadb import versions
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.places import Kept, Place
from coldframe.engines.mariadb.template import ENVIRONMENT

# An instance that nobody but us talks to, and that writes no binary log.
ALONE = ("--skip-networking", "--skip-slave-start", "--skip-log-bin", "--read-only=ON")
_HOURS = 6 * 3600.0
# The file of the moment of the copy: the binary log, the offset in it, and the GTID position, tab-separated.
_MOMENTS = ("mariadb_backup_binlog_info", "xtrabackup_binlog_info")


class Taken(msgspec.Struct):
    """A copy: of which version, at which position, and where in the binary log the changes after it begin."""

    version: str
    position: str
    log: str
    offset: int


def take(instances: Instances, source: InstanceSpec, folder: Path) -> Taken:
    """Copy a running instance into an empty folder of the account's."""
    version, account, place = instances.version(source), instances.account(), Place(source)
    command: list[str | Path] = [
        versions.needed(version, "mariadb-backup"),
        f"--defaults-file={place.configuration}",
        "--backup",
        f"--target-dir={folder}",
        f"--user={account.name}",
        "--skip-ssl",
        # Relative to the data directory, in which it works: the path may be longer than a socket's may be.
        "--socket=../run/db.sock",
        "--parallel=2",
        # In milliseconds. It ends with the source's commits stopped until its log has been looked at once more.
        "--log-copy-interval=20",
    ]
    _run(command, place.data, f"{source.name} could not be copied", instances)
    log, offset, position = _moment(folder)
    return Taken(version.number, position, log, offset)


def prepare(instances: Instances, version: str, folder: Path) -> None:
    """Make a raw copy consistent, with the version that took it."""
    program = versions.needed(instances.named_version(version), "mariadb-backup")
    _run(
        [program, "--no-defaults", "--prepare", f"--target-dir={folder}"],
        folder,
        "the copy is not usable",
        instances,
    )


def lay_in(instances: Instances, target: InstanceSpec, taken: Taken, *, follows: bool = True) -> None:
    """Let a prepared copy in the incoming folder become the data of an instance, upgraded to its version."""
    place = Place(target)
    kept = Kept(read_only=target.read_only, position=taken.position if follows else None)
    place.keep(kept)
    instances.empty(place.binlogs)
    if instances.version(target).major != instances.named_version(taken.version).major:
        upgrade(instances, target, kept, taken.version)
    durable.rename_tree(place.incoming, place.data)


def upgrade(instances: Instances, target: InstanceSpec, kept: Kept, old: str) -> None:
    """Run the newer version on the copy in the incoming folder, alone and without a binary log, until its tables are its own."""
    place, version = Place(target), instances.version(target)
    if versions.order(version.number) < versions.order(old):
        raise DatabaseError(
            f"a copy of MariaDB {old} cannot become {version.number}",
            "choose the same version or a newer one",
        )
    instances.launch(target, kept, [f"--datadir={place.incoming}", *ALONE])
    try:
        instances.await_answer(target)
        program = versions.needed(version, "mariadb-upgrade")
        let_through(instances.account(), program.parent)
        command: list[str | Path] = [
            program,
            "--no-defaults",
            f"--socket={place.socket.name}",
            f"--user={process.own_account().name}",
        ]
        process.run(
            [*command, "--skip-ssl", "--silent"], folder=place.run, environment=ENVIRONMENT, timeout=_HOURS
        )
    except process.ProgramFailed as problem:
        raise DatabaseError(
            f"{target.name} could not be upgraded to {version.number}: {problem}",
            "mend the tables that it names on the source and copy again",
        ) from problem
    finally:
        instances.stop(target)


def _moment(folder: Path) -> tuple[str, int, str]:
    for name in _MOMENTS:
        file = folder / name
        if file.exists():
            log, offset, position = (file.read_text(encoding="utf-8").rstrip("\n") + "\t").split("\t")[:3]
            return Path(log).name, int(offset), position.replace("\n", "")
    raise DatabaseError("the copy does not say its position", "the instance needs a binary log to be copied")


def _run(command: list[str | Path], folder: Path, failure: str, instances: Instances) -> None:
    try:
        process.run(
            command, folder=folder, environment=ENVIRONMENT, timeout=_HOURS, account=instances.account()
        )
    except process.ProgramFailed as problem:
        raise DatabaseError(f"{failure}: {problem}", "is there room on the disk?") from problem
