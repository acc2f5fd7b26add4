"""The versions of a managed policy: up to five, of which one is the default and in force."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.iam.documents import check_document, size
from coldframe.services.iam.listing import page
from coldframe.services.iam.policies_in_use import AnyPolicy, get_policy_row, own_policy, version_shape
from coldframe.services.iam.quotas import check_quota, quotas

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_policy_version(call: Call, request: "shapes.CreatePolicyVersionRequestTypeDef") -> dict[str, Any]:
    """Add a version; it is in force at once when it is set as the default."""
    row, document = own_policy(call, request["PolicyArn"]), request["PolicyDocument"]
    check_document(document)
    check_quota("PolicySize", size(document))
    if len(row.documents) >= quotas()["VersionsPerPolicyQuota"]:
        raise ServiceFault(
            "LimitExceeded",
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
            "existing version.",
        )
    number, now = row.last_version + 1, call.now // 1000
    version = f"v{number}"
    changed = call.records.change(
        row,
        documents={**row.documents, version: document},
        version_times={**row.version_times, version: now},
        last_version=number,
        default=version if request.get("SetAsDefault") else row.default,
        updated=now,
    )
    shape = version_shape(changed, version)
    del shape["Document"]
    return {"PolicyVersion": shape}


def get_policy_version(call: Call, request: "shapes.GetPolicyVersionRequestTypeDef") -> dict[str, Any]:
    """Return a version with its document."""
    policy = get_policy_row(call, request["PolicyArn"])
    return {"PolicyVersion": version_shape(policy, _known(policy, request["VersionId"]))}


def list_policy_versions(call: Call, request: "shapes.ListPolicyVersionsRequestTypeDef") -> dict[str, Any]:
    """List the versions, the newest first."""
    policy = get_policy_row(call, request["PolicyArn"])
    versions, more = page(call, request, policy.documents, lambda version: -int(version[1:]))
    listed = [version_shape(policy, version) for version in versions]
    for shape in listed:
        del shape["Document"]
    return {"Versions": listed, **more}


def set_default_policy_version(call: Call, request: "shapes.SetDefaultPolicyVersionRequestTypeDef") -> None:
    """Put a version in force, at once, wherever the policy is attached."""
    row = own_policy(call, request["PolicyArn"])
    call.records.change(row, default=_known(row, request["VersionId"]), updated=call.now // 1000)


def delete_policy_version(call: Call, request: "shapes.DeletePolicyVersionRequestTypeDef") -> None:
    """Delete a version that is not the default one."""
    row = own_policy(call, request["PolicyArn"])
    version = _known(row, request["VersionId"])
    if version == row.default:
        raise ServiceFault("DeleteConflict", "Cannot delete the default version of a policy.")
    documents = {name: text for name, text in row.documents.items() if name != version}
    call.records.change(row, documents=documents, updated=call.now // 1000)


def _known(policy: AnyPolicy, version: str) -> str:
    if version not in policy.documents:
        raise ServiceFault(
            "NoSuchEntity", f"Policy {policy.arn} version {version} does not exist or is not attachable."
        )
    return version
