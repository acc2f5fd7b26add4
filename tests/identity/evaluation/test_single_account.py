"""Evaluation within one account, after the IAM User Guide: implicit and explicit denies, boundaries, sessions."""

import pytest

BUCKET = "arn:aws:s3:::bucket/key"
READ = ("Allow", "s3:GetObject", "*")
ALL = ("Allow", "*", "*")
DENY = ("Deny", "s3:GetObject", "*")
OTHER_ACTION = ("Allow", "ec2:*", "*")
ALICE = "arn:aws:iam::111122223333:user/alice"
DEPLOY = "arn:aws:iam::111122223333:role/Deploy"
SESSION = "arn:aws:sts::111122223333:assumed-role/Deploy/ci"
CAROL = "arn:aws:sts::111122223333:federated-user/carol"
ACCOUNT = "arn:aws:iam::111122223333:root"


def to(principal, effect="Allow"):
    return (
        effect,
        "s3:GetObject",
        BUCKET,
        {"Principal": principal if principal == "*" else {"AWS": principal}},
    )


CASES = [
    # sentence, policies, who, expected decision
    ("By default all requests are implicitly denied", {}, "alice", "implicitDeny"),
    ("The root user has full access", {}, "root", "allowed"),
    ("An explicit allow overrides the default", {"identity": [READ]}, "alice", "allowed"),
    ("An explicit deny overrides any allow", {"identity": [ALL, DENY]}, "alice", "explicitDeny"),
    ("The order of statements does not matter", {"identity": [DENY, ALL]}, "alice", "explicitDeny"),
    (
        "An allow of other actions leaves the implicit deny",
        {"identity": [OTHER_ACTION]},
        "alice",
        "implicitDeny",
    ),
    (
        "A deny whose condition fails denies nothing",
        {"identity": [ALL, (*DENY, {"Condition": {"Bool": {"a:b": "true"}}})]},
        "alice",
        "allowed",
    ),
    ("A role session has its role's policies", {"identity": [READ]}, "deploy session", "allowed"),
    # Permissions boundaries: the intersection with identity-based policies.
    ("Boundary and identity policy both allow", {"identity": [READ], "boundary": [ALL]}, "alice", "allowed"),
    ("A boundary grants nothing by itself", {"boundary": [ALL]}, "alice", "implicitDeny"),
    (
        "What the boundary does not allow is denied",
        {"identity": [ALL], "boundary": [OTHER_ACTION]},
        "alice",
        "implicitDeny",
    ),
    ("A deny in the boundary", {"identity": [ALL], "boundary": [ALL, DENY]}, "alice", "explicitDeny"),
    # Session policies: the intersection with the role's or user's policies.
    (
        "Session and role policy both allow",
        {"identity": [ALL], "session": [READ]},
        "deploy session",
        "allowed",
    ),
    ("A session policy grants nothing by itself", {"session": [ALL]}, "deploy session", "implicitDeny"),
    (
        "What no session policy allows is denied",
        {"identity": [ALL], "session": [OTHER_ACTION]},
        "deploy session",
        "implicitDeny",
    ),
    (
        "A deny in the session policy",
        {"identity": [ALL], "session": [ALL, DENY]},
        "deploy session",
        "explicitDeny",
    ),
    (
        "Identity, boundary and session all allow",
        {"identity": [ALL], "boundary": [ALL], "session": [READ]},
        "deploy session",
        "allowed",
    ),
    (
        "Of the three the boundary does not",
        {"identity": [ALL], "boundary": [OTHER_ACTION], "session": [READ]},
        "deploy session",
        "implicitDeny",
    ),
    (
        "A federated session with a session policy has the user's rights in it",
        {"identity": [ALL], "session": [READ]},
        "carol federated by alice",
        "allowed",
    ),
    (
        "A federated session without a session policy has none",
        {"identity": [ALL]},
        "carol federated by alice",
        "implicitDeny",
    ),
    # Resource-based policies: the union with identity-based policies.
    (
        "The resource's policy alone grants to the user it names",
        {"resource": [to(ALICE)]},
        "alice",
        "allowed",
    ),
    ("Either of the two is enough", {"identity": [READ], "resource": [to(DEPLOY)]}, "alice", "allowed"),
    (
        "A deny in the resource's policy",
        {"identity": [ALL], "resource": [to(ALICE, "Deny")]},
        "alice",
        "explicitDeny",
    ),
    (
        "A deny in the resource's policy binds the root user",
        {"resource": [to("*", "Deny")]},
        "root",
        "explicitDeny",
    ),
    (
        "A deny for the account binds its users",
        {"identity": [ALL], "resource": [to(ACCOUNT, "Deny")]},
        "alice",
        "explicitDeny",
    ),
    (
        "A deny in the identity policy outweighs the resource's allow",
        {"identity": [DENY], "resource": [to(ALICE)]},
        "alice",
        "explicitDeny",
    ),
    (
        "Naming the account leaves it to identity policies",
        {"resource": [to(ACCOUNT)]},
        "alice",
        "implicitDeny",
    ),
    (
        "Naming the account, with an identity policy",
        {"identity": [READ], "resource": [to("111122223333")]},
        "alice",
        "allowed",
    ),
    (
        "Named as user and as account, the closer name counts",
        {"resource": [to(ALICE), to(ACCOUNT)]},
        "alice",
        "allowed",
    ),
    (
        "Named as account and as user, the closer name counts",
        {"resource": [to(ACCOUNT), to(ALICE)]},
        "alice",
        "allowed",
    ),
    ("Naming everyone grants", {"resource": [to("*")]}, "alice", "allowed"),
    (
        "A user named in the resource's policy is not limited by the boundary",
        {"boundary": [OTHER_ACTION], "resource": [to(ALICE)]},
        "alice",
        "allowed",
    ),
    (
        "But a deny in the boundary counts",
        {"boundary": [DENY], "resource": [to(ALICE)]},
        "alice",
        "explicitDeny",
    ),
    (
        "A role named in the resource's policy needs no identity policy",
        {"resource": [to(DEPLOY)]},
        "deploy session",
        "allowed",
    ),
    (
        "A role named there is limited by the boundary",
        {"boundary": [OTHER_ACTION], "resource": [to(DEPLOY)]},
        "deploy session",
        "implicitDeny",
    ),
    (
        "A role named there within the boundary",
        {"boundary": [ALL], "resource": [to(DEPLOY)]},
        "deploy session",
        "allowed",
    ),
    (
        "A role named there is limited by the session policy",
        {"session": [OTHER_ACTION], "resource": [to(DEPLOY)]},
        "deploy session",
        "implicitDeny",
    ),
    (
        "A role named there within the session policy",
        {"session": [READ], "resource": [to(DEPLOY)]},
        "deploy session",
        "allowed",
    ),
    (
        "A role session named there is limited by neither",
        {"boundary": [OTHER_ACTION], "session": [OTHER_ACTION], "resource": [to(SESSION)]},
        "deploy session",
        "allowed",
    ),
    (
        "Everyone, with aws:PrincipalArn of the role, is limited by neither",
        {
            "boundary": [OTHER_ACTION],
            "resource": [
                (
                    "Allow",
                    "s3:*",
                    "*",
                    {"Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": DEPLOY}}},
                )
            ],
        },
        "deploy session",
        "allowed",
    ),
    (
        "A session of another name is not meant",
        {"resource": [to(SESSION + "2")]},
        "deploy session",
        "implicitDeny",
    ),
    (
        "A role's unique id names it",
        {"boundary": [ALL], "resource": [to("AROADEPLOYEXAMPLE0000")]},
        "deploy session",
        "allowed",
    ),
    ("A user's unique id names it", {"resource": [to("AIDAALICEEXAMPLE00000")]}, "alice", "allowed"),
    (
        "A federated user named there is limited by neither",
        {"session": [OTHER_ACTION], "resource": [to(CAROL)]},
        "carol federated by alice",
        "allowed",
    ),
    (
        "The user behind a federated session is limited by the session policy",
        {"session": [OTHER_ACTION], "resource": [to(ALICE)]},
        "carol federated by alice",
        "implicitDeny",
    ),
    (
        "The user behind a federated session, within the session policy",
        {"session": [READ], "resource": [to(ALICE)]},
        "carol federated by alice",
        "allowed",
    ),
    # Resources whose policy must allow (KMS keys).
    (
        "A key policy that does not know the caller denies",
        {"identity": [ALL], "resource": [to(DEPLOY)], "required": True},
        "alice",
        "implicitDeny",
    ),
    ("No key policy at all denies", {"identity": [ALL], "required": True}, "alice", "implicitDeny"),
    (
        "A key policy that trusts the account lets identity policies decide",
        {"identity": [READ], "resource": [to(ACCOUNT)], "required": True},
        "alice",
        "allowed",
    ),
    (
        "A key policy that trusts the account, without an identity policy",
        {"resource": [to(ACCOUNT)], "required": True},
        "alice",
        "implicitDeny",
    ),
    (
        "A key policy that names the user is enough",
        {"resource": [to(ALICE)], "required": True},
        "alice",
        "allowed",
    ),
    (
        "The root user needs the key policy too",
        {"resource": [to(ALICE)], "required": True},
        "root",
        "implicitDeny",
    ),
    (
        "A key policy that trusts the account lets its root user in",
        {"resource": [to(ACCOUNT)], "required": True},
        "root",
        "allowed",
    ),
]


@pytest.mark.parametrize(("sentence", "policies", "who", "expected"), CASES, ids=[case[0] for case in CASES])
def test_single_account(sentence, policies, who, expected, decide):
    assert decide(policies, who, "s3:GetObject", BUCKET).eval_decision == expected, sentence
