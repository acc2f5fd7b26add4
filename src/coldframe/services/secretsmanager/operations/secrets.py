"""Secrets: made, described, listed, changed, deleted and restored."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.secretsmanager import replication, schedules, searching, values
from coldframe.services.secretsmanager.descriptions import described, labelled
from coldframe.services.secretsmanager.destroying import destroy
from coldframe.services.secretsmanager.lookup import (
    NAME,
    account_of,
    arn_of,
    changeable,
    check_owner,
    check_primary,
    committed,
    invalid_parameter,
    invalid_request,
    named_arn,
    new_suffix,
    no_name,
    present,
)
from coldframe.services.secretsmanager.records import NEVER, Secret, Version
from coldframe.services.secretsmanager.staging import CURRENT
from coldframe.services.secretsmanager.tagging import with_tags
from coldframe.services.secretsmanager.versions import add_version, check_token, token_in_use, token_of

_DAY = 86_400_000
_LEAST, _MOST = 7, 30


def create_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a secret and, if it brings one, its first value; the same request again finds the same."""
    if request.get("CrossAccountPrimaryARN"):
        raise NotBuilt("Secrets are not replicated to other accounts.")
    name, value = request["Name"], values.given(request)
    _check_name(call, name)
    token = token_of(request)
    there = committed(call, name)
    if there is not None:
        return _there_already(call, there, token, value)
    secret = Secret(
        name=name,
        suffix=new_suffix(),
        created=call.now,
        changed=call.now,
        description=request.get("Description") or "",
        kms_key=request.get("KmsKeyId") or "",
        tags=with_tags(call, {}, request.get("Tags") or []),
        type=request.get("Type") or "",
        owner=call.via,
        **schedules.of_new(call.via, call.now),
    )
    arn = arn_of(call, call.account, secret)
    answer: dict[str, Any] = {"ARN": arn, "Name": name}
    place = (arn, call.region)
    version = values.encrypted(call, place, name, token, value, secret.kms_key) if value else None
    copies = None
    if request.get("AddReplicaRegions"):
        force = bool(request.get("ForceOverwriteReplicaSecret"))
        asked = request["AddReplicaRegions"]
        replicas, copies = replication.added(call, call.account, secret, asked, force=force, known={})
        secret = replace(secret, replicas=replicas)
        if value:
            copies |= replication.copies_of(call, secret, call.account, token, value)
        answer["ReplicationStatus"] = replication.shown(secret)
    stale = call.records.find(Secret, name)
    if stale is not None:
        if stale.due > call.now:
            raise _exists(name)
        destroy(call.records, stale)  # its time was over and the work that destroys it had not come yet
    call.records.add(secret)
    replication.take_place(call.records, secret)
    if version is None:
        replication.spread(call.records, secret)
        return answer
    add_version(call, call.records, secret, version, [CURRENT], copies)
    return {**answer, "VersionId": token}


def describe_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Describe a secret, also one that waits for its deletion."""
    secret = present(call, request["SecretId"])
    answer = described(call, account_of(call, request["SecretId"]), secret)
    if secret.replicas:
        answer["ReplicationStatus"] = replication.shown(secret)
    stages = labelled(secret)
    return {**answer, "VersionIdsToStages": stages} if stages else answer


def list_secrets(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the secrets of the account that pass the filters, newest first if nothing else is said."""
    rows = searching.found(call, request, planned=bool(request.get("IncludePlannedDeletion")))
    limit = request.get("MaxResults") or 100
    start = call.page(request.get("NextToken"), code="InvalidNextTokenException")
    if start is not None:
        position = next((index for index, row in enumerate(rows) if row.name == start), -1)
        rows = rows[position + 1 :]
    shown = []
    for row in rows[:limit]:
        stages = labelled(row)
        more = {"SecretVersionsToStages": stages} if stages else {}
        shown.append({**described(call, call.account, row), **more})
    answer: dict[str, Any] = {"SecretList": shown}
    if len(rows) > limit:
        answer["NextToken"] = call.token(rows[limit - 1].name)
    return answer


def update_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change a secret's description or key, or give it a new current value."""
    value = values.given(request)
    token = token_of(request) if value is not None else ""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    arn = arn_of(call, account, secret)
    kms_key = secret.kms_key if request.get("KmsKeyId") is None else _key(request["KmsKeyId"])
    store = call.installation.store
    if value is not None and store.cached(Version, account, call.region, secret.name, token) is not None:
        raise token_in_use(token, arn)
    version, copies = None, None
    if value is not None:
        version = values.encrypted(call, (arn, call.region), secret.name, token, value, kms_key)
        copies = replication.copies_of(call, secret, account, token, value)
    moved: list[tuple[Version, dict[str, str]]] = []
    if kms_key != secret.kms_key:
        for version_id in labelled(secret):
            old = store.cached(Version, account, call.region, secret.name, version_id)
            if old is not None:
                moved.append((old, values.wrapped_anew(call, arn, old, kms_key)))
    records = call.records.elsewhere(account=account)
    for old, fields in moved:
        records.change(old, **fields)
    fields_of = {"kms_key": kms_key, "changed": call.now}
    for member, field in (("Description", "description"), ("Type", "type")):
        if request.get(member) is not None:
            fields_of[field] = request[member]
    secret = records.change(secret, **fields_of)
    answer = {"ARN": arn, "Name": secret.name}
    if version is None:
        replication.spread(records, secret)
        return answer
    add_version(call, records, secret, version, [CURRENT], copies)
    return {**answer, "VersionId": token}


def delete_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Have a secret destroyed after its recovery window, or at once if that is asked for."""
    days, force = request.get("RecoveryWindowInDays"), bool(request.get("ForceDeleteWithoutRecovery"))
    if force and days is not None:
        raise invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
        )
    days = _MOST if days is None else days
    if not _LEAST <= days <= _MOST:
        raise invalid_parameter(
            f"The RecoveryWindowInDays value must be between {_LEAST} and {_MOST} days (inclusive)."
        )
    secret_id = request["SecretId"]
    account = account_of(call, secret_id)
    if force and committed(call, secret_id) is None:
        name = secret_id.partition(":secret:")[2] or secret_id
        arn = named_arn(call, account, f"{name}-{new_suffix()}")
        return {"ARN": arn, "Name": name, "DeletionDate": call.now / 1000}
    secret = present(call, secret_id)
    check_owner(call, secret)
    check_primary(secret)
    if following := [replica.region for replica in secret.replicas if replica.status == "InSync"]:
        regions = ", ".join(following)
        raise invalid_parameter(
            f"You can't delete secret {secret.name} that still has replica regions [{regions}]"
        )
    answer = {"ARN": arn_of(call, account, secret), "Name": secret.name}
    records = call.records.elsewhere(account=account)
    if force:
        destroy(records, secret)
        return {**answer, "DeletionDate": call.now / 1000}
    if secret.due != NEVER:
        raise invalid_request(
            "You can't perform this operation on the secret because it was already scheduled for deletion."
        )
    due = call.now + days * _DAY
    records.change(secret, due=due)
    return {**answer, "DeletionDate": due / 1000}


def restore_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Keep a secret that was about to be destroyed."""
    secret, account = present(call, request["SecretId"]), account_of(call, request["SecretId"])
    check_owner(call, secret)
    call.records.elsewhere(account=account).change(secret, due=NEVER)
    return {"ARN": arn_of(call, account, secret), "Name": secret.name}


def _check_name(call: Call, name: str) -> None:
    if NAME.fullmatch(name) is None or ("!" in name and not call.via):
        raise no_name()


def _there_already(call: Call, there: Secret, token: str, value: values.Value | None) -> dict[str, Any]:
    """Answer a repeated request as the first; raise the fault for any other secret of the same name."""
    if there.due != NEVER:
        raise invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    arn = arn_of(call, call.account, there)
    if value is not None and check_token(call, call.account, there, arn, token, value):
        return {"ARN": arn, "Name": there.name, "VersionId": token}
    raise _exists(there.name)


def _exists(name: str) -> ServiceFault:
    return ServiceFault(
        "ResourceExistsException", f"The operation failed because the secret {name} already exists."
    )


def _key(name: str) -> str:
    return "" if name == values.DEFAULT_KEY else name
