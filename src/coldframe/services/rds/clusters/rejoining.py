"""The job by which a member comes to follow the writer: after a failover, after a crash, after a restart."""

from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import lookup as instances
from coldframe.services.rds import stages
from coldframe.services.rds.clusters import doors, lookup
from coldframe.services.rds.clusters.membership import Group
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

# What a member's note begins with while a job sees to it that it follows.
REJOINS = "rejoins"
_MOST_ROUNDS = 1000


def begin(records: Records, databases: Databases, member: Instance, *, hangs: bool = False) -> None:
    """Begin the job, unless one is under way, which then follows whoever is the writer when it ends."""
    if member.note != REJOINS:
        records.change(member, note=REJOINS)
        databases.begin(records, rejoin_member, member.resource_id, hangs)


@job("rds.rejoin-cluster-member")
def rejoin_member(run: Run, resource_id: str, hangs: bool = False) -> None:
    """Let a member follow the writer, copied anew where it has what the writer has not; repeated until it does.

    One that hangs is ended first.
    """
    run.commit_point()
    if hangs:
        run.step("end it", stages.end, run, resource_id)
    run.step("the writer does not wait for it", leave, run, resource_id)
    for number in range(_MOST_ROUNDS):
        followed = run.step(f"follow the writer {number}", _follow, run, resource_id)
        run.step(f"open its endpoint {number}", _open, run, resource_id)
        if run.write(f"it is there {number}", _there, resource_id, followed):
            break
    run.step("send readers to it", spread, run, resource_id)


def leave(run: Run, resource_id: str) -> None:
    """Let the writer acknowledge without a reader; for a step."""
    with run.read() as records:
        found = instances.by_resource(records, resource_id)
    if found is not None and found.cluster:
        Group(run.part(Databases), run.account, run.region, found.cluster).leave(resource_id)


def spread(run: Run, resource_id: str) -> None:
    """Let the cluster's endpoints spread over the members that are there now; for a step."""
    with run.read() as records:
        found = instances.by_resource(records, resource_id)
    databases = run.part(Databases)
    if found is not None and (seen := doors.look(databases, run.account, run.region, found.cluster)):
        doors.open_writer(databases, seen)
        doors.spread(databases, seen)


def _follow(run: Run, resource_id: str) -> str:
    """Let a member follow the writer; returns whom it follows, "" when it is the writer itself or gone."""
    databases = run.part(Databases)
    with run.read() as records:
        found = instances.by_resource(records, resource_id)
        cluster = lookup.by_resource(records, found.cluster) if found is not None else None
        writer = lookup.writer(records, cluster) if cluster is not None else None
    if found is None or writer is None or writer.resource_id == resource_id or not _ought_to(found):
        return ""
    databases.socket(writer)
    spec = databases.spec(found)
    # One that is copied anew may not even have a folder.
    databases.encryption.make_folder(spec.folder, found.encryption)
    databases.engine(found.engine).groups.rejoin(databases.spec(writer), spec)
    return writer.resource_id


def _open(run: Run, resource_id: str) -> None:
    with run.read() as records:
        found = instances.by_resource(records, resource_id)
    if found is not None and _ought_to(found):
        stages.start(run, resource_id)


def _ought_to(member: Instance) -> bool:
    """Tell whether a member is to run: whoever deletes it waits for this job, and the writer may be gone already."""
    return member.wanted == "running" and member.status != "deleting"


def _there(records: Records, resource_id: str, followed: str) -> bool:
    """Say that a member is there, unless the writer is another one meanwhile; tells whether it is done."""
    found = instances.by_resource(records, resource_id)
    cluster = lookup.by_resource(records, found.cluster) if found is not None else None
    if found is None or cluster is None or found.wanted != "running":
        return True
    if followed and cluster.writer not in {followed, resource_id}:
        return False
    status = "available" if found.status == "rebooting" else found.status
    records.change(found, note="", status=status)
    return True
