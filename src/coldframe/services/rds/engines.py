"""The engines of RDS: the databases themselves, their endpoints, who signs their certificates, who tells of events."""

import shutil
from collections.abc import Callable

from coldframe.core.installation import Installation
from coldframe.engines.database import DatabaseEngine
from coldframe.engines.endpoint import Endpoints
from coldframe.engines.mariadb.endpoints import MariaDBEndpoints
from coldframe.engines.mariadb.server import MariaDB
from coldframe.engines.postgresql.endpoints import PostgreSQLEndpoints
from coldframe.engines.postgresql.engine import PostgreSQL
from coldframe.services.rds.certificates import Authority
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.token_sign_in import TokenSignIns


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts, settings = installation.parts, installation.settings
    engines: dict[str, Callable[[], DatabaseEngine]] = {
        "mariadb": lambda: MariaDB(settings.cache),
        "postgresql": lambda: PostgreSQL(settings.cache),
    }
    endpoints: dict[str, Callable[[], Endpoints]] = {
        "mariadb": MariaDBEndpoints,
        "postgresql": PostgreSQLEndpoints,
    }
    parts.provide(Databases, lambda: Databases(installation, engines, endpoints))
    parts.provide(Authority, lambda: Authority(settings.data_dir / "databases" / "ca", installation.clock))
    parts.provide(TokenSignIns, lambda: TokenSignIns(installation))
    parts.provide(Messenger, lambda: Messenger(installation))


def empty(installation: Installation) -> None:
    """Stop and remove every database, its endpoint, its snapshots and its archive (dev mode's reset)."""
    databases = installation.parts.get(Databases)
    with installation.store.read() as transaction:
        records = transaction.records("", "")
        instances = [row for _, _, row in records.everywhere(Instance)]
        clusters = records.everywhere(Cluster)
        doors = {row.id: row for _, _, row in records.everywhere(Endpoint)}
    for row in instances:
        engine, spec = databases.engine(row.engine), databases.spec(row)
        if row.endpoint in doors:
            databases.endpoints(row.engine).stop(databases.door(doors[row.endpoint]))
        engine.stop(spec, at_once=True)
        engine.destroy(spec)
    for name, door in doors.items():
        if name not in {row.endpoint for row in instances}:
            databases.endpoints(door.engine).stop(databases.door(door))
    for _, _, cluster in clusters:
        databases.engine(cluster.engine).destroy(databases.volume(cluster))
    for name in ("snapshots", "archive", "endpoints"):
        shutil.rmtree(databases.root / name, ignore_errors=True)
