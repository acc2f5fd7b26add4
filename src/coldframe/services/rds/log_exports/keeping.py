"""Log files do not pile up: a new one begins every hour, and old ones go, once they are in CloudWatch Logs if they are to go there."""

import stat
from collections.abc import Sequence

from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.log_reading import Source
from coldframe.services.rds import engine_names, in_force, lookup
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.log_exports import targets
from coldframe.services.rds.log_exports.records import LogExport
from coldframe.services.rds.records import Cluster, Instance

EVERY = 3600.0
_DAY = 86_400
# How long logs are kept, in seconds. Source: Amazon RDS User Guide; for PostgreSQL a parameter says so, in minutes.
_KEPT = {"audit": _DAY, "iam-db-auth-error": 3 * _DAY, "general": _DAY, "slowquery": _DAY, "error": 30 * _DAY}
_PARAMETER = "rds.log_retention_period"


def keep(installation: Installation, account: str, region: str, resource_id: str) -> None:
    """Begin new log files of an instance that runs, and remove old ones."""
    databases = installation.parts.get(Databases)
    with installation.store.read() as transaction:
        records = transaction.records(account, region)
        found = lookup.by_resource(records, resource_id)
        if found is None or not found.ready:
            return
        kept = {kind: _kept(records, found, kind) for kind in engine_names.named(found.engine).logs}
        unread = {kind: _unread(records, databases, found, kind) for kind in kept}
    spec, upkeep = databases.spec(found), databases.engine(found.engine).log_upkeep
    now = installation.clock.seconds()
    if databases.engine(found.engine).reattach(spec) is not None:
        upkeep.rotate(spec, installation.clock.now().strftime("%Y-%m-%d.%H"))
    for kind, seconds in kept.items():
        remove_old(upkeep.sources(spec, kind), now - seconds, unread[kind])


def _kept(records: Records, instance: Instance, kind: str) -> float:
    if kind in _KEPT:
        return _KEPT[kind]
    return float(in_force.own_value(records, instance, _PARAMETER)) * 60


def _unread(records: Records, databases: Databases, instance: Instance, kind: str) -> LogExport | None:
    """Return how far a log is that goes to CloudWatch Logs; None for one that does not."""
    clusters = {row.resource_id: row for row in records.list(Cluster)} if instance.cluster else {}
    place = (records.account, records.region)
    wanted = targets.of_instance(databases, *place, instance, clusters.get(instance.cluster))
    if kind not in {each.kind for each in wanted}:
        return None
    none = LogExport(resource_id=instance.resource_id, kind=kind)
    return records.find(LogExport, instance.resource_id, kind) or none


def remove_old(sources: Sequence[Source], before: float, unread: LogExport | None) -> None:
    """Remove files last written before a moment (seconds since 1970), but the last one, and those not read to their end."""
    there = [(source.path, source.path.lstat()) for source in sources if source.path.is_file()]
    there.sort(key=lambda each: each[1].st_mtime_ns)
    read = {(each.name, each.number, each.offset) for each in unread.places} if unread is not None else set()
    for path, about in there[:-1]:
        whole = unread is None or (path.name, about.st_ino, about.st_size) in read
        if stat.S_ISREG(about.st_mode) and about.st_mtime < before and whole:
            path.unlink(missing_ok=True)
