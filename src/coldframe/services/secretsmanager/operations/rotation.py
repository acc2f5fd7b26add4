"""Rotation: of secrets that a service manages, by that service; others would need a function, and there are none here."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.core.offers import ManagedPasswords
from coldframe.services.secretsmanager import replication, schedules
from coldframe.services.secretsmanager.lookup import (
    account_of,
    arn_of,
    changeable,
    check_primary,
    invalid_request,
    usable,
)
from coldframe.services.secretsmanager.versions import token_of


def rotate_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Rotate a secret that its service manages, now or by other rules; refuse one that needs a function."""
    token = token_of(request)
    secret, account = usable(call, request["SecretId"]), account_of(call, request["SecretId"])
    if not schedules.is_managed(secret.owner):
        changeable(call, request["SecretId"])
        if request.get("RotationLambdaARN") or request.get("ExternalSecretRotationRoleArn"):
            raise NotBuilt("Rotation runs a Lambda function, and Lambda is not here.")
        raise invalid_request("No Lambda rotation function ARN is associated with this secret.")
    check_primary(secret)
    if request.get("RotationLambdaARN") or request.get("ExternalSecretRotationRoleArn"):
        raise invalid_request(
            f"You can't specify a rotation function for the secret because its rotation is managed by {secret.owner}."
        )
    arn, records = arn_of(call, account, secret), call.records.elsewhere(account=account)
    if request.get("RotationRules"):
        since = secret.rotation.last if secret.rotation is not None else 0
        fields = schedules.with_rules(secret.rotation, request["RotationRules"], since or secret.created)
        if fields["rotates"] <= call.now:
            # A day that has passed already is no day on which it was to be rotated.
            fields = schedules.with_rules(secret.rotation, request["RotationRules"], call.now)
        secret = records.change(secret, changed=call.now, **fields)
        replication.spread(records, secret)
    if request.get("RotateImmediately") is not False and token not in secret.stages:
        call.part(ManagedPasswords).rotate(records, arn, token)
    return {"ARN": arn, "Name": secret.name, "VersionId": token}


def cancel_rotate_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Turn off rotation, which is off already; what a service manages goes on being rotated."""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    return {"ARN": arn_of(call, account, secret), "Name": secret.name}
