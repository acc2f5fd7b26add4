"""The engines of RDS: the databases themselves, their endpoints, who signs their certificates, who tells of events."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from coldframe.core.installation import Installation
from coldframe.engines.database import DatabaseEngine
from coldframe.engines.endpoint import Endpoints
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.clusters.volumes import volume_of
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.looks import Looks
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.token_sign_in import TokenSignIns


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts, settings = installation.parts, installation.settings
    engines = makers(settings.cache)
    endpoints = door_makers()
    parts.provide(Databases, lambda: Databases(installation, engines, endpoints))
    parts.provide_unloaded("coldframe.services.rds.certificates.Authority", partial(_authority, installation))
    parts.provide_unloaded("coldframe.services.rds.probing.Probing", partial(_probing, installation))
    parts.provide_unloaded(
        "coldframe.services.rds.open_for_backups.OpenForBackups", partial(_open_for_backups, installation)
    )
    parts.provide(TokenSignIns, lambda: TokenSignIns(installation))
    parts.provide(Looks, Looks)
    parts.provide(Messenger, lambda: Messenger(installation))


def makers(cache: Path) -> Mapping[str, Callable[[], DatabaseEngine]]:
    """Return how each engine is made, by its part of this installation; `cache` holds versions and templates."""
    return {"mariadb": partial(_mariadb, cache), "postgresql": partial(_postgresql, cache)}


def door_makers() -> Mapping[str, Callable[[], Endpoints]]:
    """Return how what runs the endpoints of each engine is made, by its part of this installation."""
    return {"mariadb": _mariadb_endpoints, "postgresql": _postgresql_endpoints}


def _authority(installation: Installation) -> object:
    from coldframe.services.rds.certificates import Authority

    return Authority(installation.settings.data_dir / "databases" / "ca", installation.clock)


# What it hands on to are jobs, which are loaded after the engines.
def _probing(installation: Installation) -> object:
    from coldframe.services.rds.probing import Probing

    return Probing(installation)


def _open_for_backups(installation: Installation) -> object:
    from coldframe.services.rds.open_for_backups import OpenForBackups

    return OpenForBackups(installation)


# An engine is loaded when there is a database for it.
def _mariadb(cache: Path) -> DatabaseEngine:
    from coldframe.engines.mariadb.server import MariaDB

    return MariaDB(cache)


def _postgresql(cache: Path) -> DatabaseEngine:
    from coldframe.engines.postgresql.engine import PostgreSQL

    return PostgreSQL(cache)


def _mariadb_endpoints() -> Endpoints:
    from coldframe.engines.mariadb.endpoints import MariaDBEndpoints

    return MariaDBEndpoints()


def _postgresql_endpoints() -> Endpoints:
    from coldframe.engines.postgresql.endpoints import PostgreSQLEndpoints

    return PostgreSQLEndpoints()


def empty(installation: Installation) -> None:
    """Stop and remove every database, its endpoint, its snapshots and its archive (dev mode's reset)."""
    databases = installation.parts.get(Databases)
    # The records go first: who sees one without its database would have that started again.
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        instances, clusters = list(records.everywhere(Instance)), list(records.everywhere(Cluster))
        doors = {row.id: row for _, _, row in records.everywhere(Endpoint)}
        for account, region, gone in (*instances, *clusters):
            transaction.records(account, region).remove(gone)
    for _, _, instance in instances:
        engine, spec = databases.engine(instance.engine), databases.spec(instance)
        # Supervision starts no endpoint whose database is gone; one that it has started before is found here.
        engine.stop(spec, at_once=True)
        engine.destroy(spec)
        if not instance.cluster:
            databases.encryption.lock(instance.encryption)
        if instance.endpoint in doors:
            door = databases.door(doors[instance.endpoint])
            with databases.turn(door.name):
                databases.endpoints(instance.engine).stop(door)
                shutil.rmtree(door.folder, ignore_errors=True)
    for name, row in doors.items():
        if name not in {each.endpoint for _, _, each in instances}:
            with databases.turn(name):
                databases.endpoints(row.engine).stop(databases.door(row))
    for _, _, cluster in clusters:
        if cluster.volume:
            databases.engine(cluster.engine).destroy(volume_of(databases, cluster))
        databases.encryption.lock(cluster.encryption)
    for name in ("snapshots", "archive", "endpoints"):
        shutil.rmtree(databases.root / name, ignore_errors=True)
