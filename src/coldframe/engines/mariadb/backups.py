"""Back-ups of an instance in a folder, archived binary logs, and restores to any moment that both reach."""

import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from coldframe.core import durable, process
from coldframe.core.struct_types import whole
from coldframe.engines.accounts import give, let_through, private_folder
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.mariadb import physical, versions
from coldframe.engines.mariadb.client import quoted
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.physical import Taken
from coldframe.engines.mariadb.places import Place
from coldframe.engines.mariadb.template import ENVIRONMENT

_ABOUT = "coldframe-backup.json"
_LOG = re.compile(r"binlog\.\d{6,}$")


class MariaDBBackups:
    """The Backups of MariaDB."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def back_up(self, spec: InstanceSpec, folder: Path) -> str:
        """Write a consistent copy of a running or stopped instance into an empty folder; return its position."""
        ran = self._instances.reattach(spec) is not None
        if not ran:
            # Started for the time of the copy, and read-only: only a running one knows its position.
            self._instances.start(msgspec.structs.replace(spec, read_only=True))
        try:
            account = self._instances.account()
            private_folder(account, folder)
            let_through(account, folder)
            taken = physical.take(self._instances, spec, folder)
        finally:
            if not ran:
                self._instances.stop(spec)
        durable.sync_tree(folder)
        durable.write(folder / _ABOUT, msgspec.json.encode(taken))
        return taken.position

    def restore(
        self, folder: Path, target: InstanceSpec, *, logs: Path | None = None, until: float | None = None
    ) -> None:
        """Lay in the target from a back-up; with `logs`, replay archived changes up to `until` (seconds since 1970)."""
        place = Place(target)
        if place.data.exists():
            return
        taken = _about(folder)
        self._instances.version(target)
        place.lay_out(self._instances.account())
        self._instances.empty(place.incoming)
        # A back-up may lie where the account cannot read it, so that we copy and then give away.
        process.run(["cp", "-r", "--reflink=auto", f"{folder}/.", place.incoming], timeout=6 * 3600)
        (place.incoming / _ABOUT).unlink()
        for path in place.incoming.rglob("*"):
            give(self._instances.account(), path)
        physical.prepare(self._instances, taken.version, place.incoming)
        if logs is not None:
            self._replay(target, taken, logs, until)
        physical.lay_in(self._instances, target, taken, follows=False)

    def archive(self, spec: InstanceSpec, folder: Path) -> float:
        """Copy the changes that are not archived yet into `folder`; return up to which moment one can now restore."""
        place = Place(spec)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._instances.client(spec) as client:
            moment = time.time()
            client.query("FLUSH NO_WRITE_TO_BINLOG BINARY LOGS")
            names = [row["Log_name"] or "" for row in client.query("SHOW BINARY LOGS")]
        for name in names[:-1]:
            if _LOG.fullmatch(name) and not (folder / name).exists():
                durable.copy(place.binlogs / name, folder / name)
        durable.sync_folder(folder)
        return moment

    def _replay(self, target: InstanceSpec, taken: Taken, logs: Path, until: float | None) -> None:
        """Start the copy alone, in the version that it was taken from, and feed it what the archived logs have."""
        files = _unbroken(logs, taken.log)
        if not files:
            return
        place, version = Place(target), self._instances.named_version(taken.version)
        same = msgspec.structs.replace(target, version=version.number)
        stop = [f"--stop-datetime={datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S}"] if until else []
        reader = versions.needed(version, "mariadb-binlog")
        feeder = versions.needed(version, "mariadb")
        # Files that statements have loaded are unpacked on the way: beside the data, which may be encrypted.
        loaded = private_folder(process.own_account(), place.folder / "loaded")
        self._instances.launch(same, place.kept(), [f"--datadir={place.incoming}", *physical.ALONE])
        try:
            self._instances.await_answer(same)
            process.pipe(
                [
                    reader,
                    "--no-defaults",
                    f"--local-load={loaded}",
                    f"--start-position={taken.offset}",
                    *stop,
                    *files,
                ],
                [
                    feeder,
                    "--no-defaults",
                    "--binary-mode",
                    "--skip-ssl",
                    f"--socket={place.socket.name}",
                    f"--user={process.own_account().name}",
                ],
                folder=place.run,
                environment=ENVIRONMENT,
            )
            with self._instances.client(same) as client:
                client.query(f"SET GLOBAL gtid_slave_pos = {quoted('')}")
        except process.ProgramFailed as problem:
            raise DatabaseError(
                f"the archived changes could not be replayed into {target.name}: {problem}",
                "choose a moment before the change that fails",
            ) from problem
        finally:
            self._instances.stop(same)
            shutil.rmtree(loaded)


def _about(folder: Path) -> Taken:
    try:
        return msgspec.json.decode((folder / _ABOUT).read_bytes(), type=whole(Taken))
    except FileNotFoundError as problem:
        raise DatabaseError(
            f"there is no back-up in {folder.name}", "it was not finished; take another"
        ) from problem


def _unbroken(logs: Path, first: str) -> list[Path]:
    """Return the archived logs from the first on; raises DatabaseError where one is missing."""
    files = sorted(path for path in logs.iterdir() if _LOG.fullmatch(path.name) and path.name >= first)
    begin = int(first.rpartition(".")[2])
    for number, path in enumerate(files, begin):
        if int(path.name.rpartition(".")[2]) != number:
            raise DatabaseError(
                f"the archive lacks binlog.{number:06}",
                "restore to the last moment before it, or to the back-up",
            )
    return files
