"""Validation of policy documents: AWS's messages, the statement they belong to, and the reason."""

import json

import pytest

from coldframe.identity.evaluate import AttachedPolicy, PolicySet, evaluate
from coldframe.identity.policies import compiled_policy, parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.request import Principal, Request

GOOD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
VERSION = "Policy document must be version 2012-10-17 or greater."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def document(*statements, version="2012-10-17", **elements):
    return {"Version": version, "Statement": list(statements), **elements}


def good(**elements):
    """A good statement with some elements set, or taken out by None."""
    return {name: value for name, value in (GOOD | elements).items() if value is not None}


def when(block):
    return document(good(Condition=block))


INVALID = [
    # sentence, kind, document, message, statement (None: outside of them), a word of the reason
    ("Text that is not JSON", "identity", "{", SYNTAX, None, "line 1"),
    ("Trust policies word it differently", "trust", "{", "This policy contains invalid Json", None, "line 1"),
    ("An empty text", "identity", "", SYNTAX, None, ""),
    ("A list", "identity", "[]", SYNTAX, None, "object"),
    ("A document nested without end", "identity", "[" * 100000, SYNTAX, None, "deeply"),
    ("Not a number", "identity", '{"Version": NaN}', SYNTAX, None, "NaN"),
    (
        "An element given twice",
        "identity",
        '{"Version": "2012-10-17", "Version": "2008-10-17"}',
        SYNTAX,
        None,
        "twice",
    ),
    ("An unknown element", "identity", document(GOOD, Extra=1), SYNTAX, None, "Extra"),
    ("An Id that is no text", "identity", document(GOOD, Id=1), SYNTAX, None, "Id"),
    (
        "The old version in an identity policy",
        "identity",
        document(GOOD, version="2008-10-17"),
        VERSION,
        None,
        "",
    ),
    ("No version in an identity policy", "identity", {"Statement": [GOOD]}, VERSION, None, ""),
    (
        "A version that never was",
        "identity",
        document(GOOD, version="2012-10-18"),
        SYNTAX,
        None,
        "2012-10-18",
    ),
    ("A version that is a list", "identity", document(GOOD, version=["2012-10-17"]), SYNTAX, None, "Version"),
    ("No statement", "identity", {"Version": "2012-10-17"}, SYNTAX, None, "Statement"),
    ("An empty list of statements", "identity", document(), SYNTAX, None, "Statement"),
    ("A statement that is a text", "identity", document(GOOD, "Allow"), SYNTAX, 1, "object"),
    ("An unknown element of a statement", "identity", document(good(Actoin="s3:*")), SYNTAX, 0, "Actoin"),
    ("An element in the wrong case", "identity", document(good(effect="Allow")), SYNTAX, 0, "effect"),
    ("No effect", "identity", document(good(Effect=None)), SYNTAX, 0, "Effect"),
    ("An effect that is neither", "identity", document(good(Effect="Audit")), SYNTAX, 0, "Effect"),
    (
        "An effect in the wrong case",
        "identity",
        document(good(Effect="allow")),
        LEGACY,
        0,
        "Effect must be Allow",
    ),
    ("An effect that is a list", "identity", document(good(Effect=["Allow"])), SYNTAX, 0, "Effect"),
    ("No action", "identity", document(good(Action=None)), "Policy statement must contain actions.", 0, ""),
    (
        "An empty list of actions",
        "identity",
        document(good(Action=[])),
        "Policy statement must contain actions.",
        0,
        "",
    ),
    ("Action and NotAction", "identity", document(good(NotAction="s3:*")), SYNTAX, 0, "NotAction"),
    ("An action that is a number", "identity", document(good(Action=7)), SYNTAX, 0, "Action"),
    ("An action without a vendor", "identity", document(good(Action="GetObject")), VENDOR, 0, "GetObject"),
    ("An action with a vendor only", "identity", document(good(Action="s3:")), VENDOR, 0, "s3:"),
    (
        "An action with two colons",
        "identity",
        document(good(Action="s3:Get:Object")),
        "Actions/Condition can contain only one colon.",
        0,
        "",
    ),
    ("A vendor with a blank", "identity", document(good(Action="a b:Get")), "Vendor a b is not valid", 0, ""),
    (
        "A vendor with a wildcard",
        "identity",
        document(good(Action="s*:Get")),
        "Vendor s* is not valid",
        0,
        "",
    ),
    (
        "No resource",
        "identity",
        document(good(Resource=None)),
        "Policy statement must contain resources.",
        0,
        "",
    ),
    (
        "An empty list of resources",
        "identity",
        document(good(Resource=[])),
        "Policy statement must contain resources.",
        0,
        "",
    ),
    (
        "The second statement is the bad one",
        "identity",
        document(GOOD, good(Resource=None)),
        "Policy statement must contain resources.",
        1,
        "",
    ),
    ("Resource and NotResource", "identity", document(good(NotResource="*")), SYNTAX, 0, "NotResource"),
    (
        "A resource that is no ARN",
        "identity",
        document(good(Resource="bucket")),
        'Resource bucket must be in ARN format or "*".',
        0,
        "",
    ),
    (
        "An empty resource",
        "identity",
        document(good(Resource="")),
        'Resource  must be in ARN format or "*".',
        0,
        "",
    ),
    ("An ARN that is too short", "identity", document(good(Resource="arn:aws:s3::bucket")), LEGACY, 0, "six"),
    (
        "An ARN of no partition",
        "identity",
        document(good(Resource="arn:azure:s3:::b")),
        'Partition "azure" is not valid for resource "arn:azure:s3:::b".',
        0,
        "",
    ),
    (
        "A resource that is an object",
        "identity",
        document(good(Resource={"Ref": "B"})),
        SYNTAX,
        0,
        "Resource",
    ),
    (
        "A variable that is not closed",
        "identity",
        document(good(Resource="arn:aws:s3:::b/${aws:username")),
        SYNTAX,
        0,
        "variable",
    ),
    (
        "A variable without a name",
        "identity",
        document(good(Resource="arn:aws:s3:::b/${}")),
        SYNTAX,
        0,
        "variable",
    ),
    (
        "A default without quotes",
        "identity",
        document(good(Resource="arn:aws:s3:::b/${aws:a, b}")),
        SYNTAX,
        0,
        "variable",
    ),
    (
        "The same Sid twice",
        "identity",
        document(good(Sid="A"), good(Sid="A")),
        "Statement IDs (SID) in a single policy must be unique.",
        1,
        "A",
    ),
    (
        "A Sid with a blank",
        "identity",
        document(good(Sid="A B")),
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        0,
        "A B",
    ),
    ("A Sid that is a number", "identity", document(good(Sid=1)), SYNTAX, 0, "Sid"),
    (
        "A principal in an identity policy",
        "identity",
        document(good(Principal="*")),
        "Policy document should not specify a principal.",
        0,
        "",
    ),
    (
        "A principal in a boundary",
        "boundary",
        document(good(NotPrincipal="*")),
        "Policy document should not specify a principal.",
        0,
        "",
    ),
    (
        "A principal in a session policy",
        "session",
        document(good(Principal="*")),
        "Policy document should not specify a principal.",
        0,
        "",
    ),
    (
        "A principal in a service control policy",
        "scp",
        document(good(Principal="*")),
        "Policy document should not specify a principal.",
        0,
        "",
    ),
    (
        "No principal in a resource policy",
        "resource",
        document(GOOD),
        "Missing required field Principal",
        0,
        "",
    ),
    (
        "No resource in a resource policy",
        "resource",
        document(good(Resource=None, Principal="*")),
        "Missing required field Resource",
        0,
        "",
    ),
    (
        "No principal in a trust policy",
        "trust",
        document({"Effect": "Allow", "Action": "sts:AssumeRole"}),
        "Missing required field Principal",
        0,
        "",
    ),
    (
        "A resource in a trust policy",
        "trust",
        document(TRUST | {"Resource": "*"}),
        "Has prohibited field Resource",
        0,
        "",
    ),
    (
        "NotResource in a trust policy",
        "trust",
        document(TRUST | {"NotResource": "*"}),
        "Has prohibited field NotResource",
        0,
        "",
    ),
    (
        "An action of another service in a trust policy",
        "trust",
        document(TRUST | {"Action": "s3:*"}),
        "AssumeRole policy may only specify STS AssumeRole actions.",
        0,
        "s3:*",
    ),
    (
        "All actions in a trust policy",
        "trust",
        document(TRUST | {"Action": "*"}),
        "AssumeRole policy may only specify STS AssumeRole actions.",
        0,
        "",
    ),
    (
        "A user of no account",
        "trust",
        document(TRUST | {"Principal": {"AWS": "alice"}}),
        'Invalid principal in policy: "AWS":"alice"',
        0,
        "",
    ),
    (
        "A wildcard within a principal",
        "resource",
        document(good(Principal={"AWS": "arn:aws:iam::111122223333:user/*"})),
        'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"',
        0,
        "",
    ),
    (
        "A group is no principal",
        "resource",
        document(good(Principal={"AWS": "arn:aws:iam::111122223333:group/g"})),
        'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:group/g"',
        0,
        "",
    ),
    (
        "An unknown type of principal",
        "resource",
        document(good(Principal={"User": "x"})),
        'Invalid principal in policy: "USER":"x"',
        0,
        "",
    ),
    (
        "A service without a dot",
        "resource",
        document(good(Principal={"Service": "logs"})),
        'Invalid principal in policy: "SERVICE":"logs"',
        0,
        "",
    ),
    (
        "An empty list of principals",
        "resource",
        document(good(Principal={"AWS": []})),
        "Invalid principal in policy.",
        0,
        "AWS",
    ),
    ("An empty principal", "resource", document(good(Principal={})), SYNTAX, 0, "Principal"),
    (
        "A principal that is a text other than the star",
        "resource",
        document(good(Principal="111122223333")),
        SYNTAX,
        0,
        "Principal",
    ),
    (
        "Principal and NotPrincipal",
        "resource",
        document(good(Principal="*", NotPrincipal="*")),
        SYNTAX,
        0,
        "NotPrincipal",
    ),
    ("A condition that is a list", "identity", when([]), SYNTAX, 0, "Condition"),
    ("An unknown operator", "identity", when({"StringEqualss": {"a:b": "c"}}), SYNTAX, 0, "StringEqualss"),
    (
        "An unknown set operator",
        "identity",
        when({"ForSomeValues:StringEquals": {"a:b": "c"}}),
        SYNTAX,
        0,
        "ForSomeValues",
    ),
    (
        "Null knows no IfExists",
        "identity",
        when({"NullIfExists": {"a:b": "true"}}),
        SYNTAX,
        0,
        "NullIfExists",
    ),
    (
        "A like operator that is none",
        "identity",
        when({"NumericLike": {"a:b": "1"}}),
        SYNTAX,
        0,
        "NumericLike",
    ),
    ("An operator without keys", "identity", when({"StringEquals": "x"}), SYNTAX, 0, "StringEquals"),
    (
        "A condition key without a vendor",
        "identity",
        when({"StringEquals": {"prefix": "x"}}),
        VENDOR,
        0,
        "prefix",
    ),
    (
        "A condition value that is an object",
        "identity",
        when({"StringEquals": {"a:b": {}}}),
        SYNTAX,
        0,
        "a:b",
    ),
    ("A condition value that is null", "identity", when({"StringEquals": {"a:b": None}}), SYNTAX, 0, "a:b"),
    ("A number that is none", "identity", when({"NumericEquals": {"a:b": "ten"}}), LEGACY, 0, "ten"),
    ("A date that is none", "identity", when({"DateLessThan": {"a:b": "tomorrow"}}), LEGACY, 0, "tomorrow"),
    ("A boolean that is none", "identity", when({"Bool": {"a:b": "yes"}}), LEGACY, 0, "yes"),
    (
        "An address that is none",
        "identity",
        when({"IpAddress": {"a:b": "10.0.0.0/33"}}),
        LEGACY,
        0,
        "10.0.0.0/33",
    ),
    ("Bytes that are no base64", "identity", when({"BinaryEquals": {"a:b": "%"}}), LEGACY, 0, "base64"),
    ("Null that is neither", "identity", when({"Null": {"a:b": "maybe"}}), LEGACY, 0, "Null"),
    ("A variable in a number", "identity", when({"NumericEquals": {"a:b": "${aws:x}"}}), LEGACY, 0, "number"),
    (
        "A malformed variable in a condition",
        "identity",
        when({"StringLike": {"a:b": "${aws:x"}}),
        SYNTAX,
        0,
        "variable",
    ),
]


@pytest.mark.parametrize(
    ("sentence", "kind", "text", "message", "index", "reason"), INVALID, ids=[case[0] for case in INVALID]
)
def test_invalid_policy(sentence, kind, text, message, index, reason):
    with pytest.raises(PolicyError) as caught:
        parse_policy(text if isinstance(text, str) else json.dumps(text), kind)
    assert caught.value.message == message, sentence
    assert caught.value.statement_index == index
    assert reason in caught.value.reason


VALID = [
    ("One statement without a list", "identity", {"Version": "2012-10-17", "Statement": GOOD}),
    (
        "Lists of actions and resources",
        "identity",
        document(good(Action=["s3:*", "ec2:Run*"], Resource=["arn:aws:s3:::b", "*"])),
    ),
    ("Statements without a Sid", "identity", document(GOOD, GOOD)),
    ("Empty Sids", "identity", document(good(Sid=""), good(Sid=""))),
    ("An Id", "identity", document(GOOD, Id="cd3ad3d9")),
    ("A Sid with blanks in a resource policy", "resource", document(good(Sid="Allow all", Principal="*"))),
    ("The old version in a resource policy", "resource", document(good(Principal="*"), version="2008-10-17")),
    ("No version in a resource policy", "resource", {"Statement": [good(Principal="*")]}),
    (
        "All types of principals",
        "resource",
        document(
            good(
                Principal={
                    "AWS": [
                        "*",
                        "111122223333",
                        "arn:aws:iam::111122223333:root",
                        "arn:aws:iam::111122223333:user/path/alice",
                        "arn:aws:iam::111122223333:role/r",
                        "arn:aws:sts::111122223333:assumed-role/r/s",
                        "arn:aws:sts::111122223333:federated-user/f",
                        "AIDACKCEVSQ6C2EXAMPLE",
                        "arn:aws-cn:iam::111122223333:root",
                    ],
                    "Service": ["ec2.amazonaws.com", "logs.eu-west-1.amazonaws.com"],
                    "Federated": "accounts.google.com",
                    "CanonicalUser": "79a59df900b949e5",
                }
            )
        ),
    ),
    (
        "NotPrincipal in a resource policy",
        "resource",
        document(good(Effect="Deny", NotPrincipal={"AWS": "111122223333"})),
    ),
    ("A trust policy", "trust", document(TRUST)),
    (
        "A trust policy for tags and identities",
        "trust",
        document(TRUST | {"Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}),
    ),
    ("A service control policy", "scp", document(good(Effect="Deny", Action=None, NotAction=["iam:*"]))),
    (
        "A condition on a provider's key",
        "trust",
        document(TRUST | {"Condition": {"StringEquals": {"accounts.google.com:aud": "x"}}}),
    ),
    (
        "Numbers and booleans as values",
        "identity",
        when({"NumericLessThan": {"a:b": [1, 2.5]}, "Bool": {"a:c": True}}),
    ),
]


@pytest.mark.parametrize(("sentence", "kind", "text"), VALID, ids=[case[0] for case in VALID])
def test_valid_policy(sentence, kind, text):
    policy = parse_policy(json.dumps(text), kind)
    assert policy.kind == kind
    assert policy.statements


def test_a_policy_names_the_context_keys_it_reads():
    block = {"StringLike": {"s3:prefix": "${aws:username}/*"}, "Bool": {"aws:SecureTransport": "true"}}
    policy = parse_policy(
        document(good(Resource="arn:aws:s3:::b/${aws:PrincipalTag/Team}", Condition=block)), "identity"
    )
    assert policy.context_keys == {
        "s3:prefix",
        "aws:username",
        "aws:SecureTransport",
        "aws:PrincipalTag/Team",
    }


def test_an_error_reads_as_a_sentence_with_its_place():
    with pytest.raises(
        PolicyError, match=r"^Syntax errors in policy. \(statement 2: Effect must be Allow or Deny\)$"
    ):
        parse_policy(document(GOOD, good(Effect="Maybe")), "identity")


@pytest.mark.parametrize(("version", "allowed"), [("2008-10-17", False), ("2012-10-17", True)])
def test_variables_are_plain_text_in_the_old_version(version, allowed):
    row = good(Principal="*", Resource="arn:aws:s3:::b/${aws:username}")
    policy = parse_policy(document(row, version=version), "resource")
    alice = Principal("user", "arn:aws:iam::111122223333:user/alice", "111122223333")
    request = Request(alice, "s3:GetObject", "arn:aws:s3:::b/alice")
    assert evaluate(request, PolicySet(resource=AttachedPolicy("bucket", policy))).allowed is allowed


def test_a_stored_document_is_compiled_once():
    text = json.dumps(document(GOOD))
    assert compiled_policy(text, "identity") is compiled_policy(text, "identity")
    assert compiled_policy(text, "scp").kind == "scp"


def test_an_unknown_kind_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="is not a kind of policy"):
        parse_policy(document(GOOD), "bucket")
