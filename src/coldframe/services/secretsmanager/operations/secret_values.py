"""Values of secrets: read, batched, put, listed by version; and the labels of versions."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.services.secretsmanager import replication, schedules, searching, values
from coldframe.services.secretsmanager.accesses import Accesses
from coldframe.services.secretsmanager.lookup import (
    account_of,
    arn_of,
    changeable,
    invalid_parameter,
    invalid_request,
    missing,
    named_arn,
    usable,
)
from coldframe.services.secretsmanager.permissions import tag_keys
from coldframe.services.secretsmanager.records import Secret, Version
from coldframe.services.secretsmanager.staging import CURRENT, moved, removed, version_with
from coldframe.services.secretsmanager.versions import add_version, check_token, token_of, version_of

_MOST_IN_BATCH = 20
_DAY = 86_400_000


def get_secret_value(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a value, decrypted for the caller."""
    return _value(
        call, request["SecretId"], request.get("VersionId") or "", request.get("VersionStage") or ""
    )


def batch_get_secret_value(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the current values of up to 20 secrets; those that the caller may not read are told apart."""
    named, filters = request.get("SecretIdList"), request.get("Filters")
    if (named is None) == (filters is None):
        raise invalid_parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
    if named is not None and request.get("MaxResults"):
        raise invalid_parameter(
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided."
        )
    if named is not None and len(named) > _MOST_IN_BATCH:
        raise invalid_parameter(f"SecretIdList takes up to {_MOST_IN_BATCH} secrets.")
    answer: dict[str, Any] = {"SecretValues": [], "Errors": []}
    if named is None:
        named, following = _filtered(call, request)
        if following:
            answer["NextToken"] = following
    for secret_id in named:
        try:
            call.require(
                "secretsmanager:GetSecretValue", _resource(call, secret_id), tag_keys(call, secret_id)
            )
            answer["SecretValues"].append(_value(call, secret_id, "", ""))
        except ServiceFault as fault:
            code = "AccessDeniedException" if isinstance(fault, AccessDenied) else fault.code
            answer["Errors"].append({"SecretId": secret_id, "ErrorCode": code, "Message": fault.message})
    return answer


def put_secret_value(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Give a secret another value, which is the current one unless other labels are said."""
    value = values.given(request)
    if value is None:
        raise invalid_request("You must provide either SecretString or SecretBinary.")
    token = token_of(request)
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    arn = arn_of(call, account, secret)
    labels = list(dict.fromkeys(request.get("VersionStages") or [CURRENT]))
    if not secret.stages and CURRENT not in labels:
        labels.append(CURRENT)
    if check_token(call, account, secret, arn, token, value):
        stages = secret.stages.get(token, [])
    else:
        version = values.encrypted(call, (arn, call.region), secret.name, token, value, secret.kms_key)
        copies = replication.copies_of(call, secret, account, token, value)
        records = call.records.elsewhere(account=account)
        stages = add_version(call, records, secret, version, labels, copies).stages[token]
    return {"ARN": arn, "Name": secret.name, "VersionId": token, "VersionStages": stages}


def list_secret_version_ids(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the versions of a secret, oldest first, those without labels if asked for."""
    secret, account = usable(call, request["SecretId"]), account_of(call, request["SecretId"])
    rows = call.records.elsewhere(account=account).list(Version, key_prefix=(secret.name,))
    rows.sort(key=lambda row: (row.created, row.id))
    if not request.get("IncludeDeprecated"):
        rows = [row for row in rows if secret.stages.get(row.id)]
    limit = request.get("MaxResults") or 100
    start = call.page(request.get("NextToken"), code="InvalidNextTokenException")
    if start is not None:
        rows = [row for row in rows if (row.created, row.id) > tuple(start)]
    answer: dict[str, Any] = {
        "ARN": arn_of(call, account, secret),
        "Name": secret.name,
        "Versions": [_shown(call, account, secret, row) for row in rows[:limit]],
    }
    if len(rows) > limit:
        answer["NextToken"] = call.token([rows[limit - 1].created, rows[limit - 1].id])
    return answer


def update_secret_version_stage(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Move a label from one version to another, or take it away."""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    label, source, target = (
        request["VersionStage"],
        request.get("RemoveFromVersionId") or "",
        request.get("MoveToVersionId") or "",
    )
    records = call.records.elsewhere(account=account)
    secret = records.get(Secret, secret.name)
    for version_id in (source, target):
        if version_id and version_id not in secret.stages:
            raise missing(
                f"Secrets Manager can't find the specified secret value for VersionId: {version_id}"
            )
    holder = version_with(secret.stages, label)
    _check_move(holder, label, source, target)
    stages = moved(secret.stages, target, [label]) if target else removed(secret.stages, label)
    fields = schedules.rotated(secret, call.now) if label == CURRENT and target != holder else {}
    replication.spread(records, records.change(secret, stages=stages, changed=call.now, **fields))
    return {"ARN": arn_of(call, account, secret), "Name": secret.name}


def _check_move(holder: str, label: str, source: str, target: str) -> None:
    if not source and not target:
        raise invalid_parameter("You must provide RemoveFromVersionId or MoveToVersionId, or both.")
    if not target and label == CURRENT:
        raise invalid_parameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed."
        )
    if holder and holder not in {source, target}:
        what = f"can't be {source}" if source else "can't be empty"
        raise invalid_parameter(
            f"The parameter RemoveFromVersionId {what}. Staging label {label} is currently attached to version"
            f" {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if source and holder != source:
        raise invalid_parameter(f"Staging label {label} is not attached to version {source}.")


def _value(call: Call, secret_id: str, version_id: str, label: str) -> dict[str, Any]:
    secret, account = usable(call, secret_id), account_of(call, secret_id)
    version = version_of(call, account, secret, version_id, label)
    arn = arn_of(call, account, secret)
    value = values.decrypted(call, arn, version)
    call.part(Accesses).note(account, call.region, version, call.now)
    return {
        "ARN": arn,
        "Name": secret.name,
        "VersionId": version.id,
        "VersionStages": secret.stages.get(version.id, []),
        "CreatedDate": version.created / 1000,
        **values.shown(value),
    }


def _filtered(call: Call, request: dict[str, Any]) -> tuple[list[str], str]:
    call.require("secretsmanager:ListSecrets", "*")
    rows = searching.found(call, request)
    limit = request.get("MaxResults") or _MOST_IN_BATCH
    start = call.page(request.get("NextToken"), code="InvalidNextTokenException")
    if start is not None:
        position = next((index for index, row in enumerate(rows) if row.name == start), -1)
        rows = rows[position + 1 :]
    following = call.token(rows[limit - 1].name) if len(rows) > limit else ""
    return [arn_of(call, call.account, row) for row in rows[:limit]], following


def _resource(call: Call, secret_id: str) -> str:
    account = account_of(call, secret_id)
    try:
        return arn_of(call, account, usable(call, secret_id))
    except ServiceFault:
        return named_arn(call, account, secret_id.partition(":secret:")[2] or secret_id)


def _shown(call: Call, account: str, secret: Secret, row: Version) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "VersionId": row.id,
        "CreatedDate": row.created / 1000,
        "KmsKeyIds": [row.kms_key],
    }
    if secret.stages.get(row.id):
        answer["VersionStages"] = secret.stages[row.id]
    accessed = max(row.accessed, call.part(Accesses).of_version(account, call.region, row))
    if accessed:
        answer["LastAccessedDate"] = (accessed - accessed % _DAY) / 1000
    return answer
