"""What KMS remembers; all times are milliseconds since the epoch, all binary values base64 text."""

from coldframe.core.records import Record, record

NEVER = 2**62
"""The `due` of a key to which nothing will happen by itself."""


@record("kms_keys", key=("id",), index=("due",))
class Key(Record):
    """A key without its material.

    `state` is the state that was set; expiry of imported material shows only in `effective_state`. `material` is the id
    of the current material, empty while there is none; `public` the DER SubjectPublicKeyInfo of an asymmetric key.
    `due` is when the periodic work must look at the key: deletion, rotation, expiry. `primary` is the region of the
    primary key of a multi-Region key, `regions` all regions that have one of them.
    """

    id: str
    created: int
    spec: str
    usage: str
    policy: str
    origin: str = "AWS_KMS"
    manager: str = "CUSTOMER"
    description: str = ""
    state: str = "Enabled"
    material: str = ""
    public: str = ""
    tags: dict[str, str] = {}
    deletion: int = 0
    deletion_days: int = 0
    expires: int = 0
    rotation_days: int = 0
    rotation: int = 0
    rotations_on_demand: int = 0
    primary: str = ""
    regions: list[str] = []
    due: int = NEVER


@record("kms_key_materials", key=("key_id", "id"))
class Material(Record):
    """One material of a key, sealed; `sealed` is empty once imported material was deleted or has expired.

    `state` is CURRENT, NON_CURRENT or PENDING_ROTATION; `rotated` is when it became current by a rotation of type
    `rotation` and 0 for the first.
    """

    key_id: str
    id: str
    sealed: str
    created: int
    state: str = "CURRENT"
    imported: bool = False
    description: str = ""
    expires: int = 0
    rotated: int = 0
    rotation: str = ""


@record(
    "kms_aliases",
    key=("name",),
    index=("key_id",),
)
class Alias(Record):
    """Another name of a key; `name` begins with `alias/`."""

    name: str
    key_id: str
    created: int
    updated: int


@record(
    "kms_grants",
    key=("key_id", "id"),
    index=("retiring",),
)
class Grant(Record):
    """A permission to use a key; `retiring` is the principal that may retire it, an ARN or a service's name.

    The constraints hold an encryption context, or None where there is none; `account` is who made it.
    """

    key_id: str
    id: str
    grantee: str
    operations: list[str]
    account: str
    created: int
    name: str = ""
    retiring: str = ""
    equals: dict[str, str] | None = None
    subset: dict[str, str] | None = None
    source_arn: str = ""
    by_service: bool = False
    retired_by_service: bool = False


@record("kms_last_usage", key=("key_id",))
class LastUsage(Record):
    """The last cryptographic use of a key."""

    key_id: str
    operation: str
    at: int
    request_id: str


@record("kms_usage_tracking", key=("id",), scope="partition")
class Tracking(Record):
    """When this installation began to note the uses of keys."""

    id: str
    since: int
