"""Which fault a refused signature is, in the words of the family of services that was called."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from coldframe.core.faults import ServiceFault


@cache
def _table() -> dict[str, dict[str, tuple[str, int, str]]]:
    return tomllib.loads(files(__package__).joinpath("refusals.toml").read_text("utf-8"))


def refusal(family: str, kind: str, message: str = "", **members: Any) -> ServiceFault:
    """The fault of this kind (a key of refusals.toml); the family's fixed sentence, if any, wins over `message`."""
    code, status, fixed = _table()[family][kind]
    return ServiceFault(code, fixed or message, status=status, **members)
