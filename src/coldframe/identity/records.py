"""What identity remembers: accounts, access keys, users, groups, roles, policies and the organization.

Names are unique whatever their case, so that `folded` (the name in lower case) finds the ones that clash.
"""

from coldframe.core.records import Record, record


@record(
    "identity_accounts",
    key=("id",),
    index=("email", "organization", "parent"),
    scope="partition",
    missing=("AccountNotFoundException", "You specified an account that doesn't exist."),
    duplicate=("DuplicateAccountException", "An account with this id exists already."),
)
class Account(Record):
    """One account; `organization`, `parent` (root or organizational unit) and `policies` are empty for one that stands alone.

    `policies` are the ids of the organization's policies that are attached to it; `closed` is when it was closed.
    """

    id: str
    name: str
    email: str
    created: int
    organization: str = ""
    parent: str = ""
    policies: list[str] = []
    joined: int = 0
    joined_method: str = ""
    status: str = "ACTIVE"
    closed: int = 0
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


@record("identity_service_uses", key=("principal", "service"), scope="account")
class ServiceUse(Record):
    """When a user or role (its unique id) last called a service (its prefix in policies), and in which region."""

    principal: str
    service: str
    last_used: int
    last_region: str


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
    "identity_mfa_devices",
    key=("serial",),
    index=("user", "path"),
    scope="account",
    missing=("NoSuchEntity", "VirtualMFADevice with serial number {serial} doesn't exist."),
    duplicate=("EntityAlreadyExists", "MFADevice entity at the same path and name already exists."),
)
class MfaDevice(Record):
    """A virtual MFA device; `user` is empty until it is enabled; the seed of its codes is sealed."""

    serial: str
    path: str
    sealed_seed: bytes
    created: int
    user: str = ""
    enabled: int = 0
    shift: int = 0
    last_step: int = 0
    tags: dict[str, str] = {}


@record(
    "identity_organization",
    key=("id",),
    index=("management",),
    scope="partition",
    missing=("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."),
    duplicate=("AlreadyInOrganizationException", "The AWS account is already a member of an organization."),
)
class Organization(Record):
    """An organization: its management account, its root with the policies attached there, what it lets services do.

    `services` are the service principals with trusted access, `delegated` the administrators by account and service
    principal, each with the time since when. `unlisted` are the policy types that hold since the organization was made
    and that nobody has enabled: AWS does not list those in the root.
    """

    id: str
    management: str
    root: str
    created: int
    features: str = "ALL"
    policy_types: list[str] = []
    unlisted: list[str] = []
    services: dict[str, int] = {}
    delegated: dict[str, dict[str, int]] = {}
    root_policies: list[str] = []
    root_tags: dict[str, str] = {}
    resource_policy: str = ""
    resource_policy_id: str = ""
    resource_policy_tags: dict[str, str] = {}


@record(
    "identity_units",
    key=("id",),
    index=("organization", "parent", "name"),
    scope="partition",
    missing=(
        "OrganizationalUnitNotFoundException",
        "You specified an organizational unit that doesn't exist.",
    ),
    duplicate=("DuplicateOrganizationalUnitException", "An OU with the same name already exists."),
)
class OrganizationalUnit(Record):
    """An organizational unit under the root or another unit, and the ids of the policies attached to it."""

    id: str
    organization: str
    parent: str
    name: str
    created: int = 0
    policies: list[str] = []
    tags: dict[str, str] = {}


@record(
    "identity_organization_policies",
    key=("id",),
    index=("organization", "name", "kind"),
    scope="partition",
    missing=("PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified."),
    duplicate=("DuplicatePolicyException", "A policy with the same name already exists."),
)
class OrganizationPolicy(Record):
    """A policy of an organization (a service control policy, ...); what it is attached to says so itself."""

    id: str
    organization: str
    name: str
    kind: str
    document: str
    description: str = ""
    tags: dict[str, str] = {}


RECORDS: list[type[Record]] = [
    Account,
    AccessKey,
    User,
    Group,
    Role,
    ServiceUse,
    InstanceProfile,
    ManagedPolicy,
    MfaDevice,
    Organization,
    OrganizationalUnit,
    OrganizationPolicy,
]
