"""Databases of a server that is dead, looked at past it: which of them take writes."""

from pathlib import Path
from typing import Any

from coldframe.core.config import default_cache_dir
from coldframe.engines.database import InstanceSpec
from coldframe.engines.mariadb.server import MariaDB
from coldframe.engines.postgresql.engine import PostgreSQL


class SeenDatabases:
    """The databases of some DB instances, as they are described, of one engine."""

    def __init__(self, data: Path, instances: list[dict[str, Any]]) -> None:
        engine = MariaDB if instances[0]["Engine"] == "mariadb" else PostgreSQL
        self.engine = engine(default_cache_dir())
        self.specs = {
            each["DBInstanceIdentifier"]: InstanceSpec(
                name=each["DbiResourceId"],
                version=each["EngineVersion"],
                folder=data / "databases" / each["DbiResourceId"],
                serial=1,
            )
            for each in instances
        }

    def writable(self) -> list[str]:
        """The identifiers of those that take writes, in the order in which they were given."""
        found = {name: self.engine.status(spec) for name, spec in self.specs.items()}
        return [name for name, each in found.items() if each.state == "running" and not each.read_only]

    def pid(self, name: str) -> int:
        """The process of one that runs."""
        return self.engine.reattach(self.specs[name]).pid
