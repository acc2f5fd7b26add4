"""Names, paths and ARNs: unique whatever their case, and the entity that an operation means."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Record
from coldframe.identity.records import Group, InstanceProfile, ManagedPolicy, Role, User
from coldframe.services.iam.records import ServerCertificate

Entity = User | Group | Role

_WORDS: dict[type[Record], tuple[str, str, str, str]] = {
    User: ("user", "User with name {} already exists.", "UsersPerAccount", "UsersQuota"),
    Group: ("group", "Group with name {} already exists.", "GroupsPerAccount", "GroupsQuota"),
    Role: ("role", "Role with name {} already exists.", "RolesPerAccount", "RolesQuota"),
    InstanceProfile: (
        "instance-profile",
        "Instance Profile {} already exists.",
        "InstanceProfilesPerAccount",
        "InstanceProfilesQuota",
    ),
    ManagedPolicy: (
        "policy",
        "A policy called {} already exists. Duplicate names are not allowed.",
        "PoliciesPerAccount",
        "PoliciesQuota",
    ),
    ServerCertificate: (
        "server-certificate",
        "The Server Certificate with name {} already exists.",
        "ServerCertificatesPerAccount",
        "ServerCertificatesQuota",
    ),
}


def quota_of(kind: type[Record]) -> tuple[str, str]:
    """Return what LimitExceeded calls the number of a kind in an account, and the quota's name."""
    return _WORDS[kind][2:]


def arn(call: Call, kind: type[Record], path: str, name: str) -> str:
    """Return the ARN of an entity; IAM's have no region."""
    return call.arn(f"{_WORDS[kind][0]}{path}{name}", region="")


def arn_of(call: Call, row: User | Group | Role | InstanceProfile) -> str:
    """Return the ARN of a record."""
    return arn(call, type(row), row.path, row.name)


def check_free(call: Call, kind: type[Record], name: str, *, besides: str = "") -> None:
    """Raise EntityAlreadyExists when another than `besides` has the name, in whatever case."""
    # Rows that others made, such as the role of a new member account, may have no folded name.
    near = call.records.list(kind, where={"folded": [name.lower(), ""]})
    taken = {str(getattr(row, "name", "")) for row in near} - {besides}
    if any(other.lower() == name.lower() for other in taken):
        raise ServiceFault("EntityAlreadyExists", _WORDS[kind][1].format(name))


def path_of(request: Any, member: str = "Path") -> str:
    """Return the path that a request gives, `/` by default; raises ValidationError when it does not end with /."""
    path: str = request.get(member) or "/"
    if not path.startswith("/") or not path.endswith("/") or "//" in path:
        raise ServiceFault(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only "
            "alphanumeric characters and/or / characters.",
        )
    return path


def user_name(call: Call, request: Any) -> str:
    """Return the user that an operation means: the one named, or else the user who calls; empty for root."""
    named: str | None = request.get("UserName")
    if named:
        return named
    if call.principal.kind == "user":
        return str(call.principal.arn.rpartition("/")[2])
    if call.principal.kind == "root":
        return ""
    raise ServiceFault("ValidationError", "Must specify userName when calling with non-User credentials")


def modifiable(role: Role) -> Role:
    """Return a role that its owner may change; raises UnmodifiableEntity for a service-linked one."""
    if role.service_linked:
        raise ServiceFault(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only "
            "modifiable by AWS",
        )
    return role
