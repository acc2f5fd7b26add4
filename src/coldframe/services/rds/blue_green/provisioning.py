"""The job that makes the green side: a copy of every instance, of another version where wanted, that follows its source."""

from functools import partial

from coldframe.core.records import Records
from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import creating, events, in_force, lookup, replicating, stages
from coldframe.services.rds.blue_green import green_clusters, guardrails, members, standing
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment
from coldframe.services.rds.snapshotting import begin_automated


@job("rds.provision-deployment")
def provision_deployment(run: Run, deployment: str) -> None:
    """Copy the primary, then its replicas, and say that the deployment is available."""
    with run.read() as records:
        row = records.get(Deployment, deployment)
    pairs, both = members.instances_of(row), members.cluster_member(row)
    targets = [member.target for member in pairs]
    tasks = [name for name, _ in row.tasks]
    run.undo("mark it invalid", _failed, run, deployment, targets)
    if row.logical:
        run.step("look for what cannot be replicated", _refuse_obstacles, run, pairs[0].source)
    run.step("look at the parameters of green", _refuse_parameters, run, targets[0])
    _task(run, deployment, standing.REPLICA, "IN_PROGRESS")
    _green(run, targets[0], logical=row.logical)
    if both is not None:
        run.write("its cluster has data", green_clusters.has_data, run.part(Databases), both.target)
    _task(run, deployment, standing.REPLICA, "COMPLETED")
    if standing.UPGRADE in tasks:
        # A copy of another version is brought up to its version while it is made.
        _task(run, deployment, standing.UPGRADE, "COMPLETED")
    if standing.BACKUPS in tasks:
        _task(run, deployment, standing.BACKUPS, "IN_PROGRESS")
        run.write("begin its first backup", _back_up, run.part(Databases), targets[0])
        run.wait(
            partial(_available, run, targets[0]), timeout=86_400, poll=0.1, name="wait for its first backup"
        )
        _task(run, deployment, standing.BACKUPS, "COMPLETED")
    topology = standing.TOPOLOGY if both is None else standing.INSTANCES
    if topology in tasks:
        _task(run, deployment, topology, "IN_PROGRESS")
        for target in targets[1:]:
            _green(run, target, logical=False)
        _task(run, deployment, topology, "COMPLETED")
    if both is not None:
        run.write("its cluster is there", green_clusters.is_there, run.part(Messenger), both.target)
        if standing.ENDPOINTS in tasks:
            _task(run, deployment, standing.ENDPOINTS, "IN_PROGRESS")
            run.write("its custom endpoints are there", green_clusters.endpoints_are_there, both.target)
        run.step("open the endpoints of its cluster", green_clusters.open_doors, run, both.target)
        _task(run, deployment, standing.ENDPOINTS, "COMPLETED")

    def done(records: Records) -> None:
        found = standing.set_status(records, deployment, "AVAILABLE", members="AVAILABLE")
        events.tell(records, run.part(Messenger), found, "deployment_created")

    run.write("it is available", done)


def _green(run: Run, resource_id: str, *, logical: bool) -> None:
    """Make one green instance; it takes writes from its source alone, unless its parameter group lets users write."""
    name = resource_id[-6:]
    stages.prepare(run, f"work out the settings of {name}", resource_id)
    run.step(
        f"copy the source to {name}", replicating.copy, run, resource_id, "logical" if logical else "physical"
    )
    run.step(f"start {name}", stages.start, run, resource_id)
    run.step(f"let {name} follow", replicating.follow, run, resource_id)
    run.step(f"let users write to {name} if they may", replicating.allow_writes, run, resource_id)
    now = run.step(f"note the time of {name}", run.part(Databases).clock.milliseconds)
    stages.mark(run, f"{name} is there", resource_id, "created", status="available", ready=now, created=now)


def _refuse_obstacles(run: Run, source: str) -> None:
    if found := guardrails.obstacles(run, stages.instance_of(run, source)):
        raise JobError(f"the source can't be replicated: {found}")


def _refuse_parameters(run: Run, target: str) -> None:
    """Refuse a parameter group by which events would run in green, beside those that come from blue."""
    with run.read() as records:
        green = lookup.expect(records, target)
        scheduler = in_force.own_value(records, green, "event_scheduler")
    if green.engine == "mariadb" and scheduler.upper() in {"ON", "1"}:
        raise JobError(
            f"of incompatible parameter settings: event_scheduler is {scheduler} in {green.parameter_group}; it must be OFF"
            " in the green environment"
        )


def _task(run: Run, deployment: str, task: str, status: str) -> None:
    run.write(f"{task}: {status}", standing.set_task, deployment, task, status)


def _back_up(records: Records, databases: Databases, resource_id: str) -> None:
    found = lookup.expect(records, resource_id)
    if found.retention:
        begin_automated(records, databases, found)


def _available(run: Run, resource_id: str) -> bool:
    return stages.instance_of(run, resource_id).status == "available"


def _failed(run: Run, deployment: str, targets: list[str]) -> None:
    said = stages.why(run)
    # Without the name of the step, which nobody knows.
    reason = said.partition(": ")[2] or said
    for target in targets:
        with run.part(Databases).store.read() as transaction:
            found = lookup.by_resource(transaction.records(run.account, run.region), target)
        if found is not None and found.status == "creating":
            creating.failed(run, target)
    with run.part(Databases).store.write() as transaction:
        records = transaction.records(run.account, run.region)
        row = records.find(Deployment, deployment)
        if row is None or row.status != "PROVISIONING":
            return
        if (both := members.cluster_member(row)) is not None:
            green_clusters.failed(records, run.part(Messenger), both.target, reason)
        tasks = [(name, "FAILED" if status == "IN_PROGRESS" else status) for name, status in row.tasks]
        records.change(row, tasks=tasks)
        row = standing.set_status(records, deployment, "INVALID_CONFIGURATION", details=reason)
        events.tell(records, run.part(Messenger), row, "deployment_failed", reason=reason)
