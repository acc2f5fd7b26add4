"""Condition operators on single-valued keys, after the IAM User Guide's page on condition operators."""

import pytest

T, N, D, IP, A = "aws:PrincipalTag/x", "s3:max-keys", "aws:CurrentTime", "aws:SourceIp", "aws:SourceArn"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:topic"

CASES = [
    # sentence, condition block, request context, whether it holds
    ("StringEquals compares exactly", {"StringEquals": {T: "blue"}}, {T: "blue"}, True),
    ("StringEquals minds the case of the value", {"StringEquals": {T: "blue"}}, {T: "Blue"}, False),
    (
        "A condition key's name has no case",
        {"StringEquals": {"AWS:principaltag/X": "blue"}},
        {T: "blue"},
        True,
    ),
    ("Several values of one key are joined by OR", {"StringEquals": {T: ["red", "blue"]}}, {T: "blue"}, True),
    ("None of several values is there", {"StringEquals": {T: ["red", "green"]}}, {T: "blue"}, False),
    ("Several keys are joined by AND", {"StringEquals": {T: "blue", N: "7"}}, {T: "blue", N: "8"}, False),
    ("All keys match", {"StringEquals": {T: "blue", N: "7"}}, {T: "blue", N: "7"}, True),
    (
        "Several operators are joined by AND",
        {"StringEquals": {T: "blue"}, "NumericEquals": {N: 7}},
        {T: "blue"},
        False,
    ),
    ("An empty Condition holds", {}, {}, True),
    ("A missing key fails StringEquals", {"StringEquals": {T: "blue"}}, {}, False),
    ("A star in StringEquals is a star", {"StringEquals": {T: "b*"}}, {T: "blue"}, False),
    ("A star in StringEquals equals a star", {"StringEquals": {T: "b*"}}, {T: "b*"}, True),
    ("StringNotEquals is the negation", {"StringNotEquals": {T: "blue"}}, {T: "red"}, True),
    ("StringNotEquals fails on the value", {"StringNotEquals": {T: "blue"}}, {T: "blue"}, False),
    ("Values of a negated operator are joined by NOR", {"StringNotEquals": {T: ["a", "b"]}}, {T: "b"}, False),
    ("NOR holds when no value matches", {"StringNotEquals": {T: ["a", "b"]}}, {T: "c"}, True),
    ("A missing key satisfies StringNotEquals", {"StringNotEquals": {T: "blue"}}, {}, True),
    ("StringEqualsIgnoreCase ignores case", {"StringEqualsIgnoreCase": {T: "BLUE"}}, {T: "blue"}, True),
    (
        "StringEqualsIgnoreCase compares all of it",
        {"StringEqualsIgnoreCase": {T: "BLUE"}},
        {T: "blues"},
        False,
    ),
    ("StringNotEqualsIgnoreCase", {"StringNotEqualsIgnoreCase": {T: "BLUE"}}, {T: "blue"}, False),
    ("StringNotEqualsIgnoreCase of another", {"StringNotEqualsIgnoreCase": {T: "BLUE"}}, {T: "red"}, True),
    ("StringLike takes a star", {"StringLike": {"s3:prefix": "home/*"}}, {"s3:prefix": "home/a/b"}, True),
    ("StringLike takes a question mark", {"StringLike": {T: "b?ue"}}, {T: "blue"}, True),
    ("A question mark is exactly one character", {"StringLike": {T: "blue?"}}, {T: "blue"}, False),
    ("StringLike minds the case", {"StringLike": {T: "B*"}}, {T: "blue"}, False),
    ("StringNotLike", {"StringNotLike": {T: "b*"}}, {T: "blue"}, False),
    ("A missing key satisfies StringNotLike", {"StringNotLike": {T: "b*"}}, {}, True),
    ("NumericEquals compares numbers, not texts", {"NumericEquals": {N: "10"}}, {N: "10.0"}, True),
    ("NumericNotEquals", {"NumericNotEquals": {N: "10"}}, {N: "10"}, False),
    ("NumericLessThan", {"NumericLessThan": {N: "10"}}, {N: "9"}, True),
    ("NumericLessThan leaves out the bound", {"NumericLessThan": {N: "10"}}, {N: "10"}, False),
    ("NumericLessThanEquals takes the bound", {"NumericLessThanEquals": {N: "10"}}, {N: "10"}, True),
    ("NumericLessThanEquals", {"NumericLessThanEquals": {N: "10"}}, {N: "11"}, False),
    ("NumericGreaterThan", {"NumericGreaterThan": {N: 10}}, {N: "10.5"}, True),
    ("NumericGreaterThan leaves out the bound", {"NumericGreaterThan": {N: 10}}, {N: "10"}, False),
    ("NumericGreaterThanEquals", {"NumericGreaterThanEquals": {N: 10}}, {N: "10"}, True),
    ("9 is less than 10, though not as text", {"NumericGreaterThanEquals": {N: 10}}, {N: "9"}, False),
    ("A value that is no number matches no number", {"NumericEquals": {N: "10"}}, {N: "ten"}, False),
    ("A value that is no number is not equal", {"NumericNotEquals": {N: "10"}}, {N: "ten"}, True),
    ("Negative numbers", {"NumericLessThan": {N: "0"}}, {N: "-3"}, True),
    (
        "DateEquals in another zone",
        {"DateEquals": {D: "2020-04-01T02:00:00+02:00"}},
        {D: "2020-04-01T00:00:00Z"},
        True,
    ),
    ("DateNotEquals", {"DateNotEquals": {D: "2020-04-01T00:00:00Z"}}, {D: "2020-04-01T00:00:00Z"}, False),
    ("DateLessThan", {"DateLessThan": {D: "2020-06-30T00:00:00Z"}}, {D: "2020-04-01T00:00:00Z"}, True),
    (
        "DateLessThan of a later day",
        {"DateLessThan": {D: "2020-06-30T00:00:00Z"}},
        {D: "2020-07-01T00:00:00Z"},
        False,
    ),
    (
        "DateLessThanEquals",
        {"DateLessThanEquals": {D: "2020-06-30T00:00:00Z"}},
        {D: "2020-06-30T00:00:00Z"},
        True,
    ),
    ("DateGreaterThan", {"DateGreaterThan": {D: "2020-06-30T00:00:00Z"}}, {D: "2020-06-30T00:00:01Z"}, True),
    (
        "DateGreaterThanEquals",
        {"DateGreaterThanEquals": {D: "2020-06-30"}},
        {D: "2020-06-30T00:00:00Z"},
        True,
    ),
    (
        "Dates may be epoch seconds",
        {"DateLessThan": {"aws:EpochTime": "1600000000"}},
        {"aws:EpochTime": "1500000000"},
        True,
    ),
    (
        "Epoch seconds and ISO dates compare",
        {"DateEquals": {D: "1585699200"}},
        {D: "2020-04-01T00:00:00Z"},
        True,
    ),
    ("Four digits are a year", {"DateGreaterThan": {D: "2020"}}, {D: "2020-01-02T00:00:00Z"}, True),
    ("A date without a value fails", {"DateLessThan": {D: "2020-06-30T00:00:00Z"}}, {}, False),
    ("Bool true", {"Bool": {"aws:SecureTransport": "true"}}, {"aws:SecureTransport": "true"}, True),
    (
        "Bool takes a JSON boolean",
        {"Bool": {"aws:SecureTransport": False}},
        {"aws:SecureTransport": "false"},
        True,
    ),
    (
        "Bool of the other value",
        {"Bool": {"aws:SecureTransport": "true"}},
        {"aws:SecureTransport": "false"},
        False,
    ),
    ("Bool of a missing key fails", {"Bool": {"aws:MultiFactorAuthPresent": "false"}}, {}, False),
    (
        "BinaryEquals compares decoded bytes",
        {"BinaryEquals": {"kms:key": "QmluYXJ5"}},
        {"kms:key": "QmluYXJ5"},
        True,
    ),
    (
        "BinaryEquals of other bytes",
        {"BinaryEquals": {"kms:key": "QmluYXJ5"}},
        {"kms:key": "QmluYXJ6"},
        False,
    ),
    ("IpAddress in a block", {"IpAddress": {IP: "203.0.113.0/24"}}, {IP: "203.0.113.99"}, True),
    ("IpAddress outside of it", {"IpAddress": {IP: "203.0.113.0/24"}}, {IP: "203.0.114.1"}, False),
    ("A lone address is a /32", {"IpAddress": {IP: "203.0.113.7"}}, {IP: "203.0.113.8"}, False),
    ("Host bits of a block do not count", {"IpAddress": {IP: "203.0.113.77/24"}}, {IP: "203.0.113.1"}, True),
    ("IPv6 in a block", {"IpAddress": {IP: "2001:db8:1234:5678::/64"}}, {IP: "2001:DB8:1234:5678::1"}, True),
    ("An IPv4 address is in no IPv6 block", {"IpAddress": {IP: "::/0"}}, {IP: "203.0.113.1"}, False),
    (
        "A mapped address counts as IPv4",
        {"IpAddress": {IP: "203.0.113.0/24"}},
        {IP: "::ffff:203.0.113.1"},
        True,
    ),
    ("NotIpAddress", {"NotIpAddress": {IP: ["192.0.2.0/24", "203.0.113.0/24"]}}, {IP: "203.0.113.1"}, False),
    (
        "NotIpAddress outside all blocks",
        {"NotIpAddress": {IP: ["192.0.2.0/24", "203.0.113.0/24"]}},
        {IP: "198.51.100.1"},
        True,
    ),
    (
        "A service name in SourceIp is no address",
        {"IpAddress": {IP: "0.0.0.0/0"}},
        {IP: "cloudformation.amazonaws.com"},
        False,
    ),
    ("A missing address satisfies NotIpAddress", {"NotIpAddress": {IP: "203.0.113.0/24"}}, {}, True),
    ("ArnEquals", {"ArnEquals": {A: TOPIC}}, {A: TOPIC}, True),
    (
        "ArnEquals takes wildcards as ArnLike does",
        {"ArnEquals": {A: "arn:aws:sns:*:111122223333:t*"}},
        {A: TOPIC},
        True,
    ),
    ("ArnLike: a star stays in its segment", {"ArnLike": {A: "arn:aws:sns:*:topic"}}, {A: TOPIC}, False),
    ("ArnLike: each segment by itself", {"ArnLike": {A: "arn:aws:*:*:*:topic"}}, {A: TOPIC}, True),
    ("ArnNotEquals", {"ArnNotEquals": {A: TOPIC}}, {A: TOPIC}, False),
    ("ArnNotLike", {"ArnNotLike": {A: "arn:aws:sqs:*:*:*"}}, {A: TOPIC}, True),
    ("A missing ARN satisfies ArnNotLike", {"ArnNotLike": {A: TOPIC}}, {}, True),
    ("Null true: the key must be absent", {"Null": {T: "true"}}, {}, True),
    ("Null true fails when it is there", {"Null": {T: "true"}}, {T: "x"}, False),
    ("Null false: the key must be there", {"Null": {T: "false"}}, {T: "x"}, True),
    ("Null false fails when it is absent", {"Null": {T: False}}, {}, False),
    ("An empty text is a value", {"Null": {T: "false"}}, {T: ""}, True),
    ("An empty list is none", {"Null": {T: "true"}}, {T: []}, True),
    ("IfExists ignores a missing key", {"StringEqualsIfExists": {T: "blue"}}, {}, True),
    ("IfExists compares a present key", {"StringEqualsIfExists": {T: "blue"}}, {T: "red"}, False),
    (
        "StringLikeIfExists",
        {"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "m1.*"]}},
        {"ec2:InstanceType": "m1.large"},
        True,
    ),
    ("NumericLessThanIfExists", {"NumericLessThanIfExists": {N: 5}}, {N: "7"}, False),
    ("DateLessThanIfExists", {"DateLessThanIfExists": {D: "2020-01-01"}}, {}, True),
    ("BoolIfExists with no MFA at all", {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, {}, True),
    (
        "BoolIfExists with MFA",
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        {"aws:MultiFactorAuthPresent": "true"},
        False,
    ),
    ("IpAddressIfExists", {"IpAddressIfExists": {IP: "203.0.113.0/24"}}, {IP: "192.0.2.1"}, False),
    ("ArnLikeIfExists", {"ArnLikeIfExists": {A: "arn:aws:sqs:*:*:*"}}, {}, True),
    ("Operator names have no case", {"stringequalsifexists": {T: "blue"}}, {T: "blue"}, True),
    ("An empty list of values matches nothing", {"StringEquals": {T: []}}, {T: "x"}, False),
]


@pytest.mark.parametrize(("sentence", "block", "context", "expected"), CASES, ids=[case[0] for case in CASES])
def test_condition_operator(sentence, block, context, expected, holds):
    assert holds(block, context) is expected, sentence


PRINCIPAL_KEYS = [
    ("alice", "aws:username", "alice"),
    ("alice", "aws:userid", "AIDAALICEEXAMPLE00000"),
    ("alice", "aws:PrincipalArn", "arn:aws:iam::111122223333:user/alice"),
    ("alice", "aws:PrincipalAccount", "111122223333"),
    ("alice", "aws:PrincipalType", "User"),
    ("alice", "aws:PrincipalTag/team", "blue"),
    ("alice", "aws:PrincipalIsAWSService", "false"),
    ("alice", "aws:ResourceAccount", "111122223333"),
    ("deploy session", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/Deploy"),
    ("deploy session", "aws:userid", "AROADEPLOYEXAMPLE0000:ci"),
    ("deploy session", "aws:PrincipalType", "AssumedRole"),
    ("deploy session", "aws:PrincipalTag/Team", "red"),
]


@pytest.mark.parametrize(("who", "key", "value"), PRINCIPAL_KEYS, ids=lambda value: str(value))
def test_key_that_follows_from_the_principal(who, key, value, holds):
    assert holds({"StringEquals": {key: value}}, {}, who)


def test_a_role_session_has_no_user_name(holds):
    assert holds({"Null": {"aws:username": "true"}}, {}, "deploy session")
