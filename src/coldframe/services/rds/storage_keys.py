"""The keys of encrypted storage as calls ask for them: a data key that KMS makes and wraps, which RDS may ask for again.

The caller gives RDS a grant for the KMS key, by which RDS gets the data key whenever storage is to be opened. What is made of
a database without another KMS key (its snapshots, their copies, its archive) has its data key, as at AWS volumes and their
snapshots have one; what becomes a database of its own gets another.
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
from coldframe.services.rds.faults import bad_combination, wrong_state
from coldframe.services.rds.new_instances import new_resource_id
from coldframe.services.rds.wrapped_keys import CONTEXT, SERVICE, StorageKey

DEFAULT_KEY = "alias/aws/rds"
# It makes the data key once, opens it again and again, and gives the grant back in the end.
_OPERATIONS = ["Decrypt", "GenerateDataKey", "DescribeKey", "RetireGrant"]


class Keys:
    """The keys that a call needs, by the order in which it asks: in a rehearsal it asks for them, afterwards it has them.

    KMS writes in a transaction of its own, which cannot be within that of the call.
    """

    def __init__(self) -> None:
        # KMS keys as they were named, each with the resource id of what it is for.
        self._asked: list[tuple[str | None, str]] = []
        self._taken: list[str] = []
        self._made: list[StorageKey] | None = None

    def of(self, kms_key: str | None, *, owner: str = "") -> StorageKey:
        """Return a new key for storage under a KMS key, None for the AWS managed one.

        `owner` is the resource id that it is for, a new one where there is none yet: `StorageKey.owner` has it.
        """
        if self._made is not None:
            if not self._made:
                raise wrong_state("What is to be copied has changed meanwhile; try again.")
            return self._made.pop(0)
        owner = owner or new_resource_id()
        self._asked.append((kms_key, owner))
        return StorageKey(kms_key=kms_key or DEFAULT_KEY, wrapped="", owner=owner, name="", grant="")

    def of_request(self, request: Mapping[str, Any], engine: str, *, owner: str = "") -> StorageKey | None:
        """Return the key that a request of CreateDBInstance wants, None for storage in clear; raises InvalidParameterCombination."""
        if request.get("StorageEncrypted"):
            return self.of(request.get("KmsKeyId"), owner=owner)
        if request.get("KmsKeyId"):
            raise bad_combination(
                f"You must enable StorageEncrypted when you specify KmsKeyId for DB engine {engine}"
            )
        return None

    def shared_by(self, kms_key: str) -> None:
        """Note that the call takes what is encrypted under somebody else's KMS key, which its caller has to be let use."""
        self._taken.append(kms_key)

    def make(self, call: Call) -> None:
        """Have the keys made that were asked for; raises InvalidParameterCombination, KMSKeyNotAccessibleFault."""
        for named in (*self._taken, *(kms_key for kms_key, _ in self._asked if kms_key)):
            described(call, named)
        if self._asked:
            refuse_where_impossible(call)
        self._made = []
        try:
            for kms_key, owner in self._asked:
                self._made.append(_made(call, kms_key, owner))
        except ServiceFault:
            for key in self._made:
                call.part(Databases).encryption.retire(key)
            raise


def rehearsed(call: Call, act: Callable[[Call, Keys], object]) -> Keys:
    """Do something as a call would, and undo it, and return the keys that it asks for; no transaction may be open.

    Raises what it raises, InvalidParameterCombination where there can be no encrypted storage, and KMSKeyNotAccessibleFault.
    """
    keys = Keys()
    master_secrets.rehearse(call, lambda dry: act(dry, keys))
    keys.make(call)
    return keys


def owned(key: StorageKey | None) -> dict[str, Any]:
    """Return the members of an Origin that say which key a new instance has, and the resource id that the key is for."""
    return {} if key is None else {"encryption": key, "resource_id": key.owner}


def refuse_where_impossible(call: Call) -> None:
    """Refuse encrypted storage where the data directory's file system can have none; raises InvalidParameterCombination."""
    found = call.part(Databases).encryption.obstacle()
    if found is not None:
        raise bad_combination(f"StorageEncrypted is not possible here: {found}; {found.hint}")


def described(call: Call, kms_key: str | None) -> dict[str, Any]:
    """Return what KMS says of a key to the caller; raises KMSKeyNotAccessibleFault for one that is of no use.

    No transaction may be open.
    """
    try:
        found: dict[str, Any] = call.client("kms").describe_key(KeyId=kms_key or DEFAULT_KEY)["KeyMetadata"]
    except ClientError as error:
        raise _not_accessible(kms_key) from error
    if not found["Enabled"] or found["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise _not_accessible(kms_key)
    return found


def _made(call: Call, kms_key: str | None, owner: str) -> StorageKey:
    found, context = described(call, kms_key), {CONTEXT: owner}
    arn = str(found["Arn"])
    if arn.split(":")[3] != call.region:
        raise _not_accessible(kms_key)
    assert call.installation.clients is not None, "the server has clients before it serves"
    rds = call.installation.clients("kms", principal=Caller(kind="service", arn=SERVICE), region=call.region)
    try:
        grant = call.client("kms").create_grant(
            KeyId=arn,
            GranteePrincipal=SERVICE,
            RetiringPrincipal=SERVICE,
            Operations=_OPERATIONS,
            Constraints={"EncryptionContextSubset": context},
        )["GrantId"]
    except ClientError as error:
        raise _not_accessible(kms_key) from error
    try:
        data_key = rds.generate_data_key(KeyId=arn, NumberOfBytes=KEY_BYTES, EncryptionContext=context)
    except ClientError as error:
        rds.retire_grant(KeyId=arn, GrantId=grant)
        raise _not_accessible(kms_key) from error
    return StorageKey(
        kms_key=arn,
        wrapped=base64.b64encode(data_key["CiphertextBlob"]).decode(),
        owner=owner,
        name=name_of(data_key["Plaintext"]),
        grant=grant,
        managed=found["KeyManager"] == "AWS",
    )


def _not_accessible(key: str | None) -> ServiceFault:
    return ServiceFault(
        "KMSKeyNotAccessibleFault",
        f"Specified KMS key [{key or DEFAULT_KEY}] does not exist, is not enabled or you do not have permissions to access it.",
    )
