"""Regular expressions in filter patterns: the documentation's operators, its limits, and RE2 as the reference."""

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from coldframe.services.logs.filter_patterns import InvalidPattern, compile_pattern
from coldframe.services.logs.filter_patterns.regular_expressions import RegularExpression

CASES = [
    ("^[hc]at", ["hat", "cat", "hat stand"], ["that", "bat"]),
    ("[hc]at$", ["hat", "cat", "that"], ["hats", "bat"]),
    ("colou?r", ["color", "colour"], ["colouur"]),
    ("[abc]", ["a", "b", "xcx"], ["d"]),
    ("[a-z]", ["a", "m"], ["A", "7"]),
    ("[abcx-z]", ["b", "y"], ["d"]),
    ("a{3,5}", ["aaa", "aaaaa"], ["aa"]),
    ("gray|grey", ["gray", "grey"], ["gry"]),
    ("gra|ey", ["gray", "grey"], ["gry"]),
    (r"\[.\]", ["[a]", "[7]", "[@]", "[]]", "[ ]"], ["[]", "a"]),
    ("ab*c", ["ac", "abc", "abbbc"], ["ab"]),
    ("ab[0-9]*", ["ab", "ab0", "ab129"], ["a0"]),
    ("ab+c", ["abc", "abbc"], ["ac"]),
    (".at", ["hat", "cat", "bat", "4at", "#at", " at"], ["at"]),
    (r"10\.10\.0\.1", ["from 10.10.0.1"], ["10010,051"]),
    ("10.10.0.1", ["10.10.0.1", "10010,051"], ["10.10"]),
    (r"\d", ["7"], ["a"]),
    (r"^\D$", ["a"], ["7"]),
    (r"a\sb", ["a b", "a\tb", "a\nb"], ["ab"]),
    (r"a\Sb", ["a-b"], ["a b"]),
    (r"^\w+$", ["word_1"], ["two words"]),
    (r"\W", ["a b"], ["word"]),
    (r"level\x3A\x20ERROR", ["level: ERROR"], ["level ERROR"]),
    (r"\x28", ["("], [")"]),
    ("a:b_c#d=e@f/g;h,i-j", ["a:b_c#d=e@f/g;h,i-j"], ["a:b"]),
    ("^.$", ["é", "字"], ["", "ab"]),
]


@pytest.mark.parametrize(("source", "matching", "others"), CASES)
def test_operators_work_as_documented(source: str, matching: list[str], others: list[str]) -> None:
    compiled = compile_pattern(f"%{source}%")

    assert [text for text in matching + others if compiled.matches(text)] == matching


@pytest.mark.parametrize(
    "source",
    [
        "something!",
        "(a)",
        "a b",
        "é",
        'a"b',
        "a&b",
        "a<b",
        "~",
        "'",
        r"\b",
        r"\pL",
        r"\1",
        r"\xZZ",
        "a**",
        "[a",
        "a{2,1}",
        "\\",
        "",
    ],
)
def test_what_is_not_supported_is_refused(source: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(f"%{source}%")


@pytest.mark.parametrize(
    "form",
    ["%{0}% %{0}% %{0}%", "{{ $.a = %{0}% && $.b = %{0}% && $.c = %{0}% }}", "[a=%{0}%, b=%{0}%, c=%{0}%]"],
)
def test_a_pattern_holds_two_regular_expressions_at_most(form: str) -> None:
    with pytest.raises(InvalidPattern, match="more than 2 regular expressions"):
        compile_pattern(form.format("x"))


def test_an_expression_that_would_run_for_seconds_on_one_event_is_refused() -> None:
    with pytest.raises(InvalidPattern, match="repeats too much"):
        compile_pattern("%.{0,1000}.{0,1000}[xy].{0,1000}z%")

    assert compile_pattern("%x.{0,60}y[a-z]{0,200}z%").matches("x--y--xyaz")


def test_two_regular_expressions_are_allowed() -> None:
    assert compile_pattern("{ $.a = %x% && $.b != %y% }").matches('{"a": "xx", "b": "z"}')


@given(
    st.text(alphabet="ab0=.|[]^$?*+{}\\,1d", max_size=12),
    st.lists(st.text(alphabet="ab0=.d\n", max_size=12), max_size=8),
)
def test_answers_as_re2_does(source: str, texts: list[str]) -> None:
    try:
        expression = RegularExpression(source)
    except InvalidPattern:
        return
    options = re2.Options()
    options.log_errors = False
    reference = re2.compile(source, options)

    assert [expression.search(text) for text in texts] == [
        reference.search(text) is not None for text in texts
    ]
