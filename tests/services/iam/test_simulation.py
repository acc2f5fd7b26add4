"""The policy simulator and the condition keys it asks for, as their documentation describes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldframe.services.iam.context_keys import context_keys
from coldframe.services.iam.positions import statement_positions
from tests.services.iam.asking import allow, deny, policy, refused, trust

GET = "s3:GetObject"
BUCKET = "arn:aws:s3:::team/*"
OBJECT = "arn:aws:s3:::team/one"


def one(iam, *documents, action=GET, resource=OBJECT, **more):
    answer = iam.simulate_custom_policy(
        PolicyInputList=list(documents), ActionNames=[action], ResourceArns=[resource], **more
    )
    (result,) = answer["EvaluationResults"]
    assert (result["EvalActionName"], result["EvalResourceName"]) == (action, resource)
    return result


@pytest.mark.parametrize(
    ("documents", "more", "decision"),
    [
        ([policy(allow(GET, BUCKET))], {}, "allowed"),
        ([policy(allow("s3:*"))], {"action": "S3:getobject"}, "allowed"),
        ([policy(allow("s3:PutObject"))], {}, "implicitDeny"),
        ([policy(allow(GET, BUCKET))], {"resource": "arn:aws:s3:::other/one"}, "implicitDeny"),
        ([policy(allow("s3:*")), policy(deny(GET))], {}, "explicitDeny"),
        (
            [policy(allow("s3:*"))],
            {"PermissionsBoundaryPolicyInputList": [policy(allow("ec2:*"))]},
            "implicitDeny",
        ),
        (
            [policy(allow("s3:*"))],
            {"PermissionsBoundaryPolicyInputList": [policy(allow(GET))]},
            "allowed",
        ),
        (
            [policy(allow("s3:*"))],
            {
                "OrderedOrganizationPolicyInputList": [
                    {"ServiceControlPolicyInputList": [policy(allow("*"))]},
                    {"ServiceControlPolicyInputList": [policy(allow("ec2:*"))]},
                ]
            },
            "implicitDeny",
        ),
    ],
)
def test_decisions(iam, documents, more, decision):
    assert one(iam, *documents, **more)["EvalDecision"] == decision


@pytest.mark.parametrize(("address", "decision"), [("10.1.2.3", "allowed"), ("11.1.2.3", "implicitDeny")])
def test_context_is_given_by_the_caller(iam, address, decision):
    document = policy(allow(GET, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    entry = {"ContextKeyName": "aws:sourceip", "ContextKeyType": "ip", "ContextKeyValues": [address]}
    result = one(iam, document, ContextEntries=[entry])
    assert (result["EvalDecision"], result["MissingContextValues"]) == (decision, [])
    blind = one(iam, document)
    assert (blind["EvalDecision"], blind["MissingContextValues"]) == ("implicitDeny", ["aws:SourceIp"])


def test_the_statement_that_decided_is_shown_in_its_place(iam):
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow("ec2:*"), allow(GET), deny(GET)]}, indent=1
    )
    (found,) = one(iam, policy(allow("*")), document)["MatchedStatements"]
    lines = document.split("\n")
    start, end = found["StartPosition"], found["EndPosition"]
    assert (found["SourcePolicyId"], found["SourcePolicyType"]) == ("PolicyInputList.2", "IAM Policy")
    text = "\n".join(lines[start["Line"] - 1 : end["Line"]])
    statement = text[start["Column"] - 2 : len(text) - len(lines[end["Line"] - 1]) + end["Column"] - 1]
    assert json.loads(statement) == deny(GET)


def test_each_limit_says_for_itself_whether_it_allows(iam):
    result = one(
        iam,
        policy(allow("ec2:*")),
        PermissionsBoundaryPolicyInputList=[policy(allow(GET))],
        OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": [policy(allow("ec2:*"))]}],
    )
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}


def test_a_resource_policy_speaks_for_the_caller_it_names(cloud, iam):
    caller = f"arn:aws:iam::{cloud.account}:user/carla"
    document = policy({**allow(GET, BUCKET), "Principal": {"AWS": caller}})
    own = [policy(allow("ec2:*"))]
    assert one(iam, *own, ResourcePolicy=document, CallerArn=caller)["EvalDecision"] == "allowed"
    other = f"arn:aws:iam::{cloud.account}:user/dora"
    assert one(iam, *own, ResourcePolicy=document, CallerArn=other)["EvalDecision"] == "implicitDeny"
    away = one(iam, *own, ResourcePolicy=document, CallerArn=caller, ResourceOwner="444444444444")
    assert away["EvalDecision"] == "implicitDeny"


@pytest.mark.parametrize(
    "asked",
    [
        {"PolicyInputList": ["{}"], "ActionNames": [GET]},
        {"PolicyInputList": [policy(allow(GET))], "ActionNames": ["GetObject"]},
        {"PolicyInputList": [policy(allow(GET))], "ActionNames": ["s3:*"]},
        {"PolicyInputList": [policy(allow(GET))], "ActionNames": [GET], "ResourcePolicy": policy(allow(GET))},
        {
            "PolicyInputList": [policy(allow(GET))],
            "ActionNames": [GET],
            "CallerArn": "arn:aws:iam::111122223333:role/r",
        },
    ],
)
def test_bad_input_is_invalid_input(iam, asked):
    assert refused(iam.simulate_custom_policy, **asked)[0] == "InvalidInput"


def test_results_come_in_pages(iam):
    asked = {
        "PolicyInputList": [policy(allow("s3:Get*"))],
        "ActionNames": ["s3:GetObject", "s3:PutObject"],
        "ResourceArns": [f"arn:aws:s3:::b/{number}" for number in range(3)],
    }
    pages = list(
        iam.get_paginator("simulate_custom_policy").paginate(**asked, PaginationConfig={"PageSize": 4})
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [4, 2]
    decisions = [result["EvalDecision"] for page in pages for result in page["EvaluationResults"]]
    assert decisions == ["allowed"] * 3 + ["implicitDeny"] * 3


def test_a_user_is_simulated_with_groups_boundary_and_tags(cloud, iam, person, fresh):
    name, _ = person(Tags=[{"Key": "team", "Value": "team"}])
    group, arn = fresh("group"), f"arn:aws:iam::{cloud.account}:user/{name}"
    iam.create_group(GroupName=group)
    tagged = policy(allow(GET, "arn:aws:s3:::${aws:PrincipalTag/team}/*"))
    iam.put_group_policy(GroupName=group, PolicyName="tagged", PolicyDocument=tagged)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")

    def simulated(**more):
        asked = {"PolicySourceArn": arn, "ActionNames": [GET], "ResourceArns": [OBJECT], **more}
        return iam.simulate_principal_policy(**asked)["EvaluationResults"][0]

    iam.add_user_to_group(GroupName=group, UserName=name)
    denied = simulated()
    assert denied["EvalDecision"] == "explicitDeny"
    assert denied["MatchedStatements"][0]["SourcePolicyId"] == "AWSDenyAll"
    assert denied["MatchedStatements"][0]["SourcePolicyType"] == "IAM Policy"
    iam.detach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    found = simulated()
    assert found["EvalDecision"] == "allowed"
    assert found["EvalDecisionDetails"] == {}
    assert found["ResourceSpecificResults"] == [
        {
            "EvalResourceName": OBJECT,
            "EvalResourceDecision": "allowed",
            "MatchedStatements": found["MatchedStatements"],
            "MissingContextValues": [],
        }
    ]
    assert simulated(PolicyInputList=[policy(deny("s3:*"))])["EvalDecision"] == "explicitDeny"
    iam.put_user_permissions_boundary(
        UserName=name, PermissionsBoundary="arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    )
    bounded = simulated()
    assert bounded["EvalDecision"] == "implicitDeny"
    assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_the_simulation_of_a_role_agrees_with_what_it_may(cloud, iam, fresh):
    role = fresh("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(AWS=cloud.account))
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(allow("iam:ListUsers")))
    answer = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{cloud.account}:role/{role}",
        ActionNames=["iam:ListUsers", "iam:ListRoles"],
    )
    assert [result["EvalDecision"] for result in answer["EvaluationResults"]] == ["allowed", "implicitDeny"]


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:iam::{account}:user/ghost", "NoSuchEntity"),
        ("arn:aws:iam::{account}:policy/ghost", "InvalidInput"),
        ("arn:aws:iam::444444444444:user/ghost", "AccessDenied"),
        ("something-else-entirely", "InvalidInput"),
    ],
)
def test_only_entities_of_the_account_are_simulated(cloud, iam, arn, code):
    source = arn.format(account=cloud.account)
    asked = {"PolicySourceArn": source, "ActionNames": [GET]}
    assert refused(iam.simulate_principal_policy, **asked)[0] == code


def test_context_keys_are_listed_as_they_are_written(cloud, iam, person):
    name, _ = person()
    document = policy(
        allow(GET, "arn:aws:s3:::${aws:username}/*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        allow(GET, Condition={"StringLike": {"s3:prefix": ["${aws:PrincipalTag/team}", "x"]}}),
        deny(GET, Condition={"Bool": {"AWS:securetransport": "false"}}),
    )
    keys = ["aws:PrincipalTag/team", "aws:SecureTransport", "aws:username", "s3:prefix"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[document])["ContextKeyNames"] == keys
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    found = iam.get_context_keys_for_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{cloud.account}:user/{name}",
        PolicyInputList=[policy(allow(GET, Condition={"Null": {"s3:max-keys": "true"}}))],
    )
    assert found["ContextKeyNames"] == sorted([*keys, "s3:max-keys"])


def test_escapes_in_variables_are_no_keys():
    assert context_keys([policy(allow(GET, "arn:aws:s3:::${*}${?}${$}${aws:username, 'none'}"))]) == [
        "aws:username"
    ]


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ('{"Statement":{"a":1}}', [(1, 15, 1, 21)]),
        ('{"Statement" : [\n {"a":1},\n  {"b":[2]}\n], "Version":"x"}', [(2, 3, 2, 9), (3, 4, 3, 12)]),
        ('{"Id":"Statement","Statement":[{"x":"\\"]}"}]}', [(1, 33, 1, 44)]),
    ],
)
def test_positions(document, places):
    found = [
        (start["Line"], start["Column"], end["Line"], end["Column"])
        for start, end in statement_positions(document)
    ]
    assert found == places


_VALUES = st.text() | st.lists(st.text(), min_size=1, max_size=3)
_STATEMENTS = st.lists(
    st.fixed_dictionaries({"Sid": st.text()}, optional={"Action": _VALUES, "Statement": _VALUES}),
    min_size=1,
    max_size=4,
)


@given(_STATEMENTS, st.sampled_from([None, 0, 1, 4, "\t"]), st.booleans(), st.booleans())
def test_a_position_is_where_the_statement_stands(statements, indent, first, ascii_only):
    other = {"Id": 'x"Statement"{[', "Version": "2012-10-17"}
    loaded = {"Statement": statements, **other} if first else {**other, "Statement": statements}
    document = json.dumps(loaded, indent=indent, ensure_ascii=ascii_only)
    starts = [0, *(number + 1 for number, letter in enumerate(document) if letter == "\n")]

    def offset(place):
        return starts[place["Line"] - 1] + place["Column"] - 1

    found = [document[offset(start) - 1 : offset(end)] for start, end in statement_positions(document)]
    assert [json.loads(text) for text in found] == statements
