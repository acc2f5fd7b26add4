"""Policy variables in resources and conditions, after the IAM User Guide's page on variables and tags."""

import pytest

HOME = "arn:aws:s3:::bucket/home/"

RESOURCES = [
    # sentence, Resource, requested resource, context, whether it matches
    ("${aws:username} is the user's name", HOME + "${aws:username}/*", HOME + "alice/x", {}, True),
    ("Another user's folder", HOME + "${aws:username}/*", HOME + "bob/x", {}, False),
    ("A variable's name has no case", HOME + "${AWS:UserName}/*", HOME + "alice/x", {}, True),
    ("${aws:userid}", HOME + "${aws:userid}", HOME + "AIDAALICEEXAMPLE00000", {}, True),
    ("${aws:PrincipalTag/x}", HOME + "${aws:PrincipalTag/Team}/*", HOME + "blue/x", {}, True),
    ("A tag that is empty", HOME + "${aws:PrincipalTag/Empty}/x", HOME + "/x", {}, True),
    (
        "A variable in the account segment",
        "arn:aws:sns:*:${aws:PrincipalAccount}:t",
        "arn:aws:sns:eu-west-1:111122223333:t",
        {},
        True,
    ),
    (
        "A variable in the account segment, other account",
        "arn:aws:sns:*:${aws:PrincipalAccount}:t",
        "arn:aws:sns:eu-west-1:444455556666:t",
        {},
        False,
    ),
    (
        "A variable of the request's context",
        HOME + "${s3:prefix}",
        HOME + "docs",
        {"s3:prefix": "docs"},
        True,
    ),
    ("Two variables", HOME + "${aws:username}/${aws:PrincipalTag/team}", HOME + "alice/blue", {}, True),
    (
        "A variable without a value matches nothing",
        HOME + "${aws:PrincipalTag/none}/*",
        HOME + "/x",
        {},
        False,
    ),
    (
        "It does not match its own text either",
        HOME + "${aws:PrincipalTag/none}",
        HOME + "${aws:PrincipalTag/none}",
        {},
        False,
    ),
    (
        "A default takes the place of a missing value",
        HOME + "${aws:PrincipalTag/none, 'guests'}/*",
        HOME + "guests/x",
        {},
        True,
    ),
    (
        "A default yields to a value",
        HOME + "${aws:PrincipalTag/Team, 'guests'}/*",
        HOME + "guests/x",
        {},
        False,
    ),
    (
        "A value where there is a default",
        HOME + "${aws:PrincipalTag/Team, 'guests'}/*",
        HOME + "blue/x",
        {},
        True,
    ),
    ("An empty default", HOME + "${aws:PrincipalTag/none, ''}x", HOME + "x", {}, True),
    (
        "A key of several values is no variable",
        HOME + "${aws:TagKeys}",
        HOME + "a",
        {"aws:TagKeys": ["a", "b"]},
        False,
    ),
    ("A star in a value is a star", HOME + "${s3:prefix}/x", HOME + "bob/x", {"s3:prefix": "*"}, False),
    (
        "A value cannot bring a variable along",
        HOME + "${s3:prefix}/x",
        HOME + "alice/x",
        {"s3:prefix": "${aws:username}"},
        False,
    ),
    (
        "A colon in a value does not move the segments",
        "arn:aws:sns:${a:b}:t:x",
        "arn:aws:sns:r:a:t:x",
        {"a:b": "r:a"},
        False,
    ),
    ("${*} is a star", HOME + "${*}", HOME + "*", {}, True),
    ("${*} is no wildcard", HOME + "${*}", HOME + "x", {}, False),
    ("${?} is a question mark", HOME + "what${?}", HOME + "what?", {}, True),
    ("${?} is no wildcard", HOME + "what${?}", HOME + "whats", {}, False),
    ("${$} is a dollar", HOME + "${$}{aws:username}", HOME + "${aws:username}", {}, True),
    ("A dollar by itself is a dollar", HOME + "$5", HOME + "$5", {}, True),
]


@pytest.mark.parametrize(
    ("sentence", "resource", "arn", "context", "expected"), RESOURCES, ids=[case[0] for case in RESOURCES]
)
def test_variable_in_a_resource(sentence, resource, arn, context, expected, decide):
    policies = {"identity": [("Allow", "x:Do", resource)]}
    assert decide(policies, "alice", "x:Do", arn, context=context).allowed is expected, sentence


def test_a_role_session_has_no_user_name_to_put_in(decide):
    policies = {"identity": [("Allow", "x:Do", HOME + "${aws:username}/*")]}
    assert not decide(policies, "deploy session", "x:Do", HOME + "/x").allowed


def test_a_role_session_has_a_user_id(decide):
    policies = {"identity": [("Allow", "x:Do", HOME + "${aws:userid}/*")]}
    assert decide(policies, "deploy session", "x:Do", HOME + "AROADEPLOYEXAMPLE0000:ci/x").allowed


CONDITIONS = [
    # sentence, condition block, context, whether it holds
    (
        "StringEquals with a variable",
        {"StringEquals": {"s3:prefix": "${aws:username}"}},
        {"s3:prefix": "alice"},
        True,
    ),
    (
        "StringLike with a variable and a star",
        {"StringLike": {"s3:prefix": ["", "${aws:username}/*"]}},
        {"s3:prefix": "alice/a"},
        True,
    ),
    (
        "StringEquals of two tags",
        {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        {"aws:ResourceTag/team": "blue"},
        True,
    ),
    (
        "StringEquals of two tags that differ",
        {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        {"aws:ResourceTag/team": "red"},
        False,
    ),
    (
        "A missing value equals nothing",
        {"StringEquals": {"a:b": "${aws:PrincipalTag/none}"}},
        {"a:b": ""},
        False,
    ),
    (
        "A missing value is not equal to anything",
        {"StringNotEquals": {"a:b": "${aws:PrincipalTag/none}"}},
        {"a:b": "x"},
        True,
    ),
    (
        "A default in a condition",
        {"StringEquals": {"a:b": "${aws:PrincipalTag/none, 'x'}"}},
        {"a:b": "x"},
        True,
    ),
    (
        "StringEqualsIgnoreCase with a variable",
        {"StringEqualsIgnoreCase": {"a:b": "${aws:username}"}},
        {"a:b": "ALICE"},
        True,
    ),
    (
        "ArnLike with a variable",
        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:${aws:PrincipalAccount}:*"}},
        {"aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:t"},
        True,
    ),
    ("StringLike takes an escaped star", {"StringLike": {"a:b": "${*}x*"}}, {"a:b": "*xyz"}, True),
    ("An escaped star is no wildcard", {"StringLike": {"a:b": "${*}x*"}}, {"a:b": "axyz"}, False),
    (
        "ForAllValues with a variable",
        {"ForAllValues:StringEquals": {"a:b": ["${aws:username}", "z"]}},
        {"a:b": ["z", "alice"]},
        True,
    ),
]


@pytest.mark.parametrize(
    ("sentence", "block", "context", "expected"), CONDITIONS, ids=[case[0] for case in CONDITIONS]
)
def test_variable_in_a_condition(sentence, block, context, expected, holds):
    assert holds(block, context) is expected, sentence
