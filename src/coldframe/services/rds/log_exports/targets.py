"""Which logs go to CloudWatch Logs, and into which group and stream; the names are those of RDS."""

from typing import NamedTuple

from coldframe.core.records import Records
from coldframe.engines.database import InstanceSpec
from coldframe.services.rds import engine_names
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Cluster, Instance


class Target(NamedTuple):
    """A log of an instance, and where it goes."""

    account: str
    region: str
    resource_id: str
    kind: str
    group: str
    stream: str
    engine: str
    spec: InstanceSpec


def every(databases: Databases, records: Records) -> list[Target]:
    """Return all that is wanted, whatever account and region."""
    clusters = {row.resource_id: row for _, _, row in records.everywhere(Cluster)}
    return [
        target
        for account, region, row in records.everywhere(Instance)
        for target in of_instance(databases, account, region, row, clusters.get(row.cluster))
    ]


def of_instance(
    databases: Databases, account: str, region: str, row: Instance, cluster: Cluster | None
) -> list[Target]:
    """Return the logs of an instance that are wanted; what is wanted of members is the cluster's to say."""
    about = cluster.about if cluster is not None else row.about
    kinds = about.get("EnabledCloudwatchLogsExports") or ()
    if not kinds:
        return []
    place = f"cluster/{cluster.identifier}" if cluster is not None else f"instance/{row.identifier}"
    spec = databases.spec(row)
    return [
        Target(
            account,
            region,
            row.resource_id,
            kind,
            f"/aws/rds/{place}/{kind}",
            # PostgreSQL's streams are numbered at RDS, and there is one.
            f"{row.identifier}.0" if engine_names.named(row.engine).part == "postgresql" else row.identifier,
            row.engine,
            spec,
        )
        for kind in kinds
    ]
