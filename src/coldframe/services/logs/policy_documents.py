"""IAM policy documents of destinations and log groups: validated before they are stored."""

import json
from typing import Any

from coldframe.identity.policies import FIRST_VERSION, parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.services.logs.lookup import invalid


def check(document: str, *, most_bytes: int) -> None:
    """Raise InvalidParameterException, naming the statement and the reason, for a document that is no resource policy."""
    size = len(document.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise invalid(f"The policy document has {size} bytes; at most {most_bytes} are possible.")
    try:
        parse_policy(document, "resource")
    except PolicyError as error:
        raise invalid(f"Invalid policy document: {error}") from error


def normal(document: str) -> str:
    """Return a valid document as AWS gives it back: with a version, and a lone principal of a kind not in a list.

    One that is in this form already comes back as it was written.
    """
    policy: dict[str, Any] = json.loads(document)
    found = policy if "Version" in policy else {"Version": FIRST_VERSION, **policy}
    statements = policy["Statement"]
    made = [_normal(each) for each in (statements if isinstance(statements, list) else [statements])]
    found = {**found, "Statement": made if isinstance(statements, list) else made[0]}
    return document if found == policy else json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def _normal(statement: dict[str, Any]) -> dict[str, Any]:
    principals = {
        name: {
            kind: value[0] if isinstance(value, list) and len(value) == 1 else value
            for kind, value in statement[name].items()
        }
        for name in ("Principal", "NotPrincipal")
        if isinstance(statement.get(name), dict)
    }
    return statement | principals
