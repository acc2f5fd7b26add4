"""What IAM's operations touch, with the real paths in the ARNs, and the condition keys that they answer.

Source: service authorization reference, Actions, resources, and condition keys for AWS Identity and Access Management.
"""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Record
from coldframe.identity.records import AccessKey, Group, InstanceProfile, ManagedPolicy, Role, User
from coldframe.services.iam.names import arn
from coldframe.services.iam.records import ServerCertificate

Context = dict[str, str | list[str]]

# The member that names an operation's resource; the first that the request has decides: AttachUserPolicy is about the
# user, its PolicyArn a condition key.
_NAMES: tuple[tuple[str, type[Record]], ...] = (
    ("GroupName", Group),
    ("InstanceProfileName", InstanceProfile),
    ("RoleName", Role),
    ("UserName", User),
    ("ServerCertificateName", ServerCertificate),
)
_ARNS = (
    *("PolicyArn", "PolicySourceArn", "SerialNumber", "OpenIDConnectProviderArn", "SAMLProviderArn"),
    "Arn",
)
_MAKES: dict[str, tuple[type[Record], str]] = {
    "CreateUser": (User, "UserName"),
    "CreateGroup": (Group, "GroupName"),
    "CreateRole": (Role, "RoleName"),
    "CreateInstanceProfile": (InstanceProfile, "InstanceProfileName"),
    "CreatePolicy": (ManagedPolicy, "PolicyName"),
    "UploadServerCertificate": (ServerCertificate, "ServerCertificateName"),
}
_OWN = frozenset(
    {
        *("CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey", "GetUser"),
        *("CreateLoginProfile", "GetLoginProfile", "DeleteLoginProfile", "ListMFADevices"),
        "DeactivateMFADevice",
    }
)


def resources(call: Call, operation: str, parameters: Any) -> list[str]:
    """Return the ARNs that an operation touches; none for one that is about the whole account."""
    check_session(call)
    if operation in _MAKES:
        kind, member = _MAKES[operation]
        return [arn(call, kind, parameters.get("Path") or "/", parameters[member])]
    for member, kind in _NAMES:
        if parameters.get(member):
            return [_stored(call, kind, parameters[member])]
    if operation in _OWN:
        return [call.principal.arn] if call.principal.kind == "user" else []
    for member in _ARNS:
        if parameters.get(member):
            return [parameters[member]]
    return _special(call, operation, parameters)


def check_session(call: Call) -> None:
    """Refuse temporary credentials that IAM does not take: a federated user's, and a user's or root's without MFA.

    Source: GetSessionToken and GetFederationToken in the STS API reference.
    """
    session = call.principal.session
    if session is None or session.kind == "role" or (session.mfa and session.kind != "federated"):
        return
    raise ServiceFault(
        "InvalidClientTokenId", "The security token included in the request is invalid", status=403
    )


def context(call: Call, operation: str, parameters: Any) -> Context:
    """Return the condition keys about the request's tags and policies and the entity's tags and boundary."""
    found: Context = {}
    tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", ())}
    for key, value in tags.items():
        found[f"aws:RequestTag/{key}"] = value
    if names := [*tags, *parameters.get("TagKeys", ())]:
        found["aws:TagKeys"] = names
    if operation.startswith(("Attach", "Detach")) and "PolicyArn" in parameters:
        found["iam:PolicyARN"] = parameters["PolicyArn"]
    if "AWSServiceName" in parameters:
        found["iam:AWSServiceName"] = parameters["AWSServiceName"]
    row = None if operation in _MAKES else _entity(call, parameters)
    boundary = parameters.get("PermissionsBoundary") or getattr(row, "boundary", "")
    if boundary:
        found["iam:PermissionsBoundary"] = boundary
    for key, value in getattr(row, "tags", {}).items():
        found[f"iam:ResourceTag/{key}"] = found[f"aws:ResourceTag/{key}"] = value
    return found


def _stored(call: Call, kind: type[Record], name: str) -> str:
    """Return the ARN of an entity by its name; one that is not there is taken to be at the root of the paths."""
    row = call.cached(kind, name)
    return arn(call, kind, getattr(row, "path", "/"), name)


def _entity(call: Call, parameters: Any) -> Record | None:
    """Return the entity that an operation is about, as it is committed."""
    for member, kind in _NAMES:
        if parameters.get(member):
            return call.cached(kind, parameters[member])
    if str(parameters.get("PolicyArn", "")).startswith("arn:"):
        return call.cached(ManagedPolicy, parameters["PolicyArn"])
    return None


def _special(call: Call, operation: str, parameters: Any) -> list[str]:
    """Return the ARNs of operations that name their resource in a way of their own."""

    def own(resource: str) -> list[str]:
        return [call.arn(resource, region="")]

    if operation == "GetAccessKeyLastUsed":
        key = call.cached(AccessKey, parameters["AccessKeyId"])
        return (
            [_stored(call, User, key.user)]
            if key is not None and key.account == call.account and key.user
            else []
        )
    if operation == "CreateVirtualMFADevice":
        return own(f"mfa{parameters.get('Path') or '/'}{parameters['VirtualMFADeviceName']}")
    if operation == "CreateServiceLinkedRole":
        return own(f"role/aws-service-role/{parameters['AWSServiceName']}/*")
    if operation == "CreateSAMLProvider":
        return own(f"saml-provider/{parameters['Name']}")
    if operation == "CreateOpenIDConnectProvider":
        return own(f"oidc-provider/{parameters['Url'].partition('://')[2].rstrip('/')}")
    if operation == "ListVirtualMFADevices":
        return own("mfa/*")
    return []
