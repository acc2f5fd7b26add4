"""Permissions boundaries: a managed policy that says what a user or role may be given at most."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.iam.policies_in_use import attachable


def of_request(call: Call, request: Any) -> str:
    """Return the ARN of the boundary that a request gives, empty when it gives none; raises NoSuchEntity."""
    arn: str = request.get("PermissionsBoundary", "")
    return attachable(call, arn).arn if arn else ""
