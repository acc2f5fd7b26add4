"""Evaluation across accounts, after the IAM User Guide: both the trusting and the trusted account must allow."""

import pytest

RESOURCE = "arn:aws:s3:::bucket/key"
READ, OTHER_ACTION = ("Allow", "s3:GetObject", "*"), ("Allow", "ec2:*", "*")
BOB = "arn:aws:iam::444455556666:user/bob"
AUDIT = "arn:aws:iam::444455556666:role/Audit"
WEEKLY = "arn:aws:sts::444455556666:assumed-role/Audit/weekly"
ROOT = "arn:aws:iam::444455556666:root"
WHO, SESSION = "bob of the other account", "audit session of the other account"


def to(principal, effect="Allow", **elements):
    return {
        "Effect": effect,
        "Action": "s3:GetObject",
        "Resource": RESOURCE,
        "Principal": principal,
        **elements,
    }


CASES = [
    # sentence, policies, who, expected decision
    ("An identity policy alone does not reach another account", {"identity": [READ]}, WHO, "implicitDeny"),
    (
        "A resource policy alone does not reach a user of another account",
        {"resource": [to({"AWS": BOB})]},
        WHO,
        "implicitDeny",
    ),
    ("Both together do", {"identity": [READ], "resource": [to({"AWS": BOB})]}, WHO, "allowed"),
    (
        "The account may be trusted as a whole",
        {"identity": [READ], "resource": [to({"AWS": ROOT})]},
        WHO,
        "allowed",
    ),
    (
        "The account's number says the same",
        {"identity": [READ], "resource": [to({"AWS": "444455556666"})]},
        WHO,
        "allowed",
    ),
    (
        "Trusting the account does not replace its identity policies",
        {"resource": [to({"AWS": ROOT})]},
        WHO,
        "implicitDeny",
    ),
    ("Trusting everyone does not either", {"resource": [to("*")]}, WHO, "implicitDeny"),
    (
        "Trusting everyone, with an identity policy",
        {"identity": [READ], "resource": [to("*")]},
        WHO,
        "allowed",
    ),
    (
        "Trusting another user",
        {"identity": [READ], "resource": [to({"AWS": BOB + "by"})]},
        WHO,
        "implicitDeny",
    ),
    (
        "A deny in the resource policy",
        {"identity": [READ], "resource": [to("*"), to({"AWS": BOB}, "Deny")]},
        WHO,
        "explicitDeny",
    ),
    (
        "A deny in the identity policy",
        {"identity": [READ, ("Deny", "s3:*", "*")], "resource": [to("*")]},
        WHO,
        "explicitDeny",
    ),
    (
        "The boundary limits, even if the user is named",
        {"identity": [READ], "boundary": [OTHER_ACTION], "resource": [to({"AWS": BOB})]},
        WHO,
        "implicitDeny",
    ),
    (
        "A role named in the resource policy",
        {"identity": [READ], "resource": [to({"AWS": AUDIT})]},
        SESSION,
        "allowed",
    ),
    (
        "A role session named there still needs its identity policy",
        {"resource": [to({"AWS": WEEKLY})]},
        SESSION,
        "implicitDeny",
    ),
    (
        "A role session named there still is limited by session policies",
        {"identity": [READ], "session": [OTHER_ACTION], "resource": [to({"AWS": WEEKLY})]},
        SESSION,
        "implicitDeny",
    ),
    (
        "The other account's root user needs the resource policy",
        {},
        "root of the other account",
        "implicitDeny",
    ),
    (
        "The other account's root user, trusted",
        {"resource": [to({"AWS": ROOT})]},
        "root of the other account",
        "allowed",
    ),
    (
        "A service control policy of the trusted account limits",
        {"identity": [READ], "scps": [[OTHER_ACTION]], "resource": [to({"AWS": BOB})]},
        WHO,
        "implicitDeny",
    ),
    (
        "The anonymous caller needs everyone to be named",
        {"resource": [to({"AWS": BOB})]},
        "anonymous",
        "implicitDeny",
    ),
    ("The anonymous caller, everyone named", {"resource": [to("*")]}, "anonymous", "allowed"),
    ("AWS star is everyone too", {"resource": [to({"AWS": "*"})]}, "anonymous", "allowed"),
    (
        "The anonymous caller gains nothing from identity policies",
        {"identity": [("Allow", "*", "*")]},
        "anonymous",
        "implicitDeny",
    ),
    (
        "A service is granted by name",
        {"resource": [to({"Service": "logs.amazonaws.com"})]},
        "logs service",
        "allowed",
    ),
    (
        "Another service is not",
        {"resource": [to({"Service": "sns.amazonaws.com"})]},
        "logs service",
        "implicitDeny",
    ),
    ("A service without a resource policy", {}, "logs service", "implicitDeny"),
    (
        "A service acting for the right account",
        {
            "resource": [
                to(
                    {"Service": "logs.amazonaws.com"},
                    Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}},
                )
            ]
        },
        "logs service",
        "allowed",
    ),
    (
        "A confused deputy acts for another account",
        {
            "resource": [
                to(
                    {"Service": "logs.amazonaws.com"},
                    Condition={"StringEquals": {"aws:SourceAccount": "444455556666"}},
                )
            ]
        },
        "logs service",
        "implicitDeny",
    ),
    (
        "Condition on the organization",
        {
            "identity": [READ],
            "resource": [to("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-example"}})],
        },
        WHO,
        "allowed",
    ),
]


@pytest.mark.parametrize(("sentence", "policies", "who", "expected"), CASES, ids=[case[0] for case in CASES])
def test_cross_account(sentence, policies, who, expected, decide):
    context = {"aws:SourceAccount": "111122223333", "aws:PrincipalOrgID": "o-example"}
    assert decide(policies, who, "s3:GetObject", RESOURCE, context=context).eval_decision == expected, (
        sentence
    )
