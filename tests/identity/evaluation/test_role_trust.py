"""Role trust policies: who may assume a role, after the IAM User Guide's pages on roles."""

import pytest

ROLE = "arn:aws:iam::111122223333:role/Deploy"
MAY = ("Allow", "sts:AssumeRole", ROLE)
ALICE, BOB = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::444455556666:user/bob"
OWN, OTHER = "arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"


def trust(principal, effect="Allow", action="sts:AssumeRole", **elements):
    return {"Effect": effect, "Principal": principal, "Action": action, **elements}


EXTERNAL = {"StringEquals": {"sts:ExternalId": "12345"}}
GITHUB = {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}
WEB = "sts:AssumeRoleWithWebIdentity"
SUBJECT = {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:org/app:*"}}

CASES = [
    # sentence, policies, who, action, context, expected decision
    (
        "A user that the trust policy names needs no identity policy",
        {"trust": [trust({"AWS": ALICE})]},
        "alice",
        "sts:AssumeRole",
        {},
        "allowed",
    ),
    (
        "Trusting the account delegates to identity policies",
        {"trust": [trust({"AWS": OWN})]},
        "alice",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "Trusting the account, with an identity policy",
        {"trust": [trust({"AWS": OWN})], "identity": [MAY]},
        "alice",
        "sts:AssumeRole",
        {},
        "allowed",
    ),
    (
        "An identity policy alone never assumes a role",
        {"trust": [trust({"AWS": BOB})], "identity": [MAY]},
        "alice",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "Another account needs both: only trusted",
        {"trust": [trust({"AWS": BOB})]},
        "bob of the other account",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "Another account needs both",
        {"trust": [trust({"AWS": OTHER})], "identity": [MAY]},
        "bob of the other account",
        "sts:AssumeRole",
        {},
        "allowed",
    ),
    (
        "The external id matches",
        {"trust": [trust({"AWS": OTHER}, Condition=EXTERNAL)], "identity": [MAY]},
        "bob of the other account",
        "sts:AssumeRole",
        {"sts:ExternalId": "12345"},
        "allowed",
    ),
    (
        "The external id is another",
        {"trust": [trust({"AWS": OTHER}, Condition=EXTERNAL)], "identity": [MAY]},
        "bob of the other account",
        "sts:AssumeRole",
        {"sts:ExternalId": "99"},
        "implicitDeny",
    ),
    (
        "The external id is missing",
        {"trust": [trust({"AWS": OTHER}, Condition=EXTERNAL)], "identity": [MAY]},
        "bob of the other account",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "A deny in the trust policy",
        {"trust": [trust({"AWS": OWN}), trust({"AWS": ALICE}, "Deny")], "identity": [MAY]},
        "alice",
        "sts:AssumeRole",
        {},
        "explicitDeny",
    ),
    (
        "A service assumes the role that trusts it",
        {"trust": [trust({"Service": "logs.amazonaws.com"})]},
        "logs service",
        "sts:AssumeRole",
        {},
        "allowed",
    ),
    (
        "A service that is not trusted",
        {"trust": [trust({"Service": "ec2.amazonaws.com"})]},
        "logs service",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "A web identity of the trusted provider",
        {"trust": [trust(GITHUB, action=WEB, Condition=SUBJECT)]},
        "token of github",
        WEB,
        {"token.actions.githubusercontent.com:sub": "repo:org/app:ref:refs/heads/main"},
        "allowed",
    ),
    (
        "A web identity with another subject",
        {"trust": [trust(GITHUB, action=WEB, Condition=SUBJECT)]},
        "token of github",
        WEB,
        {"token.actions.githubusercontent.com:sub": "repo:other/app:x"},
        "implicitDeny",
    ),
    (
        "A web identity needs its own action",
        {"trust": [trust(GITHUB)]},
        "token of github",
        WEB,
        {},
        "implicitDeny",
    ),
    (
        "A role session assumes the next role by its role's ARN",
        {"trust": [trust({"AWS": ROLE})]},
        "deploy session",
        "sts:AssumeRole",
        {},
        "allowed",
    ),
    (
        "Session policies limit that chain",
        {"trust": [trust({"AWS": ROLE})], "session": [("Allow", "s3:*", "*")]},
        "deploy session",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "Trusting an account requires MFA by condition",
        {
            "trust": [trust({"AWS": OWN}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})],
            "identity": [MAY],
        },
        "alice",
        "sts:AssumeRole",
        {},
        "implicitDeny",
    ),
    (
        "Tagging the session is an action of its own",
        {"trust": [trust({"AWS": ALICE})]},
        "alice",
        "sts:TagSession",
        {},
        "implicitDeny",
    ),
    (
        "Tagging the session, trusted",
        {"trust": [trust({"AWS": ALICE}, action=["sts:AssumeRole", "sts:TagSession"])]},
        "alice",
        "sts:TagSession",
        {},
        "allowed",
    ),
]


@pytest.mark.parametrize(
    ("sentence", "policies", "who", "action", "context", "expected"), CASES, ids=[case[0] for case in CASES]
)
def test_role_trust(sentence, policies, who, action, context, expected, decide):
    assert decide(policies, who, action, ROLE, context=context).eval_decision == expected, sentence
