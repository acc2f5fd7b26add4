"""AWS managed keys: made when the service that owns one, or DescribeKey, first asks for its alias."""

import json
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from coldframe.core.call import Call
from coldframe.services.kms import making
from coldframe.services.kms.records import Alias

PREFIX = "alias/aws/"


@cache
def _descriptions() -> dict[str, str]:
    text = resources.files(__package__).joinpath("aws_managed.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=dict[str, str])


def may_begin(call: Call, name: str) -> bool:
    """Tell whether this call makes the key of an alias that nobody has used yet."""
    service = name.removeprefix(PREFIX)
    if service == name or service not in _descriptions():
        return False
    return call.operation == "DescribeKey" or call.via == service


def begin(call: Call, name: str) -> None:
    """Make the key and its alias, in a transaction of its own: whoever asks may be a reading call.

    A service asks before its own transaction begins, since one thread has one.
    """
    service = name.removeprefix(PREFIX)
    with call.installation.store.write() as transaction:
        records = transaction.records(call.account, call.region)
        if records.find(Alias, name) is not None:
            return
        key = making.new_key(
            call,
            records,
            spec="SYMMETRIC_DEFAULT",
            usage="ENCRYPT_DECRYPT",
            manager="AWS",
            description=_descriptions()[service],
            policy=_policy(call, service),
            rotation_days=365,
        )
        records.add(Alias(name=name, key_id=key.id, created=call.now, updated=call.now))


def _policy(call: Call, service: str) -> str:
    """Return the policy that AWS gives these keys: the account may use it through the service, and look at it."""
    used = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    if service != "s3":
        used.insert(4, "kms:CreateGrant")
    through: dict[str, Any] = {
        "Sid": f"Allow access through {service} for all principals in the account that are authorized to use {service}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": used,
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": call.account,
                "kms:ViaService": f"{service}.{call.region}.amazonaws.com",
            }
        },
    }
    metadata = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{call.partition}:iam::{call.account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Id": f"auto-{service}-2", "Statement": [through, metadata]}
    return json.dumps(document, indent=2, separators=(",", " : "))
