"""What the first start of a server on a backup does before its jobs go on: databases are as copied, and the copies differ in age."""

import errno
import socket

from coldframe.core.installation import Installation
from coldframe.core.store import StoreError
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.unpacking import unpack


def settle(installation: Installation) -> None:
    """Let the writer of every cluster be the only one who is known to have everything; may be done again. Raises StoreError."""
    databases = installation.parts.get(Databases)
    _refuse_beside_another(installation)
    databases.root.mkdir(mode=0o700, exist_ok=True)
    unpack(installation)
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
        # A reader that was left out finds its place, in which it is copied from the writer; an encrypted one gets its folder
        # when that is done, and what is there of others was adopted as it was unpacked.
        if instance.encryption is None:
            spec.folder.mkdir(mode=0o700, exist_ok=True)
            databases.engine(instance.engine).whole_copies.adopt(spec)


def _refuse_beside_another(installation: Installation) -> None:
    """Refuse to start while somebody else listens where the endpoints of the copy are to; raises StoreError."""
    with installation.store.read() as transaction:
        doors = [row for _, _, row in transaction.records("", "").everywhere(Endpoint)]
    taken = [f"{door.address}:{door.port}" for door in doors if _taken(door)]
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise StoreError(
            f"{', '.join(taken[:3])}{more}: the databases of which these are copies still run at these addresses."
            " Stop their server, and them: coldframe engines stop --data DIRECTORY, where DIRECTORY is the one the"
            " backup was made of"
        )


def _taken(door: Endpoint) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((door.address, door.port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _instances(installation: Installation) -> list[tuple[str, str, Instance]]:
    with installation.store.read() as transaction:
        return transaction.records("", "").everywhere(Instance)
