"""What the jobs of RDS share: their instance as it is now, its changes with their events, its processes up and down."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from coldframe.core.records import Records
from coldframe.engines.database import DatabaseEngine, DatabaseError, InstanceSpec
from coldframe.jobs.journal import JobRow
from coldframe.jobs.run import Run
from coldframe.services.rds import events, in_force, lookup
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.encryption import KeyInaccessible
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.optimized import ENABLED, WRITES, decide
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.token_sign_in import TokenSignIns
from coldframe.services.rds.wrapped_keys import StorageKey

# The status of an instance whose KMS key is disabled, to be deleted, or not for RDS any more.
INACCESSIBLE = "inaccessible-encryption-credentials-recoverable"
# How long new clients wait for an instance that is being started anew, in seconds.
_RETURN = 120.0


def instance_of(run: Run, resource_id: str) -> Instance:
    """Return the instance of a resource id; raises DBInstanceNotFoundFault when it is gone."""
    with run.read() as records:
        return lookup.expect(records, resource_id)


def endpoint_of(run: Run, resource_id: str) -> Endpoint:
    """Return where clients of the instance connect."""
    with run.read() as records:
        return lookup.endpoint_of(records, lookup.expect(records, resource_id))


def mark(
    run: Run,
    name: str,
    resource_id: str,
    *told: str,
    words: Mapping[str, object] | None = None,
    **fields: Any,
) -> None:
    """Change fields of an instance and record events about it, exactly once; an instance that is gone is left alone."""
    messenger = run.part(Messenger)

    def change(records: Records) -> None:
        found = lookup.by_resource(records, resource_id)
        if found is None:
            return
        if fields:
            found = records.change(found, **fields)
        for event in told:
            events.tell(records, messenger, found, event, **(words or {}))

    run.write(name, change)


def prepare(run: Run, name: str, resource_id: str) -> None:
    """Work out what the next start of an instance is told: the settings of its group, and the optimisations."""
    databases, messenger = run.part(Databases), run.part(Messenger)

    def change(records: Records) -> None:
        found = lookup.expect(records, resource_id)
        decision = decide(
            databases, found, in_force.own_value(records, found, "rds.optimized_writes") or "AUTO"
        )
        before = found.optimizations
        found = records.change(
            found,
            in_force=in_force.wanted(records, found),
            optimized_writes=decision.writes,
            optimizations=decision.said,
        )
        for kind, said in decision.said.items():
            if before.get(kind) != said and (said == ENABLED or kind in before or kind != WRITES):
                told = (
                    "doublewrite"
                    if (kind, found.engine) == (WRITES, "mariadb") and said != ENABLED
                    else "optimized"
                )
                words = {"kind": kind.capitalize(), "said": said, "engine": found.engine}
                events.tell(records, messenger, found, told, **words)

    run.write(name, change)


def start(run: Run, resource_id: str) -> None:
    """Start an instance and open its endpoint, or find both running; for a step."""
    databases = run.part(Databases)
    instance, endpoint = instance_of(run, resource_id), endpoint_of(run, resource_id)
    if endpoint.tokens:
        run.part(TokenSignIns).attend(run.account, run.region, endpoint)
    endpoints, door = databases.endpoints(instance.engine), databases.door(endpoint)
    # Both take their time to begin, and neither needs the other for that; clients that are early wait.
    with databases.turn(endpoint.id), ThreadPoolExecutor(1, thread_name_prefix="endpoint") as beside:
        opened = beside.submit(endpoints.start, door, None)
        socket = databases.socket(instance)
        if opened.result().target is None:
            endpoints.release(door, socket)


def start_if_accessible(run: Run, resource_id: str) -> str:
    """Start an instance as `start` does; return why its storage cannot be opened, empty once it runs; for a step."""
    try:
        start(run, resource_id)
    except KeyInaccessible as lost:
        return str(lost)
    return ""


def inaccessible(run: Run, resource_id: str) -> None:
    """Close an instance whose key KMS does not give, and say so; StartDBInstance tries again."""
    run.step("close its endpoint", close_endpoint, run, resource_id)
    name = instance_of(run, resource_id).identifier
    mark(
        run,
        "its key is not accessible",
        resource_id,
        "inaccessible",
        words={"instance": name},
        status=INACCESSIBLE,
        wanted="stopped",
        note="",
    )


def stop(run: Run, resource_id: str) -> None:
    """End the sessions of an instance and stop it; its endpoint stays; for a step."""
    databases, instance = run.part(Databases), instance_of(run, resource_id)
    endpoints, door = databases.endpoints(instance.engine), databases.door(endpoint_of(run, resource_id))
    if endpoints.status(door) is not None:
        endpoints.cut(door)
    databases.engine(instance.engine).stop(databases.spec(instance))


def end(run: Run, resource_id: str) -> None:
    """End an instance that hangs: first its sessions, so that nobody is at it whatever it does yet, then it; for a step."""
    databases = run.part(Databases)
    with run.read() as records:
        instance = lookup.by_resource(records, resource_id)
        endpoint = lookup.endpoint_of(records, instance) if instance is not None else None
    if instance is None or endpoint is None:
        return
    endpoints, door = databases.endpoints(instance.engine), databases.door(endpoint)
    if endpoints.status(door) is not None:
        endpoints.fail_over(door, deadline=_RETURN)
    databases.engine(instance.engine).stop(databases.spec(instance), at_once=True)


def close_endpoint(run: Run, resource_id: str) -> None:
    """Stop an instance's endpoint; for a step."""
    databases, instance = run.part(Databases), instance_of(run, resource_id)
    endpoint = endpoint_of(run, resource_id)
    with databases.turn(endpoint.id):
        databases.endpoints(instance.engine).stop(databases.door(endpoint))


def close(run: Run, resource_id: str) -> None:
    """Stop an instance's endpoint and then its process; its storage is closed where it is encrypted; for a step."""
    databases, instance = run.part(Databases), instance_of(run, resource_id)
    close_endpoint(run, resource_id)
    databases.engine(instance.engine).stop(databases.spec(instance))
    if not instance.cluster:
        # Members have one key, which is their cluster's to give back.
        databases.encryption.lock(instance.encryption)


@contextlib.contextmanager
def given_back(remove: Callable[[], None]) -> Iterator[None]:
    """Remove at once what could not be made: its room may be what is lacking to write down that it failed."""
    try:
        yield
    except Exception:
        with contextlib.suppress(OSError, DatabaseError):
            remove()
        raise


@contextlib.contextmanager
def laid_in_anew(
    databases: Databases, engine: DatabaseEngine, spec: InstanceSpec, key: StorageKey | None = None
) -> Iterator[None]:
    """Lay an instance's files in, after what an attempt before left of them is removed; half of them do not stay.

    With a key they come into a folder that is encrypted under it.
    """
    engine.destroy(spec)
    with given_back(partial(engine.destroy, spec)):
        databases.encryption.make_folder(spec.folder, key)
        yield


def why(run: Run) -> str:
    """Return what a job that undoes what it did has failed by, in one line; for a compensation."""
    with run.part(Databases).store.read() as transaction:
        row = transaction.records(run.account, run.region).find(JobRow, run.id)
    said = " ".join((row.error if row is not None else "").split())
    return said or "it was cancelled"
