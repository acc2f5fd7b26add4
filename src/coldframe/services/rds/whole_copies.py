"""The databases in a backup of everything: held between the steps of their jobs, copied followers first."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from coldframe.core.backup import BackupError, Disturbed, Tell, linked_tree, rows
from coldframe.core.config import Settings
from coldframe.core.store import Store
from coldframe.engines.accounts import NoAccount
from coldframe.engines.database import DatabaseEngine, DatabaseError, InstanceSpec
from coldframe.jobs.holding import LOOK, Gate
from coldframe.jobs.journal import JobRow, UnfinishedJob
from coldframe.services.rds import engine_names, sealed_trees, specs
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.engines import makers
from coldframe.services.rds.records import Instance, Snapshot
from coldframe.services.rds.sealed_trees import TreeBroken, place_of, sealed_file, sealed_files
from coldframe.services.rds.staged_copies import StagedCopies, encrypted, encrypted_in

# Jobs during which clients wait: they are not held between two steps, but waited for.
_PAUSES = frozenset(
    {"rds.switch-over", "rds.fail-over-cluster", "rds.recover-cluster", "rds.revive-instance"}
)
# How long a step may take until others go on meanwhile; how long is waited for those jobs, and for steps; in seconds.
_STEP, _PAUSE, _LONGEST = 2.0, 300.0, 6 * 3600.0
# Never changed once they are there: linked where the disk allows it.
_LINKED = ("snapshots", "archive")


class Copied(msgspec.Struct):
    """An instance, or the data of a cluster, in a copy: what it is called, its engine, what that is told of it, whom it follows."""

    name: str
    engine: str
    spec: InstanceSpec
    source: str = ""


class WholeCopiesOfDatabases:
    """The Consistent of RDS: `store` is the running one, `tell` hears how far it is.

    What is encrypted is copied to `staged`, which is encrypted too, and comes to the backup as sealed files.
    """

    def __init__(self, store: Store, settings: Settings, staged: StagedCopies, tell: Tell) -> None:
        self._store, self._settings, self._tell = store, settings, tell
        self._root = settings.data_dir / "databases"
        self._staged = staged
        self._gate = Gate(self._root)
        self._engines = Engines(settings.cache)
        self._held_since = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold all jobs of RDS between two steps meanwhile, none of them with clients waiting; raises BackupError."""
        never, began = threading.Event(), time.monotonic()
        while True:
            busy = self._pausing()
            patient = time.monotonic() - began < _PAUSE
            if not (busy and patient):
                with self._gate.closed(never.wait, _STEP) as closed:
                    if closed and not (self._pausing() and patient):
                        self._held_since = time.time()
                        yield
                        return
                busy = self._unfinished()
            names = ", ".join(sorted({row.name for row in busy}))
            if time.monotonic() - began > _LONGEST:
                raise BackupError(
                    f"the databases are being changed for hours ({names}): try again when that is done"
                )
            self._tell(f"waiting for {names}", 0, 0)
            never.wait(4 * LOOK)

    def copy(self, records: Path, destination: Path) -> None:
        """Copy what the copied records name; raises BackupError, and Disturbed when a database waits to be started again."""
        self._staged.empty()
        found = in_order(self._copied(records))
        for name in ("ca", *_LINKED):
            if (self._root / name).exists():
                self._tell(f"copying the databases' {name}", 0, len(found))
                self._copy_folder(name, destination / "databases")
        try:
            with ExitStack() as stack:
                places = {}
                for each in found:
                    places[each.spec.name] = place = self._place(each, destination)
                    stack.enter_context(self._engines.of(each).whole_copies.retain(each.spec, place))
                for number, each in enumerate(found):
                    if any(row.created > self._held_since for row in self._pausing()):
                        raise Disturbed("a database has ended and is to be started again")
                    self._tell(f"copying the database {each.name}", number, len(found))
                    self._engines.of(each).whole_copies.take(each.spec, places[each.spec.name])
        except (DatabaseError, NoAccount) as error:
            if self._pausing():
                raise Disturbed(str(error)) from error
            hint = getattr(error, "hint", "")
            raise BackupError(
                f"the databases could not be copied: {error}" + (f" ({hint})" if hint else "")
            ) from error

    def finish(self, records: Path, destination: Path) -> None:
        """Make the copies consistent that the engines left raw, and seal those of what is encrypted, once they were checked."""
        found = self._copied(records)
        for number, each in enumerate(found):
            self._tell(f"preparing the database {each.name}", number, len(found))
            staged = self._staged.has(each.spec.name)
            place = self._staged.at(each.spec.name) if staged else destination / "databases" / each.spec.name
            whole = self._engines.of(each).whole_copies
            try:
                whole.finish(each.spec, place)
                if staged:
                    # Nobody can look into it later without the master key.
                    whole.check(each.name, place)
            except DatabaseError as error:
                raise BackupError(f"the copy of {each.name} cannot be made consistent: {error}") from error
        names = self._staged.names
        for number, name in enumerate(names):
            self._tell("sealing what is encrypted", number, len(names))
            self._staged.seal(name, destination / "databases")

    def _copied(self, records: Path) -> list[Copied]:
        """Return what is copied: nobody can have what KMS does not give the key of."""
        return [
            each for each in copied(records, self._settings) if not self._staged.closed(each.spec.folder.name)
        ]

    def _place(self, each: Copied, destination: Path) -> Path:
        """Make the folder of a database's copy: in the backup, or where it stays encrypted until it is sealed."""
        if encrypted(each.spec.folder):
            return self._staged.begin(each.spec.name)
        place = destination / "databases" / each.spec.name
        place.mkdir(mode=0o700, parents=True)
        return place

    def _copy_folder(self, name: str, target: Path) -> None:
        """Copy a folder whose files never change once they are there, but what in it is encrypted to where that stays so."""
        kept = encrypted_in(self._root / name)
        if not kept:
            linked_tree(self._root / name, target / name, link=name in _LINKED)
            return
        for path in sorted((self._root / name).iterdir()):
            inside = f"{name}/{path.name}"
            if path in kept and not self._staged.closed(inside):
                self._staged.link(inside)
            elif path not in kept:
                linked_tree(path, target / name / path.name)

    def _pausing(self) -> list[JobRow]:
        """Return the jobs during which clients wait; one that fails again and again is waited for by nobody."""
        return [
            row
            for row in self._unfinished()
            if row.name in _PAUSES and not (row.error and (row.committed or row.turned_back))
        ]

    def _unfinished(self) -> list[JobRow]:
        with self._store.read() as transaction:
            records = transaction.records("", "")
            places = records.list(UnfinishedJob)
            found = [
                records.elsewhere(account=place.account, region=place.region).find(JobRow, place.id)
                for place in places
            ]
        return [row for row in found if row is not None and row.name.startswith("rds.")]


class Engines:
    """The engines that copies are made and checked with, each made when it is needed."""

    def __init__(self, cache: Path) -> None:
        self._makers = makers(cache)
        self._made: dict[str, DatabaseEngine] = {}

    def of(self, each: Copied) -> DatabaseEngine:
        """Return the engine of one."""
        part = engine_names.named(each.engine).part
        if part not in self._made:
            self._made[part] = self._makers[part]()
        return self._made[part]


def copied(records: Path, settings: Settings) -> list[Copied]:
    """Return what is copied of what a copied store names, in the place that it has in the data directory of `settings`.

    A reader of a cluster that is well has nothing that its writer has not: it is made again from the writer's copy.
    """
    clusters = {row.resource_id: row for row in rows(records, Cluster)}
    instances = rows(records, Instance)
    names = {row.resource_id for row in instances}
    found = [
        Copied(row.identifier, row.engine, specs.of_instance(settings, row), row.source)
        for row in instances
        if not _made_again(row, clusters.get(row.cluster), names)
    ]
    found += [
        Copied(row.identifier, row.engine, specs.of_volume(settings, row))
        for row in clusters.values()
        if row.volume and row.volume not in names
    ]
    return [each for each in found if _there(each.spec.folder)]


def absent(records: Path, directory: Path) -> list[str]:
    """Return the databases and snapshots that ought to be in a backup and are not.

    KMS did not give their keys when it was made; or an older version made it, which had snapshots alone.
    """
    clusters = {row.resource_id: row for row in rows(records, Cluster)}
    instances = rows(records, Instance)
    names, root = {row.resource_id for row in instances}, directory / "databases"
    found = {
        row.identifier: root / row.resource_id
        for row in instances
        if row.ready
        and row.status not in {"deleting", "failed"}
        and not _made_again(row, clusters.get(row.cluster), names)
    }
    found |= {
        row.identifier: root / row.volume
        for row in clusters.values()
        if row.laid_in and row.volume and row.volume not in names
    }
    kinds: tuple[type[Snapshot | ClusterSnapshot], ...] = (Snapshot, ClusterSnapshot)
    found |= {
        f"snapshot {row.identifier}": root / "snapshots" / row.folder
        for kind in kinds
        for row in rows(records, kind)
        if row.status == "available"
    }
    return sorted(name for name, folder in found.items() if not _there(folder))


def in_order(found: list[Copied]) -> list[Copied]:
    """Return followers before whom they follow."""
    sources = {each.spec.name: each.source for each in found}

    def depth(name: str) -> int:
        passed: list[str] = []
        while name and name not in passed:
            passed.append(name)
            name = sources.get(name, "")
        return len(passed)

    return sorted(found, key=lambda each: (-depth(each.spec.name), each.name))


def check(
    records: Path, directory: Path, cache: Path, tell: Tell, key: X25519PrivateKey | None = None
) -> None:
    """Look whether every database of a backup is there and sound; raises BackupError.

    What is sealed is opened where there is the `key`, and was looked at by its engine before it was sealed.
    """
    engines = Engines(cache)
    found = copied(records, Settings(data_dir=directory))
    for number, each in enumerate(found):
        if sealed_file(each.spec.folder).exists():
            continue
        tell(f"checking the database {each.name}", number, len(found))
        try:
            engines.of(each).whole_copies.check(each.name, each.spec.folder)
        except DatabaseError as error:
            raise BackupError(f"{error}: the backup cannot be used for it") from error
    if key is None:
        return
    sealed = sealed_files(directory / "databases")
    for number, (name, file) in enumerate(sealed.items()):
        tell("opening what is sealed", number, len(sealed))
        try:
            sealed_trees.check_tree(file, key, place_of(name))
        except TreeBroken as error:
            raise BackupError(f"{error}: the backup cannot be used for it") from error


def _there(folder: Path) -> bool:
    return folder.exists() or sealed_file(folder).exists()


def _made_again(row: Instance, cluster: Cluster | None, names: set[str]) -> bool:
    well = cluster is not None and cluster.status == "available" and cluster.writer in names
    return (
        cluster is not None
        and well
        and row.source == cluster.writer
        and row.status == "available"
        and bool(row.ready)
        and not row.note
    )
