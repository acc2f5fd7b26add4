"""The sentences of access-denied errors, after the IAM User Guide's troubleshooting page, and what decided."""

import pytest

from coldframe.identity.evaluate import Matched

ARN = "arn:aws:logs:eu-west-1:111122223333:log-group:app"
WHO = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: logs:PutLogEvents"
START = f"{WHO} on resource: {ARN} "
ALL, DENY, OTHER = ("Allow", "*", "*"), ("Deny", "logs:*", "*"), ("Allow", "s3:*", "*")
TO_ALL = {"Principal": "*"}
MAY = "allows the logs:PutLogEvents action"

CASES = [
    # policies, the rest of the sentence, the type of policy that decided
    ({}, f"because no identity-based policy {MAY}", "identity"),
    ({"identity": [ALL, DENY]}, "with an explicit deny in an identity-based policy", "identity"),
    ({"identity": [ALL], "boundary": [OTHER]}, f"because no permissions boundary {MAY}", "boundary"),
    (
        {"identity": [ALL], "boundary": [ALL, DENY]},
        "with an explicit deny in a permissions boundary",
        "boundary",
    ),
    ({"identity": [ALL], "session": [OTHER]}, f"because no session policy {MAY}", "session"),
    ({"identity": [ALL], "session": [ALL, DENY]}, "with an explicit deny in a session policy", "session"),
    ({"identity": [ALL], "required": True}, f"because no resource-based policy {MAY}", "resource"),
    (
        {"identity": [ALL], "resource": [(*DENY, TO_ALL)]},
        "with an explicit deny in a resource-based policy",
        "resource",
    ),
    ({"identity": [ALL], "scps": [[OTHER]]}, f"because no service control policy {MAY}", "scp"),
    ({"identity": [ALL], "scps": [[ALL, DENY]]}, "with an explicit deny in a service control policy", "scp"),
    (
        {"identity": [ALL], "rcps": [[(*ALL, TO_ALL), (*DENY, TO_ALL)]]},
        "with an explicit deny in a resource control policy",
        "rcp",
    ),
]


@pytest.mark.parametrize(("policies", "ending", "decided_by"), CASES, ids=[case[1] for case in CASES])
def test_denial(policies, ending, decided_by, decide):
    decision = decide(policies, "alice", "logs:PutLogEvents", ARN)
    assert decision.message == START + ending
    assert decision.decided_by == decided_by


def test_denial_by_a_trust_policy(decide):
    role = "arn:aws:iam::111122223333:role/r"
    rows = [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]
    message = decide({"trust": rows}, "alice", "sts:AssumeRole", role).message
    assert message.endswith(
        f"sts:AssumeRole on resource: {role} with an explicit deny in the role trust policy"
    )
    rows = [{"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}]
    message = decide({"trust": rows}, "alice", "sts:AssumeRole", role).message
    assert message.endswith("because no role trust policy allows the sts:AssumeRole action")


def test_denial_names_a_role_session_by_its_session(decide):
    message = decide({}, "deploy session", "logs:PutLogEvents", ARN).message
    assert message.startswith(
        "User: arn:aws:sts::111122223333:assumed-role/Deploy/ci is not authorized to perform: "
    )


def test_denial_across_accounts_names_the_resource_policy(decide):
    message = decide({"identity": [ALL]}, "bob of the other account", "logs:PutLogEvents", ARN).message
    assert message.endswith(f"because no resource-based policy {MAY}")


def test_denial_of_a_role_named_by_the_resource_names_the_boundary_that_limits_it(decide):
    role = {"Principal": {"AWS": "arn:aws:iam::111122223333:role/Deploy"}}
    policies = {"boundary": [OTHER], "resource": [("Allow", "logs:*", "*", role)]}
    message = decide(policies, "deploy session", "logs:PutLogEvents", ARN).message
    assert message.endswith(f"because no permissions boundary {MAY}")


def test_denial_without_a_resource_leaves_it_out(decide):
    assert (
        decide({}, "alice", "logs:PutLogEvents", "").message
        == f"{WHO} because no identity-based policy {MAY}"
    )


def test_an_allow_has_no_message(decide):
    assert decide({"identity": [ALL]}, "alice", "logs:PutLogEvents", ARN).message == ""


def test_decision_names_the_statements_that_allow(decide):
    rows = [OTHER, (*ALL, {"Sid": "Everything"}), ("Allow", "logs:Put*", "*")]
    decision = decide({"identity": rows}, "alice", "logs:PutLogEvents", ARN)
    assert decision.matched == (
        Matched("identity", "identity", "Everything", 1),
        Matched("identity", "identity", "", 2),
    )
    assert decision.statement == decision.matched[0]


def test_decision_names_only_denies_when_there_are_any(decide):
    decision = decide({"identity": [ALL, (*DENY, {"Sid": "NoLogs"})]}, "alice", "logs:PutLogEvents", ARN)
    assert decision.matched == (Matched("identity", "identity", "NoLogs", 1),)


def test_an_implicit_deny_names_no_statement(decide):
    decision = decide({"identity": [OTHER]}, "alice", "logs:PutLogEvents", ARN)
    assert decision.matched == ()
    assert decision.statement is None
