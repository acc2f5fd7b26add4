"""Resource policies: which AWS services may write to the account's log groups, or to one of them."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs import policy_documents
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import group_arn, invalid, name_in
from coldframe.services.logs.records import LogGroup, ResourcePolicy

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteResourcePolicyRequestTypeDef,
        DescribeResourcePoliciesRequestTypeDef,
        DescribeResourcePoliciesResponseTypeDef,
        PutResourcePolicyRequestTypeDef,
        PutResourcePolicyResponseTypeDef,
    )

MOST_POLICIES = 10
MOST_BYTES = 51_200


def put_resource_policy(
    call: Call, request: "PutResourcePolicyRequestTypeDef"
) -> "PutResourcePolicyResponseTypeDef":
    """Create or replace a policy of the account (at most ten), or the one policy of a log group."""
    records, name, document = call.records, request.get("policyName"), request.get("policyDocument")
    if not name or document is None:
        raise invalid("policyName and policyDocument are required.")
    policy_documents.check(document, most_bytes=MOST_BYTES)
    resource = _resource(call, request.get("resourceArn"))
    present = records.find(ResourcePolicy, resource, name)
    revision = ""
    if resource:
        _check_revision(present, request.get("expectedRevisionId"))
        revision = call.new_id()
    if present is None and records.count(ResourcePolicy, key_prefix=(resource,)) >= (
        1 if resource else MOST_POLICIES
    ):
        raise ServiceFault("LimitExceededException", "Resource limit exceeded.")
    row = ResourcePolicy(resource=resource, name=name, document=document, updated=call.now, revision=revision)
    records.put(row)
    answer: dict[str, Any] = {"resourcePolicy": _description(row)}
    return answer | ({"revisionId": revision} if revision else {})  # type: ignore[return-value]


def delete_resource_policy(call: Call, request: "DeleteResourcePolicyRequestTypeDef") -> None:
    """Delete a policy of the account, or of a log group if the revision expected is the present one."""
    name = request.get("policyName")
    if not name:
        raise invalid("policyName is required.")
    resource = _resource(call, request.get("resourceArn"))
    present = call.records.get(ResourcePolicy, resource, name)
    if resource:
        _check_revision(present, request.get("expectedRevisionId"))
    call.records.remove(present)


def describe_resource_policies(
    call: Call, request: "DescribeResourcePoliciesRequestTypeDef"
) -> "DescribeResourcePoliciesResponseTypeDef":
    """Return a page of the account's policies by name, or of the log groups' policies, or one log group's."""
    resource, limit = _resource(call, request.get("resourceArn")), request.get("limit", MOST)
    scope = request.get("policyScope", "RESOURCE" if resource else "ACCOUNT")
    if resource and scope == "ACCOUNT":
        raise invalid("resourceArn can be specified only with the policyScope RESOURCE.")
    after = call.page(request.get("nextToken"))
    key_prefix = () if scope == "RESOURCE" and not resource else (resource,)
    rows = [
        row
        for row in call.records.list(
            ResourcePolicy, key_prefix=key_prefix, after=None if after is None else tuple(after)
        )
        if bool(row.resource) == (scope == "RESOURCE")
    ]
    shown, token = page(call, rows, limit, lambda row: (row.resource, row.name))
    return {"resourcePolicies": [_shown(row) for row in shown], **token}  # type: ignore[typeddict-item]


def _resource(call: Call, arn: str | None) -> str:
    """Return the ARN of the log group named, without `:*`; empty for none. Raises the fault for one that is missing."""
    if arn is None:
        return ""
    if not arn.startswith("arn:"):
        raise invalid(f"Invalid resourceArn: {arn}")
    return group_arn(call, call.records.get(LogGroup, name_in(call, arn)).name)


def _check_revision(present: ResourcePolicy | None, expected: str | None) -> None:
    """Raise the fault unless the caller knows the policy as it is now; for a new one there is nothing to know."""
    if present is not None and expected is None:
        raise invalid("expectedRevisionId is required to change the resource policy of a log group.")
    if (present.revision if present is not None else None) != expected:
        text = "Multiple concurrent requests to update the same resource were in conflict: the revision is another one."
        raise ServiceFault("OperationAbortedException", text)


def _shown(row: ResourcePolicy) -> dict[str, Any]:
    """Describe a policy as it is read back, in AWS's normal form; the answer to a put repeats what was put."""
    return _description(row) | {"policyDocument": policy_documents.normal(row.document)}


def _description(row: ResourcePolicy) -> dict[str, Any]:
    described: dict[str, Any] = {
        "policyName": row.name,
        "policyDocument": row.document,
        "lastUpdatedTime": row.updated,
        "policyScope": "RESOURCE" if row.resource else "ACCOUNT",
    }
    if row.resource:
        described |= {"resourceArn": row.resource, "revisionId": row.revision}
    return described
