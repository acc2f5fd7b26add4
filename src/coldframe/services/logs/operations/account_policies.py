"""Account policies: what applies to all log groups of the account and region, or to those of a prefix."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.engines.detector import Detector
from coldframe.services.logs import account_policy_documents, account_retention, data_protection_documents
from coldframe.services.logs.bucket_access import check_findings
from coldframe.services.logs.index_documents import indexes
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import group_arn, invalid
from coldframe.services.logs.policy_selection import check_no_overlap
from coldframe.services.logs.records import AccountPolicy, LogGroup
from coldframe.services.logs.retention_dry_run import dry_run
from coldframe.services.logs.subscribing import check_destination
from coldframe.services.logs.transforming import check_policy_document
from coldframe.services.logs.under_way import BatchesUnderWay

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteAccountPolicyRequestTypeDef,
        DescribeAccountPoliciesRequestTypeDef,
        DescribeAccountPoliciesResponseTypeDef,
        PutAccountPolicyRequestTypeDef,
        PutAccountPolicyResponseTypeDef,
    )

# Each operation asks for this permission of the policy's own kind, beside its own.
_ALSO = {
    "DATA_PROTECTION_POLICY": (
        "PutDataProtectionPolicy",
        "GetDataProtectionPolicy",
        "DeleteDataProtectionPolicy",
    ),
    "SUBSCRIPTION_FILTER_POLICY": (
        "PutSubscriptionFilter",
        "DescribeSubscriptionFilters",
        "DeleteSubscriptionFilter",
    ),
    "TRANSFORMER_POLICY": ("PutTransformer", "GetTransformer", "DeleteTransformer"),
    "FIELD_INDEX_POLICY": ("PutIndexPolicy", "DescribeIndexPolicies", "DeleteIndexPolicy"),
    "RETENTION_POLICY": ("PutRetentionPolicy", "DescribeAccountPolicies", "DeleteRetentionPolicy"),
}

# An account has one policy of these; of the others several, for groups of different prefixes.
_ONE = {"DATA_PROTECTION_POLICY", "SUBSCRIPTION_FILTER_POLICY"}


def put_account_policy(
    call: Call, request: "PutAccountPolicyRequestTypeDef"
) -> "PutAccountPolicyResponseTypeDef":
    """Create or replace the account's one policy of a kind; it applies to what arrives from now on."""
    name, kind = request["policyName"], request["policyType"]
    _refuse_unbuilt(kind)
    _also(call, kind, 0)
    if not name or name.lower().startswith("aws/"):
        raise invalid("policyName must not be empty nor start with aws/.")
    if request.get("dryRun") and kind != account_retention.KIND:
        raise invalid("dryRun is valid only for policies of the type RETENTION_POLICY.")
    selection = request.get("selectionCriteria", "")
    _check(call, kind, request["policyDocument"], selection)
    records = call.records
    present = records.find(AccountPolicy, kind, name)
    others = [row for row in records.list(AccountPolicy, key_prefix=(kind,)) if row.name != name]
    if kind == account_retention.KIND:
        account_retention.check_number(selection, others)
    elif kind not in _ONE:
        check_no_overlap(selection, others)
    elif others:
        raise ServiceFault("LimitExceededException", f"The account has a policy of the type {kind} already.")
    row = AccountPolicy(
        kind=kind,
        name=name,
        document=request["policyDocument"],
        updated=call.now,
        selection=selection,
        created=call.now if present is None else present.created,
        former="" if present is None else account_retention.in_effect(present, call.now),
    )
    if request.get("dryRun"):
        return {"dryRunResult": dry_run(call, row)}  # type: ignore[typeddict-item]
    records.put(row)
    records.after_commit(call.part(BatchesUnderWay).wait_for_those_before)
    return {"accountPolicy": _description(call, row)}  # type: ignore[typeddict-item]


def describe_account_policies(
    call: Call, request: "DescribeAccountPoliciesRequestTypeDef"
) -> "DescribeAccountPoliciesResponseTypeDef":
    """Return a page of the account's policies of a kind, or the one of a name."""
    kind, name = request["policyType"], request.get("policyName")
    _refuse_unbuilt(kind)
    _also(call, kind, 1)
    accounts = request.get("accountIdentifiers") or [call.account]
    if accounts != [call.account]:
        raise invalid("accountIdentifiers may name only this account: no source accounts are linked to it.")
    after = call.page(request.get("nextToken"))
    if name is not None:
        rows = [call.records.get(AccountPolicy, kind, name)]
    else:
        rows = call.records.list(
            AccountPolicy, key_prefix=(kind,), after=None if after is None else (kind, after), limit=MOST + 1
        )
    shown, token = page(call, rows, MOST, lambda row: row.name)
    return {"accountPolicies": [_description(call, row) for row in shown], **token}  # type: ignore[typeddict-item]


def delete_account_policy(call: Call, request: "DeleteAccountPolicyRequestTypeDef") -> dict[str, Any]:
    """Delete a policy of the account; the log groups' own policies stay in force, or come into force."""
    kind = request["policyType"]
    _refuse_unbuilt(kind)
    _also(call, kind, 2)
    if request.get("dryRun") and kind != account_retention.KIND:
        raise invalid("dryRun is valid only for policies of the type RETENTION_POLICY.")
    row = call.records.get(AccountPolicy, kind, request["policyName"])
    if request.get("dryRun"):
        return {"dryRunResult": dry_run(call, row, deleted=True)}
    call.records.remove(row)
    return {}


def _refuse_unbuilt(kind: str) -> None:
    if kind not in _ALSO:
        raise NotBuilt(f"Account policies of the type {kind} are not built in coldframe yet.")


def _also(call: Call, kind: str, which: int) -> None:
    call.require(f"logs:{_ALSO[kind][which]}", call.arn("log-group:*:log-stream:"))


def _check(call: Call, kind: str, document: str, selection: str) -> None:
    if kind == "DATA_PROTECTION_POLICY":
        _check_data_protection(call, document, selection)
    elif kind == "SUBSCRIPTION_FILTER_POLICY":
        _check_subscription(call, document, selection)
    elif kind == "TRANSFORMER_POLICY":
        check_policy_document(document)
    elif kind == account_retention.KIND:
        account_retention.check_document(document)
    else:
        indexes(document)


def _check_data_protection(call: Call, document: str, selection: str) -> None:
    if selection:
        raise invalid("selectionCriteria is not supported for policies of the type DATA_PROTECTION_POLICY.")
    checked = data_protection_documents.check(document, call.part(Detector))
    # Other services write in transactions of their own, so this comes before ours is opened.
    check_findings(call, checked.findings_bucket, checked.findings_stream)
    findings = checked.findings_log_group
    if findings and call.records.find(LogGroup, findings) is None:
        raise invalid(f"The findings destination, log group {findings}, does not exist.")


def _check_subscription(call: Call, document: str, selection: str) -> None:
    subscription = account_policy_documents.check_subscription(document)
    exempt = account_policy_documents.exempted(selection)
    target = check_destination(call, subscription.destination, subscription.role, None).arn
    if target not in {group_arn(call, name) for name in exempt} and target.startswith(call.arn("log-group:")):
        raise invalid(
            f"The log group that events go to, {target.rpartition('log-group:')[2]}, would be subscribed to itself:"
            " exempt it with selectionCriteria, LogGroupName NOT IN [...]."
        )


def _description(call: Call, row: AccountPolicy) -> dict[str, Any]:
    described: dict[str, Any] = {
        "policyName": row.name,
        "policyDocument": row.document,
        "lastUpdatedTime": row.updated,
        "policyType": row.kind,
        "scope": row.scope,
        "accountId": call.account,
    }
    if row.selection:
        described["selectionCriteria"] = row.selection
    return described
