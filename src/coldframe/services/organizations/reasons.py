"""The faults of Organizations that carry a reason."""

import tomllib
from functools import lru_cache
from importlib import resources

from coldframe.core.faults import ServiceFault


def constraint(reason: str) -> ServiceFault:
    """Return the ConstraintViolationException with this reason."""
    return _fault("ConstraintViolationException", reason)


def handshake_constraint(reason: str) -> ServiceFault:
    """Return the HandshakeConstraintViolationException with this reason."""
    return _fault("HandshakeConstraintViolationException", reason)


def invalid(reason: str, detail: str = "") -> ServiceFault:
    """Return the InvalidInputException with this reason; `detail` says what exactly is wrong."""
    return _fault("InvalidInputException", reason, detail)


def _fault(code: str, reason: str, detail: str = "") -> ServiceFault:
    text = f"{_sentences()[code][reason]} {detail}".strip()
    return ServiceFault(code, text, Reason=reason)


@lru_cache(maxsize=1)
def _sentences() -> dict[str, dict[str, str]]:
    text = resources.files("coldframe.services.organizations").joinpath("reasons.toml").read_text("utf-8")
    return tomllib.loads(text)
