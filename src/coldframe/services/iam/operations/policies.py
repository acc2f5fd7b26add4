"""Customer managed policies, and the ones that AWS manages."""

from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import aws_managed
from coldframe.identity.records import ManagedPolicy
from coldframe.services.iam import names, tagging
from coldframe.services.iam.documents import check_document, size
from coldframe.services.iam.listing import page
from coldframe.services.iam.policies_in_use import (
    AnyPolicy,
    get_policy_row,
    own_policy,
    policy_shape,
    usage,
)
from coldframe.services.iam.quotas import check_quota

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_policy(call: Call, request: "shapes.CreatePolicyRequestTypeDef") -> dict[str, Any]:
    """Make a managed policy with its first version, v1."""
    name, path, document = request["PolicyName"], names.path_of(request), request["PolicyDocument"]
    check_document(document)
    check_quota("PolicySize", size(document))
    names.check_free(call, ManagedPolicy, name)
    text, quota = names.quota_of(ManagedPolicy)
    check_quota(text, call.records.count(ManagedPolicy) + 1, quota=quota)
    now = call.now // 1000
    row = ManagedPolicy(
        arn=names.arn(call, ManagedPolicy, path, name),
        name=name,
        folded=name.lower(),
        id=ids.unique_id("ANPA"),
        path=path,
        created=now,
        updated=now,
        default="v1",
        documents={"v1": document},
        version_times={"v1": now},
        description=request.get("Description", ""),
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    # Observed at AWS: the answer has the tags that were given, and never the description.
    made = policy_shape(row, usage(call))
    return {"Policy": {**made, "Tags": tagging.listed(row.tags)} if row.tags else made}


def get_policy(call: Call, request: "shapes.GetPolicyRequestTypeDef") -> dict[str, Any]:
    """Return a managed policy and how often it is attached."""
    return {"Policy": policy_shape(get_policy_row(call, request["PolicyArn"]), usage(call), whole=True)}


def list_policies(call: Call, request: "shapes.ListPoliciesRequestTypeDef") -> dict[str, Any]:
    """List the managed policies of a scope by name."""
    scope, prefix = request.get("Scope", "All"), request.get("PathPrefix", "/")
    wanted = request.get("PolicyUsageFilter")
    used = usage(call)
    found: list[AnyPolicy] = []
    if scope != "Local":
        found += aws_managed.policies().values()
    if scope != "AWS":
        found += call.records.list(ManagedPolicy)
    uses = {
        "PermissionsPolicy": used.attached,
        "PermissionsBoundary": used.boundaries,
        None: used.attached + used.boundaries,
    }[wanted]
    if wanted or request.get("OnlyAttached"):
        found = [policy for policy in found if policy.arn in uses]
    kept = [policy for policy in found if policy.path.startswith(prefix)]
    rows, more = page(call, request, kept, lambda policy: [policy.name, policy.arn])
    return {"Policies": [policy_shape(row, used) for row in rows], **more}


def delete_policy(call: Call, request: "shapes.DeletePolicyRequestTypeDef") -> None:
    """Delete a managed policy that nobody uses and that has no version but the default one."""
    row = own_policy(call, request["PolicyArn"])
    used = usage(call)
    if used.attached[row.arn] or used.boundaries[row.arn]:
        raise ServiceFault("DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(row.documents) > 1:
        raise ServiceFault(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy.",
        )
    call.records.remove(row)
