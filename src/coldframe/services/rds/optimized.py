"""Optimized Reads and Optimized Writes: what an instance gets of them here, and why not.

Reads: classes with local storage have their temporary tables on the installation's fast directory, with a quota.
Writes: pages are written once where storage, operator and parameter group all agree; else twice, as the engines do.
"""

from typing import Any

import msgspec

from coldframe.services.rds import instance_classes
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance
from coldframe.services.rds.untorn_pages import probe

READS, WRITES = "optimized reads", "optimized writes"
ENABLED = "enabled"


class Decision(msgspec.Struct, frozen=True):
    """Whether pages are written once, and what is said of both optimisations."""

    writes: bool
    said: dict[str, str]


def decide(databases: Databases, instance: Instance, wanted: str) -> Decision:
    """Work out what an instance gets; `wanted` is its rds.optimized_writes: AUTO or OFF."""
    said = {}
    if instance_classes.named(instance.instance_class).scratch:
        said[READS] = _reads(databases, instance)
    writes = _writes(databases, instance, wanted)
    said[WRITES] = writes
    return Decision(writes == ENABLED, said)


def status_infos(instance: Instance) -> list[dict[str, Any]]:
    """Return what DescribeDBInstances says of both: of reads for classes with local storage, of writes for everybody."""
    return [
        {"StatusType": kind, "Normal": True, "Status": ENABLED}
        if said == ENABLED
        else {"StatusType": kind, "Normal": True, "Status": "disabled", "Message": said}
        for kind, said in sorted(instance.optimizations.items())
    ]


def _reads(databases: Databases, instance: Instance) -> str:
    if databases.settings.local_storage is None:
        return "not supported: this server was started without --local-storage"
    if instance.encryption is not None:
        return "not supported: the local storage is not encrypted, and the storage of the instance is"
    return ENABLED


def _writes(databases: Databases, instance: Instance, wanted: str) -> str:
    if wanted == "OFF":
        return "the parameter rds.optimized_writes is OFF"
    databases.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Its own folder may be encrypted, or a file system of its own.
    folder = databases.spec(instance).folder
    storage = probe(folder if folder.exists() else databases.root)
    if not storage.trusted:
        return f"not supported by storage: {storage.said}"
    if not databases.settings.untorn_storage:
        return "possible, but this server was started without --untorn-storage"
    return ENABLED
