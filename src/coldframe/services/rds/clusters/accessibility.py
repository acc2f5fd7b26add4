"""Clusters whose storage cannot be opened, because KMS does not give its key: they are down until StartDBCluster tries again."""

from coldframe.core.records import Records
from coldframe.jobs.run import Run
from coldframe.services.rds import events
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.stopping import close_endpoints
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.encryption import KeyInaccessible
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.stages import INACCESSIBLE


def refused(run: Run, cluster: str) -> str:
    """Open the storage of a cluster; return why it cannot be opened, empty when it is open or in clear; for a step."""
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, cluster)
        rows = lookup.members(records, found)
    try:
        for row in rows:
            databases.encryption.unlock(databases.spec(row).folder, row.encryption)
    except KeyInaccessible as lost:
        return str(lost)
    return ""


def inaccessible(run: Run, cluster: str) -> None:
    """Take a cluster down whose key KMS does not give, and say so."""
    run.step("close its endpoints", close_endpoints, run, cluster)
    run.write("its key is not accessible", _down, run.part(Messenger), cluster)


def _down(records: Records, messenger: Messenger, cluster: str) -> None:
    """Say that a cluster is down with all its members; nobody may take over."""
    found = lookup.by_resource(records, cluster)
    if found is None:
        return
    records.change(found, status=INACCESSIBLE, promotable=[])
    down = {"status": INACCESSIBLE, "wanted": "stopped", "note": ""}
    for row in lookup.members(records, found):
        member = records.change(row, **down, acknowledged_by=[], acknowledges=False)
        events.tell(records, messenger, member, "inaccessible", instance=member.identifier)
