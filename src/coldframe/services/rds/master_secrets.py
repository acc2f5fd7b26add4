"""The master user's password: given by the request, or made here and kept in a secret of Secrets Manager (rotating.py: from then on).

Secrets Manager writes in a transaction of its own, which cannot be within that of the call. So the call is rehearsed first,
to raise what it would raise; then the secret is made; then the call is done.
"""

import json
import secrets
import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import msgspec

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, names
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import Instance

_LETTERS = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
_LENGTH = 28
_DEFAULT_KEY = "alias/aws/secretsmanager"
Kind = Literal["db", "cluster"]
_OF = {
    "db": "Secret associated with primary RDS DB instance",
    "cluster": "Secret associated with primary RDS DB cluster",
}


class Chosen(msgspec.Struct, frozen=True):
    """A master password ("" when it stays) and the secret that it is kept in ("" for none), with the key's ARN.

    `status` is that of the secret until the password is set: creating, "" where none is made.
    """

    password: str = ""
    secret: str = ""
    key: str = ""
    status: str = ""


class _Rehearsed(Exception):
    """The end of a rehearsal."""


def rehearse(call: Call, act: Callable[[Call], object]) -> None:
    """Do something as this call would, and undo it; raises what it raises."""
    dry = Call(
        call.installation,
        call.service,
        call.operation,
        principal=call.principal,
        region=call.region,
        now=call.now,
    )
    dry.allowed, dry.require = call.allowed, call.require
    try:
        act(dry)
    finally:
        dry.roll_back(_Rehearsed())


def check_new(request: Mapping[str, Any], engine: EngineName) -> bool:
    """Check what a new instance says of its password; returns whether RDS is to manage it."""
    given = request.get("MasterUserPassword")
    if not request.get("ManageMasterUserPassword"):
        if request.get("MasterUserSecretKmsKeyId"):
            raise bad_combination("MasterUserSecretKmsKeyId needs ManageMasterUserPassword.")
        if not given:
            raise bad_value("The parameter MasterUserPassword must be provided and must not be blank.")
        names.master_password(given, engine)
        return False
    if given:
        raise bad_combination(
            "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        )
    return True


def check_change(instance: Instance | Cluster, request: Mapping[str, Any], engine: EngineName) -> None:
    """Check what a modification says of the password; raises InvalidParameterCombination and InvalidParameterValue."""
    given, managed = request.get("MasterUserPassword"), request.get("ManageMasterUserPassword")
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
    elif managed is False and instance.secret:
        raise bad_combination(
            "You must specify MasterUserPassword to end the management of the master password."
        )
    if request.get("MasterUserSecretKmsKeyId") and (instance.secret or not managed):
        raise bad_combination(
            "MasterUserSecretKmsKeyId is valid only together with ManageMasterUserPassword, for an instance whose password"
            " RDS does not manage yet."
        )
    if request.get("RotateMasterUserPassword") and not request.get("ApplyImmediately"):
        raise bad_combination("You must specify apply immediately when rotating the master user password.")
    if request.get("RotateMasterUserPassword") and not instance.secret and not managed:
        raise bad_combination(
            "You can't rotate the password of an instance whose password RDS does not manage."
        )


def made(call: Call, identifier: str, master: str, key: str | None, *, kind: Kind = "db") -> Chosen:
    """Make a password and a secret for it; before the call's transaction begins."""
    password, arn = new_password(), _key(call, key)
    answer = call.client("secretsmanager").create_secret(
        Name=f"rds!{kind}-{ids.uuid()}",
        Description=f"{_OF[kind]}: {arns.made(call.account, call.region, kind, identifier)}",
        SecretString=content(master, password),
        **({"KmsKeyId": arn} if key else {}),
    )
    return Chosen(password, answer["ARN"], arn, "creating")


def changed(call: Call, instance: Instance | Cluster, request: Mapping[str, Any]) -> Chosen:
    """Do with the secret what a modification asks for; before the call's transaction begins."""
    if request.get("ManageMasterUserPassword") and not instance.secret:
        kind: Kind = "db" if isinstance(instance, Instance) else "cluster"
        key = request.get("MasterUserSecretKmsKeyId")
        return made(call, instance.identifier, instance.master, key, kind=kind)
    if request.get("MasterUserPassword"):
        return Chosen(request["MasterUserPassword"])
    return Chosen("", instance.secret, instance.secret_key)


def rotates(call: Call, found: Instance | Cluster, request: Mapping[str, Any]) -> str:
    """Return the version that a modification is to make the current one, "" for none; raises AccessDenied."""
    if not request.get("RotateMasterUserPassword") or not found.secret:
        return ""
    call.require("secretsmanager:RotateSecret", found.secret)
    return ids.uuid()


def _key(call: Call, key: str | None) -> str:
    """Return the ARN of the key of a secret, "" for the default one where the caller may not look at it.

    Raises KMSKeyNotAccessibleFault for a key that is not there, or that the caller may not use.
    """
    try:
        found = call.client("kms").describe_key(KeyId=key or _DEFAULT_KEY)["KeyMetadata"]
    except ClientError as error:
        if key is None and error.response["Error"]["Code"] == "AccessDeniedException":
            return ""
        found = {"Enabled": False}
    if not found["Enabled"]:
        raise ServiceFault(
            "KMSKeyNotAccessibleFault",
            f"Specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it.",
        )
    return str(found["Arn"])


def forget(call: Call, secret: str) -> None:
    """Delete a secret that its instance needs no more, once the call's transaction is committed."""
    client = call.client("secretsmanager")
    call.records.after_commit(partial(client.delete_secret, SecretId=secret, ForceDeleteWithoutRecovery=True))


def content(master: str, password: str) -> str:
    """Return what a secret of a master user says."""
    return json.dumps({"username": master, "password": password})


def new_password() -> str:
    """Return a password that every engine takes."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
