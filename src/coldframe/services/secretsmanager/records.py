"""What Secrets Manager remembers; times are milliseconds since the epoch, binary values base64 text."""

import msgspec

from coldframe.core.records import Record, record

NEVER = 2**62


class Replica(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Region that follows a secret, or does not: then `message` says why. `kms_key` is empty for aws/secretsmanager."""

    region: str
    kms_key: str = ""
    status: str = "InSync"
    message: str = ""


class Rotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a secret is rotated: every so many `days`, or by an expression; `duration` is that of the window, empty for its default.

    `last` is when it was; `closes` when the next window does.
    """

    days: int = 0
    expression: str = ""
    duration: str = ""
    last: int = 0
    closes: int = 0


@record(
    "secretsmanager_secrets",
    key=("name",),
    index=("due", "rotates"),
    missing=("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
    duplicate=(
        "ResourceExistsException",
        "The operation failed because the secret {name} already exists.",
    ),
)
class Secret(Record):
    """A secret without its values.

    `suffix` are the six characters that end its ARN; `stages` the labels of each version, also of none; `kms_key` the
    key as the caller named it, empty for aws/secretsmanager; `due` when it is destroyed; `owner` the service that made
    it and alone may change it; `primary` the Region that a replica follows; `rotates` when it is next rotated by itself;
    `tagged` says that it has had tags since it was made, and then has a list of them, be it empty.
    """

    name: str
    suffix: str
    created: int
    changed: int
    description: str = ""
    kms_key: str = ""
    tags: dict[str, str] = {}
    policy: str = ""
    stages: dict[str, list[str]] = {}
    accessed: int = 0
    due: int = NEVER
    owner: str = ""
    type: str = ""
    primary: str = ""
    replicas: list[Replica] = []
    tagged: bool = False
    rotation: Rotation | None = None
    rotates: int = NEVER


@record(
    "secretsmanager_versions",
    key=("name", "id"),
    missing=("ResourceNotFoundException", "Secrets Manager can't find the specified secret value."),
    duplicate=(
        "ResourceExistsException",
        "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {name}.",
    ),
)
class Version(Record):
    """A value: `wrapped` is its data key as KMS wrapped it, `sealed` the value under that key.

    `digest` tells whether a repeated request brings the same value, without opening it.
    """

    name: str
    id: str
    created: int
    binary: bool
    kms_key: str
    wrapped: str
    sealed: str
    digest: str
    accessed: int = 0
