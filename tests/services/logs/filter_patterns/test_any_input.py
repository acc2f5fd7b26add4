"""Filter patterns under any input: they compile or are refused, never fail in matching, and take linear time."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldframe.services.logs.filter_patterns import InvalidPattern, compile_pattern
from coldframe.services.logs.filter_patterns.comparisons import read_comparison, text_test
from coldframe.services.logs.filter_patterns.scanner import Scanner

PIECES = [
    "{", "}", "[", "]", "(", ")", "$", "$.a", "$.b.c[0]", "$.a[*]", "$.['x y']", "=", "!=", "<", ">=", "&&", "||", " ",
    ",", "...", "?", "-", "%", "%a+%", '"', "\\", "*", "a", "w1", "1", "-2.5e3", "IS TRUE", "NOT EXISTS", "é", "\ud800",
]  # fmt: skip
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from("abcx"), children, max_size=3)
    ),
    max_leaves=8,
)
PATTERNS = (
    st.text(max_size=40)
    | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    | st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "{ $.a " + "".join(pieces) + " }")
    | st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "[w1" + "".join(pieces) + "]")
)
MESSAGES = (
    st.text(alphabet=st.characters(), max_size=40)
    | st.text(alphabet='ab "[]{}:,1\\%', max_size=40)
    | st.dictionaries(st.sampled_from("abcx"), JSON_VALUES, max_size=3).map(json.dumps)
)


@given(PATTERNS, st.lists(MESSAGES, max_size=4))
@settings(max_examples=600, deadline=None)
def test_every_text_compiles_or_is_refused_and_matching_never_raises(
    pattern: str, messages: list[str]
) -> None:
    try:
        compiled = compile_pattern(pattern)
    except InvalidPattern as error:
        assert error.message
        return
    chosen = compiled.select(messages)

    for index, message in enumerate(messages):
        match = compiled.match(message)
        assert (match is not None) == compiled.matches(message) == (index in chosen)
        if match is not None:
            assert all(literal in message for literal in compiled.required_literals)
            assert all(isinstance(value, str) for value in match.extracted_values.values())


@given(
    st.dictionaries(st.sampled_from("abc"), JSON_VALUES, max_size=3),
    st.sampled_from("abc"),
    st.text(max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_a_json_pattern_finds_equal_strings_however_they_are_escaped(
    event: dict[str, object], key: str, text: str
) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    pattern = compile_pattern(f'{{ $.{key} = "{quoted}" }}')
    event[key] = text
    surrogates = any("\ud800" <= character <= "\udfff" for character in json.dumps(event, ensure_ascii=False))

    assert surrogates or pattern.matches(json.dumps(event))
    assert surrogates or pattern.matches(json.dumps(event, ensure_ascii=False))


@given(st.text(alphabet="ab*", max_size=6), st.text(alphabet="ab*", max_size=6))
def test_wildcards_stand_at_the_ends_only(text: str, value: str) -> None:
    inner = text.strip("*")
    found = [start for start in range(len(value) + 1) if value.startswith(inner, start)]
    if not text.startswith("*"):
        found = [start for start in found if start == 0]
    if not text.endswith("*"):
        found = [start for start in found if start + len(inner) == len(value)]

    assert text_test(read_comparison(Scanner(f'= "{text}"')))(value) is bool(found)


# No pattern here has a literal that the messages lack: the cheap test for literals must not spare the real work.
ADVERSARIAL = [
    ("[..., a!=x]", "[ " * 200_000),
    ("[..., a!=x]", '"' * 400_000),
    ("[..., a!=x]", "] [" * 150_000),
    ("[..., a!=x]", '" [' * 150_000),
    ("%a*a*a*a*a*[b]%", "a" * 400_000),
    ("%[ab]+[ab]+[ab]+[c]%", "ab" * 200_000),
    ("{ $.a = *x* }", '{"a":' * 80_000),
    ("{ $.a = *x* }", '{"a":"' + "x" * 400_000),
    ("{ $.a[*][*][*] = 2 }", '{"a":[[[' + "1," * 200_000 + "1]]]}"),
    ("aaaaaaaaaab -aaaaaaaaaac", "a" * 400_000),
    ("{ $.a = %.*.*.*[x]$% }", '{"a":"' + "y" * 400_000 + '"}'),
]


@pytest.mark.parametrize(("pattern", "message"), ADVERSARIAL)
def test_hostile_messages_take_linear_time(pattern: str, message: str) -> None:
    compiled = compile_pattern(pattern)
    start = time.process_time()

    compiled.matches(message)

    assert time.process_time() - start < 1.0


OVERLONG_RUNS = ['"' * 1023, "%" * 1023, "{" * 1024, "[" * 1024, "(" * 1024, "-" * 1024, "? " * 512]
UNCLOSED = ["{" + "(" * 1022, "[" + "(" * 1022, "[" + "," * 1022, '"' + "\\" * 1022, "{ $.a = " + "\\" * 1000]
BROKEN_SELECTORS = ["{ $" + "[*]" * 340, "{ $" + ".['a" * 250]


@pytest.mark.parametrize("pattern", OVERLONG_RUNS + UNCLOSED + BROKEN_SELECTORS)
def test_hostile_patterns_are_refused_quickly(pattern: str) -> None:
    start = time.process_time()

    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)

    assert time.process_time() - start < 0.2


def test_a_long_chain_of_conditions_compiles() -> None:
    pattern = "{" + "||".join(["$.a=1"] * 140) + "||$.b=2}"

    assert compile_pattern(pattern).matches('{"b": 2}')
