"""Patterns: what RE2 takes, names of groups, globs, and texts that every match must have in it."""

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from coldframe.services.logs.insights import regexes
from coldframe.services.logs.insights.errors import QueryError, Span


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("status=5\\d\\d", "status=5"), ("ERROR.*status", "status"), ("a|bcd", ""), ("(?i)abc", ""), ("abc?d", "ab"),
        ("x(abc)?yz", "yz"), ("[abc]def", "def"), ("a\\.b", "a.b"), ("ab{2}cd", "cd"), ("(abc)", ""), ("\\x41bc", "bc"),
        ("\\x{41}bc", "bc"), ("[]a]bc", "bc"), ("[^]]bc", "bc"), ("[[:alpha:]]xyz", "xyz"), ("\\Qa.b\\Ecd", "cd"),
        ("\\pLxy", "xy"), ("\\101bc", "bc"), ("a+b+", ""), ("^abc$", "abc"), ("", ""), ("a{", ""),
    ],
)  # fmt: skip
def test_the_longest_text_that_must_be_there(pattern, literal):
    assert regexes.required(pattern) == literal


@settings(max_examples=500, deadline=None)
@given(
    st.text(st.sampled_from("ab.*+?[](){}\\^$|-x4Q0:,E1"), max_size=12),
    st.lists(st.text(st.sampled_from("ab.x41E-"), max_size=6), max_size=4),
)
def test_no_match_is_lost_by_looking_for_a_text_first(pattern, texts):
    try:
        spelled = regexes.checked(pattern, Span(0, 0))
    except QueryError:
        return
    literal = regexes.required(pattern)
    for text in [*texts, pattern]:
        if re2.search(spelled, text):
            assert literal in text


def test_group_names_are_those_written():
    assert regexes.group_names(r"(?<a>x)(?P<@b>y)\(?<c>(z)") == ["a", "@b"]
    assert regexes.group_places("(x)(?<a>y)") == ([2], 2)
