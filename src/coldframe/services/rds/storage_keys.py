"""The keys of encrypted storage: a data key that KMS made and wrapped, for RDS as it is documented to ask for one.

The caller gives RDS a grant for the KMS key, by which RDS gets the data key whenever a database is to be opened. What is made
of a database without another KMS key (its snapshots, their copies, its archive) has its data key, as volumes and snapshots
of one key have theirs at AWS; what becomes a database of its own gets another.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.engines.encrypted_folders import KEY_BYTES, name_of
from coldframe.identity.caller import Caller
from coldframe.services.rds import master_secrets
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination
from coldframe.services.rds.wrapped_keys import CONTEXT, SERVICE, StorageKey

DEFAULT_KEY = "alias/aws/rds"
_OPERATIONS = ["Decrypt", "GenerateDataKey", "DescribeKey", "RetireGrant"]


def of_new(
    call: Call, request: Mapping[str, Any], engine: str, owner: str, rehearsed: Callable[[Call], object]
) -> StorageKey | None:
    """Return the key of new storage as a request of CreateDBInstance wants it, None for storage in clear.

    No transaction may be open. `owner` is the resource id that the storage is for; `rehearsed` does what the call does, to
    raise what that raises before a key is made. Raises InvalidParameterCombination, KMSKeyNotAccessibleFault.
    """
    if not request.get("StorageEncrypted"):
        if request.get("KmsKeyId"):
            raise bad_combination(
                f"You must enable StorageEncrypted when you specify KmsKeyId for DB engine {engine}"
            )
        return None
    refuse_where_impossible(call)
    master_secrets.rehearse(call, rehearsed)
    return made(call, request.get("KmsKeyId"), owner)


def refuse_where_impossible(call: Call) -> None:
    """Refuse encrypted storage where the data directory's file system can have none; raises InvalidParameterCombination."""
    found = call.part(Databases).encryption.obstacle()
    if found is not None:
        raise bad_combination(f"StorageEncrypted: {found}; {found.hint}")


def made(call: Call, key: str | None, owner: str) -> StorageKey:
    """Have a data key made under a KMS key (None: the AWS managed one), for the storage of a resource id.

    No transaction may be open. Raises KMSKeyNotAccessibleFault.
    """
    context = {CONTEXT: owner}
    kms = call.client("kms")
    try:
        found = kms.describe_key(KeyId=key or DEFAULT_KEY)["KeyMetadata"]
        if not found["Enabled"] or found["KeySpec"] != "SYMMETRIC_DEFAULT":
            raise not_accessible(key)
        arn = str(found["Arn"])
        grant = kms.create_grant(
            KeyId=arn,
            GranteePrincipal=SERVICE,
            RetiringPrincipal=SERVICE,
            Operations=_OPERATIONS,
            Constraints={"EncryptionContextSubset": context},
        )["GrantId"]
        data_key = _as_service(call, arn).generate_data_key(
            KeyId=arn, NumberOfBytes=KEY_BYTES, EncryptionContext=context
        )
    except ClientError as error:
        raise not_accessible(key) from error
    return StorageKey(
        kms_key=arn,
        wrapped=base64.b64encode(data_key["CiphertextBlob"]).decode(),
        owner=owner,
        name=name_of(data_key["Plaintext"]),
        grant=grant,
    )


def not_accessible(key: str | None) -> ServiceFault:
    """Return KMSKeyNotAccessibleFault for a key as it was named."""
    return ServiceFault(
        "KMSKeyNotAccessibleFault",
        f"Specified KMS key [{key or DEFAULT_KEY}] does not exist, is not enabled or you do not have permissions to access it.",
    )


def _as_service(call: Call, key: str) -> Any:
    assert call.installation.clients is not None, "the server has clients before it serves"
    region = key.split(":")[3]
    return call.installation.clients("kms", principal=Caller(kind="service", arn=SERVICE), region=region)
