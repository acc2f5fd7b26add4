"""Looks at deployments between their creation and their switchover: changes of blue that green does not get are told at once.

A green cluster is let follow again whose writer was down, or whose blue one has another writer since a failover.
"""

from collections.abc import Iterator
from functools import partial

from coldframe.core.installation import Installation
from coldframe.engines.database import Diverged
from coldframe.services.rds import in_force, lookup
from coldframe.services.rds.blue_green import guardrails, members, standing, telling
from coldframe.services.rds.clusters.lookup import USABLE
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.looks import Look
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment

_WAITING = frozenset({"AVAILABLE", "SWITCHOVER_FAILED"})


def looks_at_schemas(installation: Installation) -> Iterator[tuple[str, Look]]:
    """Give what marks the deployments whose replication is degraded; a look costs a few milliseconds while nothing was changed."""
    for account, region, row in _waiting(installation):
        if row.logical and not row.degraded:
            yield f"the schema of deployment {row.id}", partial(_look, installation, account, region, row.id)


def looks_at_green_clusters(installation: Installation) -> Iterator[tuple[str, Look]]:
    """Give what sees to it that each green cluster follows; what cannot be done now is tried again."""
    for account, region, row in _waiting(installation):
        if members.cluster_member(row) is not None and not row.degraded:
            yield f"deployment {row.id}", partial(_keep_up, installation, account, region, row)


def _waiting(installation: Installation) -> list[tuple[str, str, Deployment]]:
    with installation.store.read() as transaction:
        rows = transaction.records("", "").everywhere(Deployment)
    return [each for each in rows if each[2].status in _WAITING]


def _sides(installation: Installation, account: str, region: str, deployment: str) -> members.Sides | None:
    """Return a deployment that may be looked at; None while it may not."""
    with installation.store.read() as transaction:
        records = transaction.records(account, region)
        row = records.find(Deployment, deployment)
        if row is None or standing.standing(records, row)[0] not in _WAITING:
            return None
        return members.sides(records, deployment)


def _look(installation: Installation, account: str, region: str, deployment: str) -> None:
    databases = installation.parts.get(Databases)
    found = _sides(installation, account, region, deployment)
    if found is None:
        return
    primary = found.primary
    if databases.engine(primary.blue.engine).status(databases.spec(primary.blue)).state != "running":
        return
    _degrade(
        installation,
        account,
        region,
        deployment,
        guardrails.unsupported(databases, primary.blue, primary.green),
    )


def _degrade(installation: Installation, account: str, region: str, deployment: str, why: str) -> None:
    if why:
        with installation.store.write() as transaction:
            telling.degrade(
                transaction.records(account, region), installation.parts.get(Messenger), deployment, why
            )


def _keep_up(installation: Installation, account: str, region: str, row: Deployment) -> None:
    # A switchover begins when nobody does this (switchover.py), and nobody begins it during one.
    with installation.parts.get(Databases).turn(row.id):
        _keep_following(installation, account, region, row)


def _keep_following(installation: Installation, account: str, region: str, row: Deployment) -> None:
    databases = installation.parts.get(Databases)
    found = _sides(installation, account, region, row.id)
    if found is None or found.clusters is None:
        return
    blue, green = found.primary.blue, found.primary.green
    settled = all(each.status in USABLE for each in (found.clusters.blue, found.clusters.green, blue, green))
    if not settled or blue.note or green.note or not blue.ready or not green.ready:
        return
    engine = databases.engine(green.engine)
    if any(engine.reattach(databases.spec(each)) is None for each in (blue, green)):
        return
    moved = guardrails.moved(found)
    if not moved:
        if row.logical:
            # Subscriptions go on by themselves.
            return
        now = engine.copies.following(databases.spec(blue), databases.spec(green))
        if now.running or now.error:
            return
    try:
        engine.copies.follow(databases.spec(blue), databases.spec(green))
    except Diverged as why:
        engine.copies.tidy(databases.spec(blue))
        _degrade(installation, account, region, row.id, f"{moved}: {why}")
        return
    with installation.store.write() as transaction:
        records = transaction.records(account, region)
        green = records.change(lookup.expect(records, green.resource_id), source=blue.resource_id)
        free = in_force.writable_copy(records, green)
    if free:
        engine.set_read_only(databases.spec(green), on=False)
