"""Looks at deployments between their creation and their switchover: changes of blue that green does not get are told at once."""

import logging

from coldframe.core.installation import Installation
from coldframe.engines.database import DatabaseError
from coldframe.services.rds.blue_green import guardrails, members, telling
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment

LOG = logging.getLogger("coldframe.rds")
_WAITING = frozenset({"AVAILABLE", "SWITCHOVER_FAILED"})


def watch_deployments(installation: Installation) -> None:
    """Mark the deployments whose replication is degraded; a look costs a few milliseconds while nothing was changed."""
    with installation.store.read() as transaction:
        rows = transaction.records("", "").everywhere(Deployment)
    for account, region, row in rows:
        if row.logical and not row.degraded and row.status in _WAITING:
            try:
                _look(installation, account, region, row.id)
            except DatabaseError as problem:
                LOG.warning("blue/green deployment %s: %s", row.id, problem)


def _look(installation: Installation, account: str, region: str, deployment: str) -> None:
    databases = installation.parts.get(Databases)
    with installation.store.read() as transaction:
        records = transaction.records(account, region)
        row = records.find(Deployment, deployment)
        if row is None or members.standing(records, row)[0] not in _WAITING:
            return
        primary = members.primary(members.pairs(records, deployment))
    if databases.engine(primary.blue.engine).status(databases.spec(primary.blue)).state != "running":
        return
    why = guardrails.unsupported(databases, primary.blue, primary.green)
    if why:
        with installation.store.write() as transaction:
            telling.degrade(
                transaction.records(account, region), installation.parts.get(Messenger), deployment, why
            )
