"""What RDS remembers of DB clusters, their snapshots, their custom endpoints and their backups; times are milliseconds since 1970."""

from typing import Any, Literal

from coldframe.core.records import Record, record
from coldframe.services.rds.wrapped_keys import StorageKey


@record(
    "rds_clusters",
    key=("identifier",),
    index=("resource_id",),
    missing=("DBClusterNotFoundFault", "DBCluster {identifier} not found."),
    duplicate=("DBClusterAlreadyExistsFault", "DB Cluster already exists"),
)
class Cluster(Record):
    """A DB cluster. `writer` is the resource id of the member that takes writes, "" while there is none.

    `promotable` are the resource ids of the readers of which the most advanced has everything that the writer acknowledged;
    empty when that cannot be said. `volume` names the folder of the data while no member has them in its hands, which the
    next member takes over with its name; `laid_in` says that they are whole.
    `instance_class` is that of a Multi-AZ DB cluster, whose three members are made with it. `deployment` is the Blue/Green
    deployment whose green side it is, `retired` says that it was switched away from and is never written to any more.
    `encryption` is the key of the folders and archives of all its members, None for all in clear.
    """

    identifier: str
    resource_id: str
    engine: str
    version: str
    status: str
    created: int
    master: str
    endpoint: str
    reader_endpoint: str
    parameter_group: str
    port: int
    storage: int
    zones: list[str]
    about: dict[str, Any] = {}
    tags: dict[str, str] = {}
    writer: str = ""
    promotable: list[str] = []
    volume: str = ""
    volume_serial: int = 0
    laid_in: bool = False
    instance_class: str = ""
    database: str = ""
    subnet_group: str = ""
    security_groups: list[str] = []
    retention: int = 1
    backup_window: str = ""
    maintenance_window: str = ""
    protected: bool = False
    token_sign_in: bool = False
    secret: str = ""
    secret_key: str = ""
    secret_status: str = ""
    earliest: int = 0
    restorable: int = 0
    restart: int = 0
    deployment: str = ""
    retired: bool = False
    note: str = ""
    encryption: StorageKey | None = None


@record(
    "rds_cluster_snapshots",
    key=("identifier",),
    index=("cluster", "resource_id", "kind"),
    missing=("DBClusterSnapshotNotFoundFault", "DBClusterSnapshot {identifier} not found."),
    duplicate=(
        "DBClusterSnapshotAlreadyExistsFault",
        "Cannot create the snapshot because a snapshot with the identifier {identifier} already exists.",
    ),
)
class ClusterSnapshot(Record):
    """A snapshot of a cluster; `folder` names its copy on the disk.

    `member` is the resource id of the one it was taken of, whose archived log goes on from it, up to `until`; `settings` are
    those that it ran with, which replaying its log may need. `encryption` is the key of its folder.
    """

    identifier: str
    cluster: str
    resource_id: str
    kind: Literal["manual", "automated"]
    folder: str
    engine: str
    version: str
    status: str
    created: int
    cluster_created: int
    master: str
    port: int
    storage: int
    zones: list[str]
    about: dict[str, Any] = {}
    tags: dict[str, str] = {}
    progress: int = 0
    shared_with: list[str] = []
    source: str = ""
    database: str = ""
    instance_class: str = ""
    member: str = ""
    until: int = 0
    settings: dict[str, str] = {}
    encryption: StorageKey | None = None


@record(
    "rds_cluster_endpoints",
    key=("identifier",),
    index=("cluster",),
    missing=("DBClusterEndpointNotFoundFault", "DBClusterEndpoint {identifier} not found."),
    duplicate=("DBClusterEndpointAlreadyExistsFault", "DB cluster endpoint already exists"),
)
class ClusterEndpoint(Record):
    """A custom endpoint of a cluster; members are resource ids."""

    identifier: str
    cluster: str
    resource_id: str
    endpoint: str
    kind: Literal["READER", "ANY"]
    status: str
    static: list[str] = []
    excluded: list[str] = []
    tags: dict[str, str] = {}


@record("rds_cluster_backups", key=("resource_id",), index=("identifier",))
class ClusterBackup(Record):
    """What a deleted cluster can still be restored from to a moment."""

    resource_id: str
    cluster: Cluster
    identifier: str
