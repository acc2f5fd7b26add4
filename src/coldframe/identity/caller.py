"""The caller of one request: a principal, and the temporary credentials it came with."""

from dataclasses import dataclass
from functools import cached_property

from coldframe.identity.request import Principal
from coldframe.identity.sessions import Session


@dataclass(frozen=True)
class Caller(Principal):
    """A principal with its session, whose policies limit it further; None for long-lived keys."""

    session: Session | None = None

    @cached_property
    def key(self) -> tuple[str, ...]:
        """What the caller's policies follow from: two callers with one key have the same."""
        own = (self.kind, self.arn, self.user_id, self.issuer_arn)
        return own if self.session is None else (*own, *self.session.policies, *self.session.policy_arns)
