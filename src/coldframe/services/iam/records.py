"""What IAM remembers beside the identities: password rules, reports, deletions and providers."""

import msgspec

from coldframe.core.records import Record, record


@record(
    "iam_password_policies",
    key=("account",),
    scope="account",
    missing=("NoSuchEntity", "The Password Policy with domain name {account} cannot be found."),
)
class PasswordPolicy(Record):
    """What the account asks of its users' passwords; 0 where it sets no age and no reuse limit."""

    account: str
    length: int = 6
    symbols: bool = False
    numbers: bool = False
    uppercase: bool = False
    lowercase: bool = False
    change: bool = False
    max_age: int = 0
    reuse: int = 0
    hard_expiry: bool = False


@record("iam_token_preferences", key=("account",), scope="account")
class TokenPreference(Record):
    """Which version of session tokens the account wants from the global endpoint of STS: 1 or 2."""

    account: str
    version: int


class AccessingEntity(msgspec.Struct):
    """A user or role whose policies allow a service; `used` in seconds is 0 while it has not called that."""

    arn: str
    name: str
    kind: str
    id: str
    path: str
    used: int
    region: str


@record("iam_credential_reports", key=("account",), scope="account")
class CredentialReport(Record):
    """The last credential report of an account, in CSV."""

    account: str
    content: str
    generated: int


@record(
    "iam_last_accessed_reports",
    key=("job",),
    scope="account",
    missing=("NoSuchEntity", "The job with id {job} cannot be found."),
)
class LastAccessedReport(Record):
    """What was last used of what an entity or a policy allows: for each service's prefix who could and did use it."""

    job: str
    created: int
    services: dict[str, list[AccessingEntity]]


@record(
    "iam_role_deletions", key=("task",), scope="account", missing=("NoSuchEntity", "{task} was not found.")
)
class RoleDeletion(Record):
    """The deletion of a service-linked role, under the id of its task."""

    task: str
    deleted: int


@record(
    "iam_openid_providers",
    key=("arn",),
    scope="account",
    missing=("NoSuchEntity", "OpenIDConnect Provider not found for arn {arn}"),
    duplicate=("EntityAlreadyExists", "Provider with url {arn} already exists."),
)
class OpenIdProvider(Record):
    """An OpenID Connect provider: its address, the audiences it speaks for and the certificates it shows."""

    arn: str
    url: str
    clients: list[str]
    thumbprints: list[str]
    created: int
    tags: dict[str, str] = {}


@record(
    "iam_saml_providers",
    key=("arn",),
    scope="account",
    missing=("NoSuchEntity", "Manifest not found for arn {arn}"),
    duplicate=("EntityAlreadyExists", "Provider with arn {arn} already exists."),
)
class SamlProvider(Record):
    """A SAML provider and its metadata document."""

    arn: str
    id: str
    document: str
    created: int
    valid_until: int
    encryption: str = ""
    tags: dict[str, str] = {}


@record(
    "iam_server_certificates",
    key=("name",),
    index=("id", "path", "folded"),
    scope="account",
    missing=("NoSuchEntity", "The Server Certificate with name {name} cannot be found."),
    duplicate=("EntityAlreadyExists", "The Server Certificate with name {name} already exists."),
)
class ServerCertificate(Record):
    """A server certificate for load balancers; its private key is sealed for the certificate's id."""

    name: str
    id: str
    path: str
    body: str
    chain: str
    sealed_key: bytes
    uploaded: int
    expires: int
    tags: dict[str, str] = {}
    folded: str = ""


@record("iam_service_credentials", key=("id",), index=("user",), scope="account")
class ServiceSpecificCredential(Record):
    """A user's name and password for one service; of the password, only its hash is kept. `expires` is 0 for never."""

    id: str
    user: str
    service: str
    name: str
    password_hash: str
    created: int
    expires: int = 0
    status: str = "Active"


@record("iam_ssh_public_keys", key=("id",), index=("user",), scope="account")
class SshPublicKey(Record):
    """An SSH public key of a user, as it was uploaded."""

    id: str
    user: str
    body: str
    fingerprint: str
    uploaded: int
    status: str = "Active"


@record("iam_signing_certificates", key=("id",), index=("user",), scope="account")
class SigningCertificate(Record):
    """A signing certificate of a user, or of the root, whose name is empty, in PEM."""

    id: str
    user: str
    body: str
    uploaded: int
    status: str = "Active"
