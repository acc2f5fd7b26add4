"""Taking all of a cluster down: its endpoints, then its members, then the key of its storage."""

from coldframe.jobs.run import Run
from coldframe.services.rds import stages
from coldframe.services.rds.clusters import doors, lookup
from coldframe.services.rds.databases import Databases


def stop_members(run: Run, cluster: str) -> None:
    """Close the endpoints of a cluster, stop its members and take their key from the kernel; for a step."""
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, cluster)
    if found is not None:
        doors.close(databases, found)
    with run.read() as records:
        row = lookup.expect(records, cluster)
        members = lookup.members(records, row)
    for member in members:
        stages.close(run, member.resource_id)
    databases.encryption.lock(row.encryption)
