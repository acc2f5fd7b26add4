"""The readers of a green cluster: they follow its writer from the beginning, and acknowledge from its first own write on."""

from msgspec.structs import replace

from coldframe.engines.database import DatabaseError
from coldframe.jobs.run import Run
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance


def arm(run: Run, deployment: str) -> None:
    """Let the readers be heard by their writer, which waits for nobody yet; for the time before the pause."""
    databases = run.part(Databases)
    writer, readers = _there(run, deployment)
    for reader in readers:
        spec = replace(databases.spec(reader), acknowledges=True)
        databases.engine(reader.engine).groups.acknowledge(databases.spec(writer), spec)


def synchronize(run: Run, deployment: str) -> int:
    """Let the writer wait for one of the readers that follow it, before its clients come; returns how many do.

    Who may take over is said when it is known who has what (clusters/membership.py), by the watch of clusters; until then
    it is nobody, and a writer that dies is started again.
    """
    databases = run.part(Databases)
    writer, readers = _there(run, deployment)
    if not readers:
        return 0
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        rows = [instances.expect(records, each.resource_id) for each in readers]
        rows = [records.change(row, acknowledges=True) for row in rows]
        found = instances.expect(records, writer.resource_id)
        found = records.change(found, acknowledged_by=[row.serial for row in rows])
    groups = databases.engine(found.engine).groups
    for row in rows:
        groups.acknowledge(databases.spec(found), databases.spec(row))
    groups.synchronize(databases.spec(found))
    return len(rows)


def _there(run: Run, deployment: str) -> tuple[Instance, list[Instance]]:
    """Return the writer of the green cluster and the readers that follow it; none in a deployment of instances."""
    databases = run.part(Databases)
    with run.read() as records:
        found = members.sides(records, deployment)
        green = found.clusters.green if found.clusters is not None else None
        rows = lookup.readers(records, green) if green is not None else []
    writer = found.primary.green
    return writer, [row for row in rows if _follows(databases, writer, row)]


def _follows(databases: Databases, writer: Instance, reader: Instance) -> bool:
    engine = databases.engine(reader.engine)
    if engine.reattach(databases.spec(reader)) is None:
        return False
    try:
        return engine.copies.following(databases.spec(writer), databases.spec(reader)).running
    except DatabaseError:
        # It ends just now, and is taken care of when the switchover is over.
        return False
