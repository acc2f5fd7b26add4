"""The master user's password: given by the request, or made here and kept in a secret of Secrets Manager."""

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.services.rds import arns, names
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import Instance

_LETTERS = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
_LENGTH = 28


def password_of_new(
    call: Call, instance: Instance, request: Mapping[str, Any], engine: EngineName
) -> tuple[Instance, str]:
    """Return a new instance and its master password; with ManageMasterUserPassword a secret is made of it."""
    given = request.get("MasterUserPassword")
    if not request.get("ManageMasterUserPassword"):
        if request.get("MasterUserSecretKmsKeyId"):
            raise bad_combination("MasterUserSecretKmsKeyId needs ManageMasterUserPassword.")
        if not given:
            raise bad_value("The parameter MasterUserPassword must be provided and must not be blank.")
        return instance, names.master_password(given, engine)
    if given:
        raise bad_combination(
            "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        )
    return _manage(call, instance, request)


def password_of_modified(
    call: Call, instance: Instance, request: Mapping[str, Any], engine: EngineName
) -> tuple[Instance, str]:
    """Return an instance and its new master password, sealed for a job; "" when the password stays."""
    given, managed = request.get("MasterUserPassword"), request.get("ManageMasterUserPassword")
    sealed = call.part(Databases).sealed
    if managed and given:
        raise bad_combination(
            "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        )
    if given:
        if instance.secret and managed is not False:
            raise bad_combination(
                "You can't specify MasterUserPassword for an instance whose password RDS manages."
            )
        names.master_password(given, engine)
        if instance.secret:
            call.client("secretsmanager").delete_secret(
                SecretId=instance.secret, ForceDeleteWithoutRecovery=True
            )
            instance = call.records.change(instance, secret="", secret_key="")
        return instance, sealed(instance.resource_id, given)
    if managed is False and instance.secret:
        raise bad_combination(
            "You must specify MasterUserPassword to end the management of the master password."
        )
    if managed and not instance.secret:
        instance, password = _manage(call, instance, request)
        return instance, sealed(instance.resource_id, password)
    if request.get("RotateMasterUserPassword"):
        if not instance.secret:
            raise bad_combination(
                "You can't rotate the password of an instance whose password RDS does not manage."
            )
        password = _made()
        call.client("secretsmanager").put_secret_value(
            SecretId=instance.secret, SecretString=_content(instance, password)
        )
        return instance, sealed(instance.resource_id, password)
    return instance, ""


def _manage(call: Call, instance: Instance, request: Mapping[str, Any]) -> tuple[Instance, str]:
    password, key = _made(), request.get("MasterUserSecretKmsKeyId")
    made = call.client("secretsmanager").create_secret(
        Name=f"rds!{instance.resource_id.lower()}-{ids.hexadecimal(8)}",
        Description=f"Secret associated with primary RDS DB instance: {arns.made(call.account, call.region, 'db', instance.identifier)}",
        SecretString=_content(instance, password),
        **({"KmsKeyId": key} if key else {}),
    )
    return call.records.change(instance, secret=made["ARN"], secret_key=key or ""), password


def _content(instance: Instance, password: str) -> str:
    return json.dumps({"username": instance.master, "password": password})


def _made() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
