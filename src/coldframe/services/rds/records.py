"""What RDS remembers: instances, endpoints, snapshots, groups, events, deployments; times are milliseconds since 1970."""

from typing import Any, Literal

import msgspec

from coldframe.core.records import Record, record
from coldframe.services.rds.clusters.records import Cluster, ClusterBackup, ClusterEndpoint, ClusterSnapshot
from coldframe.services.rds.wrapped_keys import StorageKey

__all__ = [
    "AutomatedBackup",
    "Cluster",
    "ClusterBackup",
    "ClusterEndpoint",
    "ClusterSnapshot",
    "DefaultCertificate",
    "Deployment",
    "Endpoint",
    "Event",
    "EventSubscription",
    "Instance",
    "Member",
    "OptionGroup",
    "ParameterGroup",
    "Serial",
    "Snapshot",
    "SubnetGroup",
]


@record("rds_serials", key=("name",), scope="partition")
class Serial(Record):
    """The last number given out under a name; numbers are never given out again."""

    name: str
    last: int = 0


@record(
    "rds_instances",
    key=("identifier",),
    index=("resource_id", "source", "deployment", "cluster"),
    missing=("DBInstanceNotFoundFault", "DBInstance {identifier} not found."),
    duplicate=("DBInstanceAlreadyExistsFault", "DB instance already exists"),
)
class Instance(Record):
    """A DB instance. `resource_id` is its name for good; the identifier may change, and moves at a switchover.

    `about` holds what the API says of it and nothing here decides by, in the model's members (MultiAZ, Iops, ...);
    `pending` what waits for the maintenance window, `in_force` the settings it was started with or got since.
    `upgrade` has the groups that come with the version that waits; `source` is the resource id of what it follows, `wanted`
    what it ought to be whatever happens to its process, `optimizations` says of Optimized Reads and Writes what they are,
    and why. `cluster` is the resource id of the cluster that it is a member of; `acknowledged_by` and `acknowledges` are
    those of its spec (engines/database.py). `encryption` is the key of its folder and of its archive, None for both in clear.
    """

    identifier: str
    resource_id: str
    serial: int
    engine: str
    version: str
    instance_class: str
    status: str
    created: int
    master: str
    endpoint: str
    parameter_group: str
    option_group: str
    storage: int
    about: dict[str, Any] = {}
    pending: dict[str, Any] = {}
    upgrade: dict[str, str] = {}
    tags: dict[str, str] = {}
    ready: int = 0
    database: str = ""
    subnet_group: str = ""
    security_groups: list[str] = []
    retention: int = 1
    backup_window: str = ""
    maintenance_window: str = ""
    in_force: dict[str, str] = {}
    source: str = ""
    read_only: bool = False
    wanted: Literal["running", "stopped"] = "running"
    restorable: int = 0
    deployment: str = ""
    protected: bool = False
    token_sign_in: bool = False
    optimized_writes: bool = False
    optimizations: dict[str, str] = {}
    secret: str = ""
    secret_key: str = ""
    secret_status: str = ""
    note: str = ""
    cluster: str = ""
    acknowledged_by: list[int] = []
    acknowledges: bool = False
    encryption: StorageKey | None = None


@record("rds_endpoints", key=("id",), index=("address",))
class Endpoint(Record):
    """Where clients connect; it is an instance's own until a switchover gives it to another.

    `tokens`: IAM tokens are taken in place of passwords.
    """

    id: str
    address: str
    port: int
    engine: str
    tokens: bool = False


@record(
    "rds_snapshots",
    key=("identifier",),
    index=("instance", "resource_id", "kind"),
    missing=("DBSnapshotNotFoundFault", "DBSnapshot {identifier} not found."),
    duplicate=(
        "DBSnapshotAlreadyExistsFault",
        "Cannot create the snapshot because a snapshot with the identifier {identifier} already exists.",
    ),
)
class Snapshot(Record):
    """A snapshot; `folder` names its copy on the disk, `optimized_writes` what the instance's pages were written with.

    `encryption` is the key of its folder, None for one in clear.
    """

    identifier: str
    instance: str
    resource_id: str
    kind: Literal["manual", "automated"]
    folder: str
    engine: str
    version: str
    status: str
    created: int
    instance_created: int
    master: str
    port: int
    storage: int
    option_group: str
    about: dict[str, Any] = {}
    tags: dict[str, str] = {}
    progress: int = 0
    shared_with: list[str] = []
    source: str = ""
    original_created: int = 0
    size: int = 0
    database: str = ""
    optimized_writes: bool = False
    encryption: StorageKey | None = None


@record(
    "rds_parameter_groups",
    key=("kind", "name"),
    missing=("DBParameterGroupNotFoundFault", "DBParameterGroup not found: {name}"),
    duplicate=("DBParameterGroupAlreadyExistsFault", "Parameter group {name} already exists"),
)
class ParameterGroup(Record):
    """A parameter group; `values` are those that users set, with the apply method of each."""

    kind: Literal["instance", "cluster"]
    name: str
    family: str
    description: str
    values: dict[str, tuple[str, str]] = {}
    tags: dict[str, str] = {}


@record(
    "rds_option_groups",
    key=("name",),
    missing=("OptionGroupNotFoundFault", "Specified OptionGroupName: {name} not found."),
    duplicate=("OptionGroupAlreadyExistsFault", "An option group named {name} already exists."),
)
class OptionGroup(Record):
    """An option group, which has no options: these engines need none here."""

    name: str
    engine: str
    major: str
    description: str
    tags: dict[str, str] = {}


@record(
    "rds_subnet_groups",
    key=("name",),
    missing=("DBSubnetGroupNotFoundFault", "DB subnet group '{name}' does not exist."),
    duplicate=("DBSubnetGroupAlreadyExistsFault", "The DB subnet group '{name}' already exists."),
)
class SubnetGroup(Record):
    """A subnet group; its subnets are remembered as they were given."""

    name: str
    description: str
    subnets: list[str]
    tags: dict[str, str] = {}


@record("rds_events", key=("at", "id"), index=("source",))
class Event(Record):
    """Something that happened to a resource; events are kept for 14 days."""

    at: int
    id: str
    source: str
    kind: str
    arn: str
    message: str
    categories: list[str]


@record(
    "rds_event_subscriptions",
    key=("name",),
    missing=("SubscriptionNotFoundFault", "Subscription {name} not found."),
    duplicate=("SubscriptionAlreadyExistFault", "Subscription {name} already exists."),
)
class EventSubscription(Record):
    """Which events go to a topic; no kinds, categories or sources mean all of them."""

    name: str
    topic: str
    created: int
    kind: str = ""
    categories: list[str] = []
    sources: list[str] = []
    enabled: bool = True
    tags: dict[str, str] = {}


@record("rds_automated_backups", key=("resource_id",), index=("identifier",))
class AutomatedBackup(Record):
    """What an instance can be restored from to a moment; it may outlive the instance (`retained`).

    `upgraded` is when it got its major version: what was archived before lies apart. `encryption` is the key of both.
    """

    resource_id: str
    id: str
    identifier: str
    engine: str
    version: str
    created: int
    master: str
    storage: int
    port: int
    option_group: str
    retention: int
    about: dict[str, Any] = {}
    earliest: int = 0
    latest: int = 0
    upgraded: int = 0
    retained: bool = False
    database: str = ""
    tags: dict[str, str] = {}
    encryption: StorageKey | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of a Blue/Green deployment: resource ids of both sides, what they are to it, and how far the pair is.

    In a deployment of a cluster that is the pair of clusters; which of its instances replicate is its writers' part to say.
    """

    source: str
    target: str
    source_arn: str
    target_arn: str
    status: str
    role: Literal["primary", "replica"] = "replica"
    kind: Literal["db", "cluster", "cluster-endpoint"] = "db"


@record(
    "rds_deployments",
    key=("id",),
    index=("name",),
    missing=("BlueGreenDeploymentNotFoundFault", "Blue/green deployment {id} not found."),
)
class Deployment(Record):
    """A Blue/Green deployment; one member is the pair of primaries.

    `degraded` says which changes of blue a logical copy did not get, once there was one: it is behind for good.
    """

    id: str
    name: str
    status: str
    created: int
    details: str = ""
    members: list[Member] = []
    tasks: list[tuple[str, str]] = []
    tags: dict[str, str] = {}
    deleted: int = 0
    logical: bool = False
    degraded: str = ""


@record("rds_certificates", key=("id",))
class DefaultCertificate(Record):
    """The certificate authority that an account chose for new instances."""

    id: str
