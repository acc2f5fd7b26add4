"""What the first start of a server on a backup does before its jobs go on: databases are as copied, and the copies differ in age."""

from coldframe.core.installation import Installation
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance


def settle(installation: Installation) -> None:
    """Let the writer of every cluster be the only one who is known to have everything; may be done again."""
    databases = installation.parts.get(Databases)
    databases.root.mkdir(mode=0o700, exist_ok=True)
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        for account, region, cluster in records.everywhere(Cluster):
            here = records.elsewhere(account=account, region=region)
            # The readers were copied before the writer, or not at all: nobody takes over before it was back.
            here.change(cluster, promotable=[])
            for member in lookup.members(here, cluster):
                here.change(member, acknowledged_by=[], acknowledges=False)
    for _, _, instance in _instances(installation):
        spec = databases.spec(instance)
        # A reader that was left out finds its place, in which it is copied from the writer.
        spec.folder.mkdir(mode=0o700, exist_ok=True)
        databases.engine(instance.engine).whole_copies.adopt(spec)


def _instances(installation: Installation) -> list[tuple[str, str, Instance]]:
    with installation.store.read() as transaction:
        return transaction.records("", "").everywhere(Instance)
