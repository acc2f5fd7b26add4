"""What CloudWatch Logs remembers of policies and transformers; all times are milliseconds since the epoch."""

from coldframe.core.records import Record, record


@record(
    "logs_resource_policies",
    key=("resource", "name"),
    missing=("ResourceNotFoundException", "Policy with name [{name}] does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The resource policy already exists"),
)
class ResourcePolicy(Record):
    """A policy that lets services and accounts write here; `resource` is empty for the account's own."""

    resource: str
    name: str
    document: str
    updated: int
    revision: str = ""


@record(
    "logs_account_policies",
    key=("kind", "name"),
    missing=("ResourceNotFoundException", "The specified account policy does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The specified account policy already exists"),
)
class AccountPolicy(Record):
    """A policy for every log group of the account and region, of one kind (DATA_PROTECTION_POLICY, ...).

    `former` is the document that a change has replaced: a retention policy takes effect a day after it was `updated`.
    """

    kind: str
    name: str
    document: str
    updated: int
    scope: str = "ALL"
    selection: str = ""
    created: int = 0
    former: str = ""


@record(
    "logs_transformers",
    key=("group",),
    missing=("ResourceNotFoundException", "The specified log group has no transformer of its own."),
)
class LogTransformer(Record):
    """The transformer of the log group named `group`; `config` is its transformerConfig as JSON."""

    group: str
    config: str
    created: int
    modified: int


@record(
    "logs_index_policies",
    key=("group",),
    missing=("ResourceNotFoundException", "The specified log group has no field index policy of its own."),
)
class IndexPolicy(Record):
    """The field index policy of the log group named `group`."""

    group: str
    document: str
    updated: int
