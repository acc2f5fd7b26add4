"""The cast of the evaluation tables, and the fixtures that read a table's rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from coldframe.identity.evaluate import AttachedPolicy, Decision, PolicySet, evaluate
from coldframe.identity.policies import Policy, PolicyKind, parse_policy
from coldframe.identity.request import Principal, Request

OWN, OTHER = "111122223333", "444455556666"
ALICE = f"arn:aws:iam::{OWN}:user/alice"
DEPLOY = f"arn:aws:iam::{OWN}:role/Deploy"

CAST = {
    "alice": Principal("user", ALICE, OWN, "AIDAALICEEXAMPLE00000", tags={"Team": "blue", "Empty": ""}),
    "deploy session": Principal(
        "role-session",
        f"arn:aws:sts::{OWN}:assumed-role/Deploy/ci",
        OWN,
        "AROADEPLOYEXAMPLE0000:ci",
        issuer_arn=DEPLOY,
        tags={"Team": "red"},
    ),
    "root": Principal("root", f"arn:aws:iam::{OWN}:root", OWN, OWN, canonical_user_id="79a59df900b949e5"),
    "carol federated by alice": Principal(
        "federated-user", f"arn:aws:sts::{OWN}:federated-user/carol", OWN, f"{OWN}:carol", issuer_arn=ALICE
    ),
    "bob of the other account": Principal(
        "user", f"arn:aws:iam::{OTHER}:user/bob", OTHER, "AIDABOBEXAMPLE0000000"
    ),
    "audit session of the other account": Principal(
        "role-session",
        f"arn:aws:sts::{OTHER}:assumed-role/Audit/weekly",
        OTHER,
        "AROAAUDITEXAMPLE00000:weekly",
        issuer_arn=f"arn:aws:iam::{OTHER}:role/Audit",
    ),
    "root of the other account": Principal("root", f"arn:aws:iam::{OTHER}:root", OTHER, OTHER),
    "user of the management account": Principal(
        "user", f"arn:aws:iam::{OWN}:user/owner", OWN, "AIDAOWNEREXAMPLE00000", management_account=True
    ),
    "service-linked role": Principal(
        "role-session",
        f"arn:aws:sts::{OWN}:assumed-role/AWSServiceRoleForBackup/b",
        OWN,
        "AROASERVICEEXAMPLE000:b",
        issuer_arn=f"arn:aws:iam::{OWN}:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup",
        service_linked=True,
    ),
    "logs service": Principal("service", "logs.amazonaws.com"),
    "token of github": Principal(
        "federated", f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"
    ),
    "anonymous": Principal("anonymous"),
}

Row = Sequence[Any] | Mapping[str, Any]


def _statement(row: Row) -> Mapping[str, Any]:
    """Read a row `(Effect, Action, Resource, {further elements})`; a mapping is taken as it is."""
    if isinstance(row, Mapping):
        return row
    effect, action, resource, *more = row
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    for elements in more:
        statement |= elements
    return {name: value for name, value in statement.items() if value is not None}


def _policy(kind: PolicyKind, rows: Sequence[Row], version: str = "2012-10-17") -> Policy:
    return parse_policy({"Version": version, "Statement": [_statement(row) for row in rows]}, kind)


def _level(kind: PolicyKind, rows: Sequence[Row]) -> list[AttachedPolicy]:
    return [AttachedPolicy(kind, _policy(kind, rows))] if rows else []


def _policy_set(table: Mapping[str, Any]) -> PolicySet:
    unknown = set(table) - {
        "identity",
        "boundary",
        "session",
        "scps",
        "rcps",
        "resource",
        "trust",
        "required",
    }
    assert not unknown, unknown
    resource: PolicyKind = "trust" if "trust" in table else "resource"
    return PolicySet(
        identity=_level("identity", table.get("identity", ())),
        boundary=_level("boundary", table["boundary"])[0] if "boundary" in table else None,
        session=_level("session", table.get("session", ())),
        scps=[_level("scp", rows) for rows in table.get("scps", ())],
        rcps=[_level("rcp", rows) for rows in table.get("rcps", ())],
        resource=_level(resource, table[resource])[0] if resource in table else None,
        resource_policy_required=table.get("required", False),
    )


@pytest.fixture(scope="session")
def decide() -> Callable[..., Decision]:
    """Evaluate one row: policies by type, and who does what on which resource in which context."""

    def run(
        policies: Mapping[str, Any],
        who: str,
        action: str,
        resource: str = "*",
        *,
        context: Mapping[str, Any] | None = None,
        owner: str = OWN,
    ) -> Decision:
        return evaluate(Request(CAST[who], action, resource, owner, context), _policy_set(policies))

    return run


@pytest.fixture(scope="session")
def holds() -> Callable[..., bool]:
    """Say whether a Condition block holds for a context, for alice."""

    def run(block: Mapping[str, Any], context: Mapping[str, Any], who: str = "alice") -> bool:
        rows = [("Allow", "s3:GetObject", "*", {"Condition": block})]
        policies = PolicySet(identity=_level("identity", rows))
        return evaluate(Request(CAST[who], "s3:GetObject", "*", OWN, context), policies).allowed

    return run
