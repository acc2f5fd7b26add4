"""Session tokens: the third part of temporary credentials, which must come along with the other two."""

from datetime import datetime

from coldframe.gateway.signature.credentials import Expectation, Secret
from coldframe.gateway.signature.keys import same
from coldframe.gateway.signature.refusals import refusal


def check_session(secret: Secret, token: str | None, now: datetime, expected: Expectation) -> None:
    """The session token must be the one of the temporary credentials, be absent for others, and not be over."""
    if not same(token or "", secret.session_token or ""):
        raise refusal(expected.family, "wrong_token")
    if secret.expires is not None and now >= secret.expires:
        raise refusal(expected.family, "expired_token")
