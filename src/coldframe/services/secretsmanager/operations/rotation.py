"""Rotation: what can be asked of secrets although no rotation function exists here yet."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.services.secretsmanager.lookup import account_of, arn_of, changeable, invalid_request
from coldframe.services.secretsmanager.versions import token_of


def rotate_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Refuse: a secret without a rotation function as AWS does, one with a function because there are none here."""
    token_of(request)
    changeable(call, request["SecretId"])
    if request.get("RotationLambdaARN") or request.get("ExternalSecretRotationRoleArn"):
        raise NotBuilt("Rotation runs a Lambda function, and Lambda is not here.")
    raise invalid_request("No Lambda rotation function ARN is associated with this secret.")


def cancel_rotate_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Turn off rotation, which is off already."""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    return {"ARN": arn_of(call, account, secret), "Name": secret.name}
