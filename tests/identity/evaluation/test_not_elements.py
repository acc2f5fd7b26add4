"""NotAction, NotResource and NotPrincipal, after the IAM User Guide's pages on these elements."""

import pytest


def row(effect, **elements):
    return {"Effect": effect, "Resource": "*", **elements}


def without_resource(effect, **elements):
    return {"Effect": effect, **elements}


ALL = ("Allow", "*", "*")
HR = ["arn:aws:s3:::HRBucket/Payroll", "arn:aws:s3:::HRBucket/Payroll/*"]

CASES = [
    # sentence, identity policy, action, resource, expected decision
    (
        "Allow with NotAction allows all other actions",
        [row("Allow", NotAction="iam:*")],
        "s3:GetObject",
        "*",
        "allowed",
    ),
    (
        "Allow with NotAction does not allow the listed",
        [row("Allow", NotAction="iam:*")],
        "iam:GetUser",
        "*",
        "implicitDeny",
    ),
    (
        "Allow with NotAction denies nothing",
        [row("Allow", NotAction="iam:*"), ALL],
        "iam:GetUser",
        "*",
        "allowed",
    ),
    (
        "Allow with NotAction stays within Resource",
        [row("Allow", NotAction="s3:DeleteBucket", Resource="arn:aws:s3:::*")],
        "sqs:SendMessage",
        "arn:aws:sqs:us-east-1:111122223333:q",
        "implicitDeny",
    ),
    (
        "Deny with NotAction denies all other actions",
        [ALL, row("Deny", NotAction=["iam:*", "sts:*"])],
        "s3:GetObject",
        "*",
        "explicitDeny",
    ),
    (
        "Deny with NotAction spares the listed",
        [ALL, row("Deny", NotAction=["iam:*", "sts:*"])],
        "iam:GetUser",
        "*",
        "allowed",
    ),
    (
        "Deny with NotAction allows nothing",
        [row("Deny", NotAction=["iam:*"])],
        "iam:GetUser",
        "*",
        "implicitDeny",
    ),
    ("NotAction has no case", [row("Allow", NotAction="IAM:getuser")], "iam:GetUser", "*", "implicitDeny"),
    (
        "Deny unless MFA, but for the actions that set it up",
        [
            ALL,
            row(
                "Deny",
                NotAction="iam:EnableMFADevice",
                Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            ),
        ],
        "ec2:RunInstances",
        "*",
        "explicitDeny",
    ),
    (
        "The actions that set MFA up remain",
        [
            ALL,
            row(
                "Deny",
                NotAction="iam:EnableMFADevice",
                Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            ),
        ],
        "iam:EnableMFADevice",
        "*",
        "allowed",
    ),
    (
        "Deny with NotResource denies the rest",
        [ALL, without_resource("Deny", Action="s3:*", NotResource=HR)],
        "s3:GetObject",
        "arn:aws:s3:::Other/x",
        "explicitDeny",
    ),
    (
        "Deny with NotResource spares the listed",
        [ALL, without_resource("Deny", Action="s3:*", NotResource=HR)],
        "s3:GetObject",
        "arn:aws:s3:::HRBucket/Payroll/x",
        "allowed",
    ),
    (
        "Deny with NotResource spares nothing else of the bucket",
        [ALL, without_resource("Deny", Action="s3:*", NotResource=HR)],
        "s3:GetObject",
        "arn:aws:s3:::HRBucket/x",
        "explicitDeny",
    ),
    (
        "Allow with NotResource allows the rest",
        [without_resource("Allow", Action="s3:*", NotResource=HR)],
        "s3:GetObject",
        "arn:aws:s3:::Other/x",
        "allowed",
    ),
    (
        "Allow with NotResource does not allow the listed",
        [without_resource("Allow", Action="s3:*", NotResource=HR)],
        "s3:GetObject",
        HR[0],
        "implicitDeny",
    ),
    (
        "NotAction and NotResource together",
        [without_resource("Allow", NotAction="iam:*", NotResource=HR)],
        "s3:GetObject",
        "arn:aws:s3:::Other/x",
        "allowed",
    ),
    (
        "A variable without a value is like no resource, so NotResource covers it",
        [
            ALL,
            without_resource("Deny", Action="s3:*", NotResource="arn:aws:s3:::b/${aws:PrincipalTag/none}/*"),
        ],
        "s3:GetObject",
        "arn:aws:s3:::b//x",
        "explicitDeny",
    ),
]


@pytest.mark.parametrize(
    ("sentence", "identity", "action", "resource", "expected"), CASES, ids=[case[0] for case in CASES]
)
def test_not_element(sentence, identity, action, resource, expected, decide):
    assert decide({"identity": identity}, "alice", action, resource).eval_decision == expected, sentence


OWN, OTHER = "111122223333", "444455556666"
ROOT = f"arn:aws:iam::{OTHER}:root"
BOB = f"arn:aws:iam::{OTHER}:user/bob"
AUDIT = f"arn:aws:iam::{OTHER}:role/Audit"
WEEKLY = f"arn:aws:sts::{OTHER}:assumed-role/Audit/weekly"
AUDITOR = "audit session of the other account"

NOT_PRINCIPAL = [
    # sentence, Effect, NotPrincipal, who, expected decision
    (
        "Deny with NotPrincipal spares a user listed with the account",
        "Deny",
        {"AWS": [BOB, ROOT]},
        "bob of the other account",
        "allowed",
    ),
    (
        "The account id serves as well as its root ARN",
        "Deny",
        {"AWS": [BOB, OTHER]},
        "bob of the other account",
        "allowed",
    ),
    (
        "The user alone is not enough, for the account is checked first",
        "Deny",
        {"AWS": [BOB]},
        "bob of the other account",
        "explicitDeny",
    ),
    (
        "The account alone is not enough for its users",
        "Deny",
        {"AWS": [ROOT]},
        "bob of the other account",
        "explicitDeny",
    ),
    (
        "The account is enough for its root user",
        "Deny",
        {"AWS": [ROOT]},
        "root of the other account",
        "allowed",
    ),
    (
        "A role session needs session, role and account",
        "Deny",
        {"AWS": [WEEKLY, AUDIT, ROOT]},
        AUDITOR,
        "allowed",
    ),
    ("A role session without its role", "Deny", {"AWS": [WEEKLY, ROOT]}, AUDITOR, "explicitDeny"),
    ("A role session without its session", "Deny", {"AWS": [AUDIT, ROOT]}, AUDITOR, "explicitDeny"),
    ("A role session without its account", "Deny", {"AWS": [WEEKLY, AUDIT]}, AUDITOR, "explicitDeny"),
    (
        "Everybody else is denied",
        "Deny",
        {"AWS": [WEEKLY, AUDIT, ROOT]},
        "bob of the other account",
        "explicitDeny",
    ),
    ("The anonymous caller is denied", "Deny", {"AWS": [BOB, ROOT]}, "anonymous", "explicitDeny"),
    ("A listed service is spared", "Deny", {"Service": "logs.amazonaws.com"}, "logs service", "allowed"),
    (
        "A service that is not listed is denied",
        "Deny",
        {"Service": "s3.amazonaws.com"},
        "logs service",
        "explicitDeny",
    ),
    ("NotPrincipal of everyone denies nobody", "Deny", "*", "bob of the other account", "allowed"),
    (
        "Allow with NotPrincipal grants to everybody else",
        "Allow",
        {"AWS": AUDIT},
        "bob of the other account",
        "allowed",
    ),
    (
        "Allow with NotPrincipal does not grant to the listed",
        "Allow",
        {"AWS": BOB},
        "bob of the other account",
        "implicitDeny",
    ),
    (
        "Allow with NotPrincipal of an account leaves out its users",
        "Allow",
        {"AWS": OTHER},
        "bob of the other account",
        "implicitDeny",
    ),
]


@pytest.mark.parametrize(
    ("sentence", "effect", "principals", "who", "expected"),
    NOT_PRINCIPAL,
    ids=[case[0] for case in NOT_PRINCIPAL],
)
def test_not_principal(sentence, effect, principals, who, expected, decide):
    rows = [(effect, "s3:*", "*", {"NotPrincipal": principals})]
    if effect == "Deny":
        rows.append(("Allow", "*", "*", {"Principal": "*"}))
    policies = {"identity": [ALL], "resource": rows}
    assert decide(policies, who, "s3:GetObject", "arn:aws:s3:::b/x").eval_decision == expected, sentence
