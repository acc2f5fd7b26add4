"""Managed policies by ARN, AWS's and the account's, and where they are attached."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import aws_managed
from coldframe.identity.aws_managed import AwsPolicy
from coldframe.identity.records import Group, ManagedPolicy, Role, User
from coldframe.services.iam.answers import moment
from coldframe.services.iam.documents import encoded
from coldframe.services.iam.names import Entity
from coldframe.services.iam.tagging import listed

AnyPolicy = AwsPolicy | ManagedPolicy


@dataclass
class Usage:
    """How often each policy is attached, and how often it bounds permissions."""

    attached: Counter[str] = field(default_factory=Counter)
    boundaries: Counter[str] = field(default_factory=Counter)


def entities(call: Call) -> Iterator[Entity]:
    """Return every user, group and role of the account."""
    yield from call.records.list(User)
    yield from call.records.list(Group)
    yield from call.records.list(Role)


def usage(call: Call) -> Usage:
    """Count the uses of every policy of the account."""
    return usage_among(entities(call))


def usage_among(rows: Iterable[Entity]) -> Usage:
    """Count the uses of every policy by some users, groups and roles."""
    found = Usage()
    for row in rows:
        found.attached.update(row.attached)
        if not isinstance(row, Group) and row.boundary:
            found.boundaries[row.boundary] += 1
    return found


def find_policy(call: Call, arn: str) -> AnyPolicy | None:
    """Return a managed policy that the account may use; raises ValidationError or InvalidInput for what is no policy's ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ServiceFault("ValidationError", "Invalid ARN:  Could not be parsed!", status=400)
    if parts[2] != "iam" or not parts[5].startswith("policy/"):
        raise ServiceFault("InvalidInput", f"ARN {arn} is not valid.")
    if parts[4] == "aws":
        return aws_managed.policies().get(arn)
    return call.records.find(ManagedPolicy, arn) if parts[4] == call.account else None


def get_policy_row(call: Call, arn: str) -> AnyPolicy:
    """Return a managed policy; raises NoSuchEntity."""
    found = find_policy(call, arn)
    if found is None:
        raise ServiceFault("NoSuchEntity", f"Policy {arn} was not found.")
    return found


def own_policy(call: Call, arn: str) -> ManagedPolicy:
    """Return a policy that the account may change; raises AccessDenied for AWS's own and NoSuchEntity."""
    found = get_policy_row(call, arn)
    if isinstance(found, AwsPolicy):
        raise ServiceFault(
            "AccessDenied", f"Policy {arn} is managed by AWS and cannot be changed.", status=403
        )
    return found


def attachable(call: Call, arn: str) -> AnyPolicy:
    """Return a managed policy that is to be attached; raises NoSuchEntity in the words for that."""
    found = find_policy(call, arn)
    if found is None:
        raise ServiceFault("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
    return found


def policy_name(arn: str) -> str:
    """Return the name at the end of a policy's ARN."""
    return arn.rpartition("/")[2]


def policy_path(arn: str) -> str:
    """Return the path of a policy's ARN, with both slashes."""
    return arn.partition(":policy")[2].rpartition("/")[0] + "/"


def attached_shapes(policy_arns: list[str]) -> list[dict[str, str]]:
    """Return attached policies in the shape of the API."""
    return [{"PolicyName": policy_name(arn), "PolicyArn": arn} for arn in policy_arns]


def policy_shape(policy: AnyPolicy, used: Usage, *, whole: bool = False) -> dict[str, Any]:
    """Return a Policy; listings leave out description and tags, `whole` answers have them."""
    shape: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default,
        "AttachmentCount": used.attached[policy.arn],
        "PermissionsBoundaryUsageCount": used.boundaries[policy.arn],
        "IsAttachable": True,
        "CreateDate": moment(policy.created),
        "UpdateDate": moment(policy.updated),
    }
    if whole and policy.description:
        shape["Description"] = policy.description
    if whole:
        shape["Tags"] = listed(policy.tags) if isinstance(policy, ManagedPolicy) else []
    return shape


def version_shape(policy: AnyPolicy, version: str) -> dict[str, Any]:
    """Return a PolicyVersion with its document."""
    return {
        "Document": encoded(policy.documents[version]),
        "VersionId": version,
        "IsDefaultVersion": version == policy.default,
        "CreateDate": moment(policy.version_times.get(version, policy.created)),
    }


def versions(policy: AnyPolicy) -> list[dict[str, Any]]:
    """Return all versions of a policy, the newest first."""
    newest_first = sorted(policy.documents, key=lambda version: -int(version[1:]))
    return [version_shape(policy, version) for version in newest_first]
