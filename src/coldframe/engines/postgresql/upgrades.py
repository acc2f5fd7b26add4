"""Another version in place: pg_upgrade on a copy of the files, so that the instance itself is never in between.

A minor version runs on the same files. A major one gets a copy of them, which pg_upgrade links into a new data directory.
"""

import shutil

from coldframe.core import process
from coldframe.engines import exchange
from coldframe.engines.database import DatabaseError, InstanceSpec, UpgradeRefused, Version
from coldframe.engines.postgresql import (
    admin,
    base_copy,
    layout,
    logical,
    pg_upgrade,
    programs,
    upgrade_check,
)
from coldframe.engines.postgresql.instances import Instances

_HOURS = 12 * 3600.0
# Where the newer data directory lies between `prepare` and `swap`.
_FRESH = "data.upgraded"


class PostgreSQLUpgrades:
    """The engine's upgrades."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def possible(self, old: Version, new: Version) -> bool:
        """Tell whether this machine has what brings an instance from one installed version to another."""
        if old.major == new.major:
            return True
        return (new.programs / "pg_upgrade").exists() and pg_upgrade.complete(
            self._instances, old.major
        ) is not None

    def check(self, spec: InstanceSpec, target: InstanceSpec) -> str:
        """Run pg_upgrade --check on a copy of the running instance, after looking for what it does not look for."""
        old, new = self._instances.version(spec), self._instances.version(target)
        if old.major == new.major:
            return ""
        found = upgrade_check.obstacles(spec)
        if found:
            raise UpgradeRefused(
                "Postgres cluster is in a state where pg_upgrade can not be completed successfully.",
                upgrade_check.report(old, new, found),
                "the precheck log of the instance says what to do",
            )
        with pg_upgrade.room(spec) as room:
            base_copy.take(spec, room / "old")
            try:
                return pg_upgrade.run(self._instances, spec, new, room, check=True)
            except process.ProgramFailed as problem:
                said = pg_upgrade.said(room)
                failed = [line for line in said.splitlines() if line.strip().endswith("fatal")]
                what = failed[-1].rsplit("  ", 1)[0].strip() if failed else "its check"
                raise UpgradeRefused(
                    f"pg_upgrade reported failure: {what}",
                    f"{problem}\n\n{said}",
                    "the precheck log has the details",
                ) from problem

    def prepare(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Stop the instance and make what the newer version will run on, beside it; raises DatabaseError."""
        old, new = self._instances.version(spec), self._instances.version(target)
        self._instances.stop(spec)
        fresh = spec.folder / _FRESH
        shutil.rmtree(fresh, ignore_errors=True)
        if old.major == new.major:
            return
        with pg_upgrade.room(spec) as room:
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
                pg_upgrade.run(self._instances, spec, new, room, check=False)
                pg_upgrade.finish(old, new, room / "new")
            except process.ProgramFailed as problem:
                raise DatabaseError(
                    f"pg_upgrade from {old.number} to {new.number} failed: {problem}\n{pg_upgrade.said(room)}",
                    "the instance goes on in its version",
                ) from problem
            (room / "new").rename(fresh)

    def swap(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Put what was prepared in place; both are stopped."""
        exchange.swap(spec.folder / _FRESH, layout.data(spec))

    def back(self, spec: InstanceSpec) -> None:
        """Put the data as they were before `swap` in place again; the instance is stopped."""
        pg_upgrade.clear(spec)
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
