"""ForAllValues and ForAnyValue, after the IAM User Guide's page on multivalued context keys."""

import pytest

K = "aws:TagKeys"
ALL, ANY = "ForAllValues:StringEquals", "ForAnyValue:StringEquals"

CASES = [
    # sentence, condition block, request context, whether it holds
    (
        "ForAllValues: every value of the request is listed",
        {ALL: {K: ["a", "b", "c"]}},
        {K: ["a", "b"]},
        True,
    ),
    ("ForAllValues: one value is not listed", {ALL: {K: ["a", "b"]}}, {K: ["a", "x"]}, False),
    ("ForAllValues: no value is listed", {ALL: {K: ["a", "b"]}}, {K: ["x", "y"]}, False),
    ("ForAllValues holds when the key is missing", {ALL: {K: ["a"]}}, {}, True),
    ("ForAllValues holds for the empty set", {ALL: {K: ["a"]}}, {K: []}, True),
    ("ForAllValues holds for an empty text", {ALL: {K: ["a"]}}, {K: ""}, True),
    ("ForAllValues of a single value", {ALL: {K: "a"}}, {K: "a"}, True),
    ("Null false closes the gap of ForAllValues", {ALL: {K: ["a"]}, "Null": {K: "false"}}, {}, False),
    ("ForAllValues with Null and a good value", {ALL: {K: ["a"]}, "Null": {K: "false"}}, {K: ["a"]}, True),
    ("ForAnyValue: one value is listed", {ANY: {K: ["a", "b"]}}, {K: ["x", "b"]}, True),
    ("ForAnyValue: no value is listed", {ANY: {K: ["a", "b"]}}, {K: ["x", "y"]}, False),
    ("ForAnyValue fails when the key is missing", {ANY: {K: ["a"]}}, {}, False),
    ("ForAnyValue fails for the empty set", {ANY: {K: ["a"]}}, {K: []}, False),
    ("ForAnyValue with IfExists and no key", {"ForAnyValue:StringEqualsIfExists": {K: ["a"]}}, {}, True),
    (
        "ForAnyValue with IfExists and a key",
        {"ForAnyValue:StringEqualsIfExists": {K: ["a"]}},
        {K: ["x"]},
        False,
    ),
    ("ForAllValues with IfExists", {"ForAllValues:StringEqualsIfExists": {K: ["a"]}}, {K: ["a", "x"]}, False),
    (
        "ForAllValues negated: no value is listed",
        {"ForAllValues:StringNotEquals": {K: ["a", "b"]}},
        {K: ["x", "y"]},
        True,
    ),
    (
        "ForAllValues negated: one value is listed",
        {"ForAllValues:StringNotEquals": {K: ["a", "b"]}},
        {K: ["x", "b"]},
        False,
    ),
    ("ForAllValues negated: key missing", {"ForAllValues:StringNotEquals": {K: ["a"]}}, {}, True),
    (
        "ForAnyValue negated: one value is not listed",
        {"ForAnyValue:StringNotEquals": {K: ["a", "b"]}},
        {K: ["a", "x"]},
        True,
    ),
    (
        "ForAnyValue negated: all values are listed",
        {"ForAnyValue:StringNotEquals": {K: ["a", "b"]}},
        {K: ["a", "b"]},
        False,
    ),
    ("ForAnyValue negated: key missing", {"ForAnyValue:StringNotEquals": {K: ["a"]}}, {}, False),
    ("ForAllValues:StringLike", {"ForAllValues:StringLike": {K: ["env-*"]}}, {K: ["env-a", "env-b"]}, True),
    (
        "ForAllValues:StringLike with a stranger",
        {"ForAllValues:StringLike": {K: ["env-*"]}},
        {K: ["env-a", "x"]},
        False,
    ),
    (
        "ForAnyValue:StringLike on organization paths",
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a/r-ab/ou-1/*"]}},
        {"aws:PrincipalOrgPaths": ["o-a/r-ab/ou-1/ou-2/"]},
        True,
    ),
    (
        "ForAnyValue:ArnLike",
        {"ForAnyValue:ArnLike": {"aws:x": "arn:aws:iam::*:role/a*"}},
        {"aws:x": ["arn:aws:iam::1:role/b", "arn:aws:iam::1:role/ab"]},
        True,
    ),
    (
        "ForAllValues:NumericLessThan",
        {"ForAllValues:NumericLessThan": {"a:n": "5"}},
        {"a:n": ["1", "6"]},
        False,
    ),
    (
        "ForAnyValue:IpAddress",
        {"ForAnyValue:IpAddress": {"a:ip": "10.0.0.0/8"}},
        {"a:ip": ["192.0.2.1", "10.1.2.3"]},
        True,
    ),
    ("ForAnyValue:Bool", {"ForAnyValue:Bool": {"a:b": "true"}}, {"a:b": ["false", "true"]}, True),
    ("Set operators take any case", {"forallvalues:stringequals": {K: ["a"]}}, {K: ["b"]}, False),
    ("Without a set operator any value may match", {"StringEquals": {K: "a"}}, {K: ["b", "a"]}, True),
    ("Without a set operator a negation needs all", {"StringNotEquals": {K: "a"}}, {K: ["b", "a"]}, False),
]


@pytest.mark.parametrize(("sentence", "block", "context", "expected"), CASES, ids=[case[0] for case in CASES])
def test_multivalued_key(sentence, block, context, expected, holds):
    assert holds(block, context) is expected, sentence
