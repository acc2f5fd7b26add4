"""Another version in place: a copy of the stopped instance's data, brought up by the newer server and mariadb-upgrade."""

import shutil

from coldframe.core import process
from coldframe.engines import exchange
from coldframe.engines.database import DatabaseError, InstanceSpec, UpgradeRefused, Version
from coldframe.engines.mariadb import physical, versions
from coldframe.engines.mariadb.instances import Instances
from coldframe.engines.mariadb.places import Place


class MariaDBUpgrades:
    """The Upgrades of MariaDB."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def possible(self, old: Version, new: Version) -> bool:
        """Tell whether this machine has what brings an instance from one installed version to another."""
        return versions.program(new.programs, "mariadb-upgrade") is not None

    def check(self, spec: InstanceSpec, target: InstanceSpec) -> str:
        """Look for tables of storage engines that the newer version may lack; raises UpgradeRefused."""
        with self._instances.client(spec) as client:
            prepared = client.query("XA RECOVER")
        if prepared:
            names = ", ".join(row["data"] or "" for row in prepared)
            text = f"there are prepared XA transactions: {names}"
            raise UpgradeRefused(text, f"{text}\nCommit or roll them back and try again.\n")
        return ""

    def prepare(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Stop the instance and make what the newer version will run on, beside it; raises DatabaseError."""
        place, old = Place(spec), self._instances.version(spec)
        if self._instances.reattach(spec) is not None and not self._upgrading(spec):
            with self._instances.client(spec) as client:
                # Everything is merged and purged: the newer version finds no log of the older one.
                client.query("SET GLOBAL innodb_fast_shutdown = 0")
        self._instances.stop(spec)
        self._instances.empty(place.incoming)
        try:
            # Copied as the account, which then owns every file.
            process.run(
                ["cp", "-a", "--reflink=auto", f"{place.data}/.", place.incoming],
                account=self._instances.account(),
                timeout=6 * 3600,
            )
        except process.ProgramFailed as problem:
            raise DatabaseError(
                f"{spec.name} could not be copied: {problem}", "is there room on the disk?"
            ) from problem
        physical.upgrade(self._instances, target, place.kept(), old.number)

    def swap(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Put what was prepared in place; both are stopped."""
        exchange.swap(Place(spec).incoming, Place(spec).data)

    def back(self, spec: InstanceSpec) -> None:
        """Put the data as they were before `swap` in place again; the instance is stopped."""
        shutil.rmtree(Place(spec).incoming, ignore_errors=True)
        exchange.back(Place(spec).data)

    def settle(self, target: InstanceSpec) -> None:
        """Throw away the data of the older version."""
        exchange.settle(Place(target).data)

    def complete(self, target: InstanceSpec) -> None:
        """Do nothing: mariadb-upgrade has done everything, and statistics are kept."""

    def _upgrading(self, spec: InstanceSpec) -> bool:
        """Tell whether what runs is the newer version over the copy, which an attempt that was interrupted left."""
        with self._instances.client(spec) as client:
            return client.value("SELECT @@global.datadir").rstrip("/") == str(Place(spec).incoming)
