"""What is remembered of the key of encrypted storage: the data key itself only as KMS wrapped it."""

import msgspec

SERVICE = "rds.amazonaws.com"
# The encryption context of RDS's data keys, as CloudTrail shows it.
CONTEXT = "aws:rds:db-id"


class StorageKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key of encrypted storage.

    `kms_key` is the ARN of the KMS key, `wrapped` the data key under it in base64, `owner` the resource id that stands in its
    encryption context. `name` is what the kernel calls the data key (engines/encrypted_folders/names.py), `grant` the id of
    the grant that lets RDS use the KMS key, `managed` that it is the account's AWS managed one.
    """

    kms_key: str
    wrapped: str
    owner: str
    name: str
    grant: str
    managed: bool = False
