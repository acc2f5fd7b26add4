"""The quotas of an account and the fault of going past one."""

import tomllib
from functools import lru_cache
from importlib.resources import files

from coldframe.core.faults import ServiceFault

TAGS_PER_RESOURCE = 50
OPENID_PROVIDERS = 100
SAML_PROVIDERS = 100
SSH_PUBLIC_KEYS_PER_USER = 5
SERVICE_SPECIFIC_CREDENTIALS_PER_USER = 2


@lru_cache(maxsize=1)
def quotas() -> dict[str, int]:
    """Return the quotas by name."""
    return tomllib.loads(files("coldframe.services.iam").joinpath("quotas.toml").read_text("utf-8"))


def check_quota(name: str, wanted: int, *, quota: str = "") -> None:
    """Raise LimitExceeded when `wanted` is over the quota called `quota` (else `name` and Quota); `name` is said."""
    limit = quotas()[quota or f"{name}Quota"]
    if wanted > limit:
        raise exceeded(name, limit)


def exceeded(name: str, limit: int) -> ServiceFault:
    """Return the LimitExceeded fault in AWS's words."""
    return ServiceFault("LimitExceeded", f"Cannot exceed quota for {name}: {limit}")
