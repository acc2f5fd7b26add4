"""The policies that AWS itself manages, as far as the built services have use for them."""

from functools import lru_cache
from importlib import resources

import msgspec


class AwsPolicy(msgspec.Struct, frozen=True):
    """One AWS managed policy: its path and name as in the ARN, its description and document."""

    name: str
    description: str
    document: str
    path: str = "/"

    @property
    def arn(self) -> str:
        """The policy's ARN, the same in every account."""
        return f"arn:aws:iam::aws:policy{self.path}{self.name}"


class _File(msgspec.Struct, frozen=True):
    policy: list[AwsPolicy]


@lru_cache(maxsize=1)
def policies() -> dict[str, AwsPolicy]:
    """Return the AWS managed policies by ARN."""
    text = resources.files("coldframe.identity").joinpath("aws_managed.toml").read_text(encoding="utf-8")
    return {policy.arn: policy for policy in msgspec.toml.decode(text, type=_File).policy}


def document(arn: str) -> str | None:
    """Return the document of an AWS managed policy; None for one that is not here."""
    found = policies().get(arn)
    return found.document if found is not None else None
