"""Random passwords for whoever needs one."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.secretsmanager.passwords import random_password


def get_random_password(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a random password."""
    return {"RandomPassword": random_password(request)}
