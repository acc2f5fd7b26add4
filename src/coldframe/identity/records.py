"""What identity remembers: accounts, access keys, users, groups, roles, policies and the organization.

Names are unique whatever their case, so that `folded` (the name in lower case) finds the ones that clash.
"""

from coldframe.core.records import Record, record


@record(
    "identity_accounts",
    key=("id",),
    index=("email", "parent"),
    scope="partition",
    missing=("AccountNotFoundException", "You specified an account that doesn't exist."),
    duplicate=("DuplicateAccountException", "An account with this id exists already."),
)
class Account(Record):
    """One account; `parent` is its root or organizational unit, empty outside an organization."""

    id: str
    name: str
    email: str
    created: int
    parent: str = ""
    joined: int = 0
    joined_method: str = ""
    status: str = "ACTIVE"
    alias: str = ""
    tags: dict[str, str] = {}


@record(
    "identity_access_keys",
    key=("id",),
    index=("account", "user"),
    scope="partition",
    missing=("NoSuchEntity", "The Access Key with id {id} cannot be found."),
    duplicate=("EntityAlreadyExists", "Access Key {id} already exists."),
)
class AccessKey(Record):
    """A long-lived key pair; `user` is empty for the account's root; the secret is sealed."""

    id: str
    account: str
    user: str
    sealed_secret: bytes
    created: int
    status: str = "Active"
    last_used: int = 0
    last_service: str = ""
    last_region: str = ""


@record(
    "identity_users",
    key=("name",),
    index=("id", "path", "folded"),
    scope="account",
    missing=("NoSuchEntity", "The user with name {name} cannot be found."),
    duplicate=("EntityAlreadyExists", "User with name {name} already exists."),
)
class User(Record):
    """An IAM user with the policies attached to it and written into it, and the groups it is in."""

    name: str
    id: str
    path: str
    created: int
    boundary: str = ""
    attached: list[str] = []
    inline: dict[str, str] = {}
    groups: list[str] = []
    tags: dict[str, str] = {}
    password_hash: str = ""
    password_changed: int = 0
    password_reset_required: bool = False
    password_history: list[str] = []
    login_created: int = 0
    folded: str = ""


@record(
    "identity_groups",
    key=("name",),
    index=("id", "path", "folded"),
    scope="account",
    missing=("NoSuchEntity", "The group with name {name} cannot be found."),
    duplicate=("EntityAlreadyExists", "Group with name {name} already exists."),
)
class Group(Record):
    """An IAM group; who is in it is said by the users."""

    name: str
    id: str
    path: str
    created: int
    attached: list[str] = []
    inline: dict[str, str] = {}
    folded: str = ""


@record(
    "identity_roles",
    key=("name",),
    index=("id", "path", "folded"),
    scope="account",
    missing=("NoSuchEntity", "The role with name {name} cannot be found."),
    duplicate=("EntityAlreadyExists", "Role with name {name} already exists."),
)
class Role(Record):
    """An IAM role: its trust policy says who may take it on."""

    name: str
    id: str
    path: str
    created: int
    trust: str
    description: str = ""
    max_session: int = 3600
    boundary: str = ""
    attached: list[str] = []
    inline: dict[str, str] = {}
    tags: dict[str, str] = {}
    service_linked: bool = False
    last_used: int = 0
    last_region: str = ""
    folded: str = ""


@record(
    "identity_instance_profiles",
    key=("name",),
    index=("id", "path", "folded"),
    scope="account",
    missing=("NoSuchEntity", "Instance Profile {name} cannot be found."),
    duplicate=("EntityAlreadyExists", "Instance Profile {name} already exists."),
)
class InstanceProfile(Record):
    """An instance profile: the door through which a machine takes on a role."""

    name: str
    id: str
    path: str
    created: int
    roles: list[str] = []
    tags: dict[str, str] = {}
    folded: str = ""


@record(
    "identity_policies",
    key=("arn",),
    index=("name", "path", "folded"),
    scope="account",
    missing=("NoSuchEntity", "Policy {arn} was not found."),
    duplicate=("EntityAlreadyExists", "Policy {arn} already exists."),
)
class ManagedPolicy(Record):
    """A customer managed policy and its versions: version id (`v1`) to its document and time."""

    arn: str
    name: str
    id: str
    path: str
    created: int
    updated: int
    default: str
    documents: dict[str, str]
    version_times: dict[str, int]
    description: str = ""
    last_version: int = 1
    tags: dict[str, str] = {}
    folded: str = ""


@record(
    "identity_organization",
    key=("id",),
    scope="partition",
    missing=("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."),
    duplicate=("AlreadyInOrganizationException", "The AWS account is already a member of an organization."),
)
class Organization(Record):
    """The organization: its management account and its root."""

    id: str
    management: str
    root: str
    created: int
    features: str = "ALL"
    policy_types: list[str] = []
    services: dict[str, int] = {}
    delegated: dict[str, dict[str, int]] = {}
    root_tags: dict[str, str] = {}


@record(
    "identity_units",
    key=("id",),
    index=("parent", "name"),
    scope="partition",
    missing=(
        "OrganizationalUnitNotFoundException",
        "You specified an organizational unit that doesn't exist.",
    ),
    duplicate=("DuplicateOrganizationalUnitException", "An OU with the same name already exists."),
)
class OrganizationalUnit(Record):
    """An organizational unit under the root or another unit."""

    id: str
    parent: str
    name: str
    created: int = 0
    tags: dict[str, str] = {}


@record(
    "identity_organization_policies",
    key=("id",),
    index=("name", "kind"),
    scope="partition",
    missing=("PolicyNotFoundException", "You specified a policy that doesn't exist."),
    duplicate=("DuplicatePolicyException", "A policy with the same name already exists."),
)
class OrganizationPolicy(Record):
    """A policy of the organization (a service control policy, ...) and the ids it is attached to."""

    id: str
    name: str
    kind: str
    document: str
    description: str = ""
    targets: list[str] = []
    tags: dict[str, str] = {}


RECORDS: list[type[Record]] = [
    Account,
    AccessKey,
    User,
    Group,
    Role,
    InstanceProfile,
    ManagedPolicy,
    Organization,
    OrganizationalUnit,
    OrganizationPolicy,
]
