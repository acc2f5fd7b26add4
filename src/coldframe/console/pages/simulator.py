"""The policy simulator: what a user's or role's policies decide, and which statement decided."""

from typing import Any

from coldframe.console import refusals
from coldframe.console.policy_documents import PolicyDocuments
from coldframe.console.routes import Route
from coldframe.console.visit import Visit
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse

_MOST = 200


def show(visit: Visit) -> WireResponse:
    """Show the form and, once it names a principal and an action, what is decided."""
    who, actions = visit.asked("who"), visit.asked("actions").split()
    resources = visit.asked("resources", "*").split()
    found: list[dict[str, Any]] = []
    refusal, status = "", 200
    if who and actions:
        try:
            found = _decided(visit, who, actions, resources, _context(visit.asked("context")))
        except ClientError as error:
            status, refusal = refusals.refused(error)
        except ValueError as bad:
            status, refusal = 400, str(bad)
    principals, limited = _principals(visit)
    return visit.page(
        "simulator.html",
        status=status,
        principals=principals,
        limited=limited,
        chosen=who,
        found=found,
        refusal=refusal,
    )


def _decided(
    visit: Visit, who: str, actions: list[str], resources: list[str], context: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    answer = visit.client("iam").simulate_principal_policy(
        PolicySourceArn=who,
        ActionNames=actions,
        ResourceArns=resources or ["*"],
        ContextEntries=context,
        MaxItems=_MOST,
    )
    documents = PolicyDocuments(visit, who)
    return [
        {
            **result,
            "statements": [
                {
                    "source": statement["SourcePolicyId"],
                    "kind": statement.get("SourcePolicyType", ""),
                    "text": documents.cut(statement),
                }
                for statement in result.get("MatchedStatements", [])
            ],
        }
        for result in answer["EvaluationResults"]
    ]


def _context(text: str) -> list[dict[str, Any]]:
    """Read context keys, one `aws:SourceIp=10.0.0.1` a line; raises ValueError that names the line."""
    entries = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{line!r} is no context key: write aws:SourceIp=10.0.0.1")
        values = [each.strip() for each in value.split(",")]
        kind = "string" if len(values) == 1 else "stringList"
        entries.append({"ContextKeyName": key.strip(), "ContextKeyValues": values, "ContextKeyType": kind})
    return entries


def _principals(visit: Visit) -> tuple[list[str], str]:
    """Return the ARNs of users and roles to choose from, and why there are none."""
    client = visit.client("iam")
    try:
        users = client.list_users(MaxItems=_MOST)["Users"]
        roles = client.list_roles(MaxItems=_MOST)["Roles"]
    except ClientError as error:
        return [], refusals.message(error)
    return [each["Arn"] for each in (*users, *roles)], ""


ROUTES = (Route("GET", "/console/iam/simulator", show),)
