"""Taking all of a cluster down: its endpoints, then its members, then the key of its storage."""

from coldframe.jobs.run import Run
from coldframe.services.rds import stages
from coldframe.services.rds.clusters import doors, lookup
from coldframe.services.rds.databases import Databases


def stop_members(run: Run, cluster: str) -> None:
    """Close the endpoints of a cluster, stop its members and take their key from the kernel; for a step."""
    close_endpoints(run, cluster)
    with run.read() as records:
        row = lookup.expect(records, cluster)
        members = lookup.members(records, row)
    for member in members:
        stages.close(run, member.resource_id)
    run.part(Databases).encryption.lock(row.encryption)


def close_endpoints(run: Run, cluster: str) -> None:
    """Close the endpoints of a cluster and of its members; for a step."""
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, cluster)
    if found is None:
        return
    doors.close(databases, found)
    for member in found.members:
        stages.close_endpoint(run, member.resource_id)
