"""Properties that hold for all policies: a Deny never grants, wildcards mean what they say, bad input is refused."""

import json
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldframe.identity.evaluate import AttachedPolicy, PolicySet, evaluate
from coldframe.identity.patterns import compile_arn, compile_text
from coldframe.identity.policies import parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.request import Principal, Request
from coldframe.identity.variables import parse_template

OWN, OTHER = "111122223333", "444455556666"
ALICE, ROLE = f"arn:aws:iam::{OWN}:user/alice", f"arn:aws:iam::{OWN}:role/r"
SESSION = f"arn:aws:sts::{OWN}:assumed-role/r/s"
PRINCIPALS = [
    Principal("user", ALICE, OWN, "AIDAALICEEXAMPLE00000", tags={"t": "a"}),
    Principal("role-session", SESSION, OWN, "AROAROLEEXAMPLE000000:s", issuer_arn=ROLE),
    Principal("federated-user", f"arn:aws:sts::{OWN}:federated-user/f", OWN, f"{OWN}:f", issuer_arn=ALICE),
    Principal("root", f"arn:aws:iam::{OWN}:root", OWN, OWN),
    Principal("service", "logs.amazonaws.com"),
    Principal("anonymous"),
]

actions = st.sampled_from(["s3:GetObject", "s3:Get*", "s3:*", "*", "ec2:*", "s3:Put?bject"])
resources = st.sampled_from(["*", "arn:aws:s3:::a", "arn:aws:s3:::a*", "arn:aws:s3:::${aws:PrincipalTag/t}"])
principals = st.sampled_from(
    ["*", {"AWS": OWN}, {"AWS": ALICE}, {"AWS": [ROLE, SESSION]}, {"Service": "logs.amazonaws.com"}]
)
conditions = st.sampled_from(
    [
        {},
        {"StringEquals": {"a:k": "1"}},
        {"StringNotEquals": {"a:k": "1"}},
        {"ForAllValues:StringLike": {"a:k": "1*"}},
        {"ForAnyValue:StringEqualsIfExists": {"a:k": ["1", "2"]}},
        {"Null": {"a:k": "true"}},
    ]
)


@st.composite
def statements(draw, *, principal=False, effects=("Allow", "Deny")):
    def element(name):
        return ("Not" if draw(st.integers(0, 4)) == 0 else "") + name

    statement = {
        "Effect": draw(st.sampled_from(effects)),
        element("Action"): draw(actions),
        element("Resource"): draw(resources),
        "Condition": draw(conditions),
    }
    if principal:
        statement[element("Principal")] = draw(principals)
    return statement


@cache
def _compiled(text, kind):
    return parse_policy(text, kind)


def policy_set(tables, required):
    def attached(kind):
        document = {"Version": "2012-10-17", "Statement": tables[kind]}
        return AttachedPolicy(kind, _compiled(json.dumps(document), kind))

    def some(kind):
        return [attached(kind)] if tables[kind] else []

    return PolicySet(
        identity=some("identity"),
        boundary=attached("boundary") if tables["boundary"] else None,
        session=some("session"),
        scps=[some("scp")] if tables["scp"] else [],
        rcps=[some("rcp")] if tables["rcp"] else [],
        resource=attached("resource") if tables["resource"] else None,
        resource_policy_required=required,
    )


KINDS = ["identity", "boundary", "session", "scp", "rcp", "resource"]
tables_of_policies = st.fixed_dictionaries(
    {kind: st.lists(statements(principal=kind in {"rcp", "resource"}), max_size=2) for kind in KINDS}
)
requests = st.builds(
    Request,
    st.sampled_from(PRINCIPALS),
    st.sampled_from(["s3:GetObject", "s3:PutObject", "ec2:RunInstances"]),
    st.sampled_from(["arn:aws:s3:::a", "arn:aws:s3:::ab", "*"]),
    st.sampled_from([OWN, OTHER]),
    st.sampled_from([{}, {"a:k": "1"}, {"a:k": ["1", "2"]}, {"a:k": []}]),
)


@settings(max_examples=400, deadline=None)
@given(st.data(), tables_of_policies, requests, st.sampled_from(KINDS), st.booleans())
def test_adding_a_deny_never_grants(data, tables, request_, kind, required):
    if not tables[kind]:
        tables = tables | {
            kind: data.draw(st.lists(statements(principal=kind in {"rcp", "resource"}), min_size=1))
        }
    before = evaluate(request_, policy_set(tables, required))
    deny = data.draw(statements(principal=kind in {"rcp", "resource"}, effects=("Deny",)))
    after = evaluate(request_, policy_set(tables | {kind: [*tables[kind], deny]}, required))
    assert before.allowed or not after.allowed
    assert not before.explicit_deny or after.explicit_deny


DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@settings(max_examples=300, deadline=None)
@given(tables_of_policies, requests, st.sampled_from(KINDS), st.booleans())
def test_a_deny_that_matches_denies_whatever_else_allows(tables, request_, kind, required):
    deny = DENY_ALL | ({"Principal": "*"} if kind in {"rcp", "resource"} else {})
    decision = evaluate(request_, policy_set(tables | {kind: [*tables[kind], deny]}, required))
    applies = kind in {"rcp", "resource"} or request_.principal.has_identity_policies
    assert decision.explicit_deny or not applies
    assert not (decision.allowed and applies)


@settings(max_examples=200, deadline=None)
@given(tables_of_policies, requests, st.booleans())
def test_a_decision_explains_itself(tables, request_, required):
    decision = evaluate(request_, policy_set(tables, required))
    assert (decision.message == "") is decision.allowed
    assert not (decision.allowed and decision.explicit_deny)
    assert decision.explicit_deny is bool(decision.matched and not decision.allowed)


@settings(max_examples=200, deadline=None)
@given(st.data(), tables_of_policies, requests, st.booleans())
def test_taking_an_allow_out_of_the_identity_policy_never_grants(data, tables, request_, required):
    allow = data.draw(statements(effects=("Allow",)))
    without = evaluate(request_, policy_set(tables, required))
    with_it = evaluate(request_, policy_set(tables | {"identity": [*tables["identity"], allow]}, required))
    assert with_it.allowed or not without.allowed


def reference_match(pattern, text):
    """Match by the definition, by a table over all prefixes."""
    row = [True] + [False] * len(text)
    for sign in pattern:
        following = [row[0] and sign == "*"]
        for place, character in enumerate(text):
            if sign == "*":
                following.append(row[place + 1] or following[place])
            else:
                following.append(row[place] and sign in ("?", character))
        row = following
    return row[-1]


def template(pattern):
    return parse_template(pattern, variables=True, wildcards=True)


@settings(max_examples=400, deadline=None)
@given(st.text("ab:*?\n", max_size=10), st.text("ab:\n", max_size=10))
@example("a*a", "a")
@example("*ab*ab", "ab")
@example("?*?", "a")
def test_text_patterns_match_as_defined(pattern, text):
    assert compile_text(template(pattern))(text) is reference_match(pattern, text)


segments = st.lists(st.sampled_from(["*", "a", "?", "a*", "*b", "", "?b*"]), min_size=6, max_size=8)
values = st.lists(st.sampled_from(["", "a", "b", "ab"]), min_size=6, max_size=8)


@settings(max_examples=400, deadline=None)
@given(segments, values)
def test_arn_patterns_match_segment_by_segment(pattern, text):
    expected = all(reference_match(p, t) for p, t in zip(pattern[:5], text[:5], strict=True))
    expected = expected and reference_match(":".join(pattern[5:]), ":".join(text[5:]))
    assert compile_arn(template(":".join(pattern)))(":".join(text)) is expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ELEMENTS = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
]
operators = st.sampled_from(
    [
        "StringLike",
        "NumericEquals",
        "DateLessThan",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "ArnLike",
        "Null",
        "x",
    ]
)
texts = st.text(max_size=12) | st.sampled_from(
    ["1", "2020-01-01", "true", "::1", "${", "${a}", "arn:aws:s3:::*"]
)
near_values = (
    json_values
    | st.sampled_from(["Allow", "Deny", "*", "s3:*", "arn:aws:s3:::b", ["*"], {"AWS": "*"}, {"AWS": [OWN]}])
    | st.dictionaries(
        operators, st.dictionaries(st.sampled_from(["a:b", "c"]), texts | json_values, max_size=2), max_size=2
    )
)
near_statements = st.dictionaries(st.sampled_from(ELEMENTS), near_values) | st.builds(
    lambda base, extra: {"Effect": "Allow", "Action": "a:b", "Resource": "*"} | base | extra,
    st.just({}) | st.just({"Principal": "*"}),
    st.dictionaries(st.sampled_from(ELEMENTS), near_values, max_size=2),
)
near_documents = st.fixed_dictionaries(
    {
        "Version": st.just("2012-10-17") | json_values,
        "Statement": near_statements | st.lists(near_statements) | json_values,
    }
)
kinds = st.sampled_from([*KINDS, "trust"])


@settings(max_examples=200, deadline=None)
@given(near_documents | json_values, kinds)
def test_parsing_any_json_raises_only_policy_errors(document, kind):
    try:
        policy = parse_policy(json.dumps(document), kind)
    except PolicyError as error:
        assert error.message
    else:
        request = Request(PRINCIPALS[0], "a:b", "arn:aws:s3:::b", OWN, {"a:b": ["1", "x", "2020-01-01"]})
        for statement in policy.statements:
            statement.matches(request)


@settings(max_examples=100, deadline=None)
@given(st.text(), kinds)
def test_parsing_any_text_raises_only_policy_errors(text, kind):
    with pytest.raises(PolicyError):
        parse_policy(text, kind)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20) | texts, st.text(max_size=20) | texts, operators)
def test_any_value_in_a_request_can_be_compared(wanted, given_value, operator):
    statement = {
        "Effect": "Allow",
        "Action": "a:b",
        "Resource": "*",
        "Condition": {operator: {"a:b": wanted}},
    }
    try:
        policy = parse_policy({"Version": "2012-10-17", "Statement": statement}, "identity")
    except PolicyError:
        return
    policy.statements[0].matches(Request(PRINCIPALS[0], "a:b", "*", OWN, {"a:b": given_value}))
