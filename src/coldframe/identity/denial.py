"""The sentence of an access-denied error, worded as the IAM User Guide's troubleshooting page shows it."""

from typing import Literal

from coldframe.identity.request import Request

PolicyType = Literal["identity", "boundary", "session", "resource", "trust", "scp", "rcp"]

NAMES: dict[PolicyType, str] = {
    "identity": "identity-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "resource": "resource-based policy",
    "trust": "role trust policy",
    "scp": "service control policy",
    "rcp": "resource control policy",
}


def denial_message(request: Request, policy_type: PolicyType, *, explicit: bool) -> str:
    """Say who may not do what on which resource, and which type of policy decided."""
    name = NAMES[policy_type]
    if explicit:
        article = "the" if policy_type == "trust" else "an" if name[0] in "aeiou" else "a"
        because = f"with an explicit deny in {article} {name}"
    else:
        because = f"because no {name} allows the {request.action} action"
    who = request.principal.arn or "anonymous"
    where = f" on resource: {request.resource}" if request.resource else ""
    return f"User: {who} is not authorized to perform: {request.action}{where} {because}"
