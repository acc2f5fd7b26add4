"""Data protection policies of single log groups: which sensitive data is reported and masked as events arrive."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.detector import Detector
from coldframe.services.logs import data_protection_documents
from coldframe.services.logs.bucket_access import check_findings
from coldframe.services.logs.lookup import cached_group, invalid, named
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.under_way import BatchesUnderWay

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteDataProtectionPolicyRequestTypeDef,
        GetDataProtectionPolicyRequestTypeDef,
        GetDataProtectionPolicyResponseTypeDef,
        PutDataProtectionPolicyRequestTypeDef,
        PutDataProtectionPolicyResponseTypeDef,
    )


def put_data_protection_policy(
    call: Call, request: "PutDataProtectionPolicyRequestTypeDef"
) -> "PutDataProtectionPolicyResponseTypeDef":
    """Set the policy of a group; it masks what arrives from now on, and nothing that is stored."""
    text = request["policyDocument"]
    group = cached_group(call, named(call, request))
    if group.group_class != "STANDARD":
        raise invalid(f"Log groups of the class {group.group_class} do not support data protection.")
    document = data_protection_documents.check(text, call.part(Detector))
    if document.findings_bucket:
        # S3 writes in transactions of its own, so this comes before ours is opened.
        check_findings(call, document.findings_bucket)
    findings = document.findings_log_group
    if findings == group.name:
        raise invalid("A log group cannot be the findings destination of its own data protection policy.")
    if findings and call.records.find(LogGroup, findings) is None:
        raise ServiceFault(
            "ResourceNotFoundException", f"The findings destination, log group {findings}, does not exist."
        )
    group = call.records.get(LogGroup, group.name)
    call.records.change(group, protection=text, protection_updated=call.now, protection_deleted=False)
    call.records.after_commit(call.part(BatchesUnderWay).wait_for_those_before)
    return {  # type: ignore[typeddict-item]
        "logGroupIdentifier": request["logGroupIdentifier"],
        "policyDocument": text,
        "lastUpdatedTime": call.now,
    }


def get_data_protection_policy(
    call: Call, request: "GetDataProtectionPolicyRequestTypeDef"
) -> "GetDataProtectionPolicyResponseTypeDef":
    """Return the policy of a group; without one, only the group's identifier."""
    group = call.records.get(LogGroup, named(call, request))
    answer: dict[str, Any] = {"logGroupIdentifier": request["logGroupIdentifier"]}
    if group.protection:
        answer |= {"policyDocument": group.protection, "lastUpdatedTime": group.protection_updated}
    return answer  # type: ignore[return-value]


def delete_data_protection_policy(call: Call, request: "DeleteDataProtectionPolicyRequestTypeDef") -> None:
    """Delete the policy of a group; what it has masked stays masked."""
    group = call.records.get(LogGroup, named(call, request))
    if group.protection:
        call.records.change(group, protection="", protection_updated=call.now, protection_deleted=True)
