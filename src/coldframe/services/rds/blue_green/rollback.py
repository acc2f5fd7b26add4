"""The way back from a switchover that was not decided: blue takes writes and its clients again, green follows as before."""

from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint import EndpointFailed
from coldframe.jobs.run import Run
from coldframe.services.rds import replicating, stages
from coldframe.services.rds.blue_green import cluster_doors, doors, members, telling
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment, Instance

_TROUBLE = (DatabaseError, EndpointFailed, OSError)


def roll_back(run: Run, deployment: str) -> None:
    """Let blue take writes again and its clients go on; green follows as before, as soon as it can."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        if records.find(Deployment, deployment) is None:
            return
        records.change(members.sides(records, deployment).primary.blue, read_only=False)
        found = members.sides(records, deployment)
    trouble = _open(run, found.primary.blue)
    doors.send_all(run, found, "blue")
    if trouble is not None:
        # Clients go on; what could not be written down will be, when this is tried again.
        raise trouble
    # Blue is what matters. A green that cannot follow now is started again by supervision, and follows then.
    left = [said for pair in found.pairs if (said := _follow_again(run, pair.green))]
    if found.clusters is not None and (said := _send_green(run, found.clusters.green)):
        left.append(said)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        telling.rolled_back(records, run.part(Messenger), deployment, reason, left)


def _open(run: Run, blue: Instance) -> Exception | None:
    """Let blue take writes; returns what went wrong if it does so nevertheless, raises it if it does not."""
    databases = run.part(Databases)
    engine, spec = databases.engine(blue.engine), databases.spec(blue)
    databases.socket(blue)
    try:
        engine.set_read_only(spec, on=False)
    except _TROUBLE as problem:
        if engine.status(spec).read_only:
            raise
        return problem
    return None


def _send_green(run: Run, cluster: Cluster) -> str:
    """Let the clients of a green cluster's endpoints in; returns what keeps it from that."""
    try:
        cluster_doors.send(run, cluster)
    except _TROUBLE as problem:
        return f"the endpoints of {cluster.identifier} wait: {' '.join(str(problem).split())}"
    return ""


def _follow_again(run: Run, green: Instance) -> str:
    """Let a green instance follow, and its clients in; returns what keeps it from that."""
    try:
        replicating.follow(run, green.resource_id)
        replicating.allow_writes(run, green.resource_id)
        doors.send(run, green)
    except _TROUBLE as problem:
        return f"{green.identifier} does not follow yet: {' '.join(str(problem).split())}"
    return ""
