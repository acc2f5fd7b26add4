"""The caller of one request: a principal, and the temporary credentials it came with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from coldframe.identity.request import Principal, Values
from coldframe.identity.sessions import Session


@dataclass(frozen=True)
class Caller(Principal):
    """A principal with its session, whose policies limit it further; None for long-lived keys.

    `source_arn`: the resource on whose behalf a service calls (aws:SourceArn and, from its account, aws:SourceAccount).
    """

    session: Session | None = None
    source_arn: str = ""

    @cached_property
    def context(self) -> Mapping[str, Values]:
        """The global condition keys that follow from the caller alone, in lower case."""
        keys = super().context
        if not self.source_arn:
            return keys
        account = self.source_arn.split(":")[4]
        return {**keys, "aws:sourcearn": (self.source_arn,), "aws:sourceaccount": (account,)}

    @cached_property
    def key(self) -> tuple[str, ...]:
        """What the caller's policies follow from: two callers with one key have the same."""
        own = (self.kind, self.arn, self.user_id, self.issuer_arn)
        return own if self.session is None else (*own, *self.session.policies, *self.session.policy_arns)
