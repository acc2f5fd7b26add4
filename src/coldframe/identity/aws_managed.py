"""The policies that AWS itself manages, as far as the built services have use for them."""

import hashlib
from base64 import b32encode
from functools import lru_cache
from importlib import resources

import msgspec

from coldframe.core.struct_types import whole


class AwsPolicy(msgspec.Struct, frozen=True):
    """One AWS managed policy: its path and name as in the ARN, its description and document.

    `created` is in seconds since the epoch; most of the policies came out together, in February 2015.
    """

    name: str
    description: str
    document: str
    path: str = "/"
    created: int = 1_423_247_986
    default: str = "v1"

    @property
    def arn(self) -> str:
        """The policy's ARN, the same in every account."""
        return f"arn:aws:iam::aws:policy{self.path}{self.name}"

    @property
    def id(self) -> str:
        """The policy's unique id, the same in every account and installation."""
        return "ANPA" + b32encode(hashlib.sha256(self.arn.encode()).digest()).decode()[:17]

    @property
    def updated(self) -> int:
        """When the policy last changed, in seconds since the epoch."""
        return self.created

    @property
    def documents(self) -> dict[str, str]:
        """The versions by id: the one that is here."""
        return {self.default: self.document}

    @property
    def version_times(self) -> dict[str, int]:
        """The time of each version."""
        return {self.default: self.created}


class _File(msgspec.Struct, frozen=True):
    policy: list[AwsPolicy]


@lru_cache(maxsize=1)
def policies() -> dict[str, AwsPolicy]:
    """Return the AWS managed policies by ARN."""
    text = resources.files("coldframe.identity").joinpath("aws_managed.toml").read_text(encoding="utf-8")
    return {policy.arn: policy for policy in msgspec.toml.decode(text, type=whole(_File)).policy}


def document(arn: str) -> str | None:
    """Return the document of an AWS managed policy; None for one that is not here."""
    found = policies().get(arn)
    return found.document if found is not None else None
