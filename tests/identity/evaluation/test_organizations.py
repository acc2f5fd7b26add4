"""Service control policies and resource control policies, after the AWS Organizations User Guide."""

import pytest

RESOURCE = "arn:aws:s3:::bucket/key"
FULL, READ, OTHER_ACTION = ("Allow", "*", "*"), ("Allow", "s3:GetObject", "*"), ("Allow", "ec2:*", "*")
DENY = ("Deny", "s3:GetObject", "*")
TO_ALL = {"Principal": "*"}
RCP_FULL, RCP_DENY = (*FULL, TO_ALL), (*DENY, TO_ALL)
NAMED = [(*READ, {"Principal": {"AWS": "arn:aws:iam::111122223333:user/alice"}})]
SERVICE = [(*READ, {"Principal": {"Service": "logs.amazonaws.com"}})]

CASES = [
    # sentence, policies, who, expected decision
    ("Outside an organization nothing is filtered", {"identity": [READ]}, "alice", "allowed"),
    (
        "FullAWSAccess at each level filters nothing",
        {"identity": [READ], "scps": [[FULL], [FULL], [FULL]]},
        "alice",
        "allowed",
    ),
    ("A service control policy grants nothing", {"scps": [[FULL], [FULL]]}, "alice", "implicitDeny"),
    (
        "Every level must allow: the root does not",
        {"identity": [READ], "scps": [[OTHER_ACTION], [FULL], [FULL]]},
        "alice",
        "implicitDeny",
    ),
    (
        "Every level must allow: the unit does not",
        {"identity": [READ], "scps": [[FULL], [OTHER_ACTION], [FULL]]},
        "alice",
        "implicitDeny",
    ),
    (
        "Every level must allow: the account does not",
        {"identity": [READ], "scps": [[FULL], [FULL], [OTHER_ACTION]]},
        "alice",
        "implicitDeny",
    ),
    (
        "A level without a policy allows nothing",
        {"identity": [READ], "scps": [[FULL], []]},
        "alice",
        "implicitDeny",
    ),
    (
        "Levels may allow in different words",
        {"identity": [READ], "scps": [[FULL], [READ], [("Allow", "s3:*", "*")]]},
        "alice",
        "allowed",
    ),
    (
        "Two policies of one level add up",
        {"identity": [READ], "scps": [[OTHER_ACTION, READ]]},
        "alice",
        "allowed",
    ),
    (
        "A deny at any level",
        {"identity": [READ], "scps": [[FULL], [FULL, DENY], [FULL]]},
        "alice",
        "explicitDeny",
    ),
    ("A deny at the root", {"identity": [READ], "scps": [[FULL, DENY], [FULL]]}, "alice", "explicitDeny"),
    ("A member account's root user is bound by a deny", {"scps": [[FULL, DENY]]}, "root", "explicitDeny"),
    (
        "A member account's root user is bound by a missing allow",
        {"scps": [[FULL], [OTHER_ACTION]]},
        "root",
        "implicitDeny",
    ),
    ("A member account's root user has what is allowed", {"scps": [[FULL]]}, "root", "allowed"),
    ("Roles are bound", {"identity": [READ], "scps": [[DENY, FULL]]}, "deploy session", "explicitDeny"),
    (
        "The management account is not bound",
        {"identity": [READ], "scps": [[DENY]]},
        "user of the management account",
        "allowed",
    ),
    (
        "Service-linked roles are not bound",
        {"identity": [READ], "scps": [[DENY]]},
        "service-linked role",
        "allowed",
    ),
    ("Services are not bound", {"resource": SERVICE, "scps": [[DENY]]}, "logs service", "allowed"),
    (
        "A user named in a resource policy is bound all the same",
        {"resource": NAMED, "scps": [[OTHER_ACTION]]},
        "alice",
        "implicitDeny",
    ),
    (
        "A condition in a service control policy",
        {
            "identity": [READ],
            "scps": [
                [FULL, (*DENY, {"Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1"]}}})]
            ],
        },
        "alice",
        "explicitDeny",
    ),
    (
        "NotAction in a deny spares global services",
        {
            "identity": [READ],
            "scps": [[FULL, {"Effect": "Deny", "NotAction": ["s3:*", "iam:*"], "Resource": "*"}]],
        },
        "alice",
        "allowed",
    ),
    (
        "A resource control policy allows by RCPFullAWSAccess",
        {"identity": [READ], "rcps": [[RCP_FULL], [RCP_FULL]]},
        "alice",
        "allowed",
    ),
    (
        "A resource control policy denies",
        {"identity": [READ], "rcps": [[RCP_FULL], [RCP_FULL, RCP_DENY]]},
        "alice",
        "explicitDeny",
    ),
    (
        "A resource control policy binds callers from outside",
        {"resource": [(*READ, TO_ALL)], "rcps": [[RCP_FULL, RCP_DENY]]},
        "anonymous",
        "explicitDeny",
    ),
    (
        "A resource control policy binds services",
        {"resource": SERVICE, "rcps": [[RCP_FULL, RCP_DENY]]},
        "logs service",
        "explicitDeny",
    ),
    (
        "A resource control policy spares services that it exempts",
        {
            "resource": SERVICE,
            "rcps": [
                [
                    RCP_FULL,
                    (*RCP_DENY, {"Condition": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}),
                ]
            ],
        },
        "logs service",
        "allowed",
    ),
    (
        "Service-linked roles stand outside of resource control policies",
        {"identity": [READ], "rcps": [[RCP_FULL, RCP_DENY]]},
        "service-linked role",
        "allowed",
    ),
    (
        "A resource control policy binds the root user",
        {"rcps": [[RCP_FULL, RCP_DENY]]},
        "root",
        "explicitDeny",
    ),
]


@pytest.mark.parametrize(("sentence", "policies", "who", "expected"), CASES, ids=[case[0] for case in CASES])
def test_organization_policy(sentence, policies, who, expected, decide):
    context = {"aws:RequestedRegion": "us-east-1"}
    assert decide(policies, who, "s3:GetObject", RESOURCE, context=context).eval_decision == expected, (
        sentence
    )
