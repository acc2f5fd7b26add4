"""`parse` with a glob: an asterisk takes as little as it can, the one at the end everything."""

import re

import pytest

TEXTS = (
    "", "a", "ab", "ba", "aab", "abab", "a b", " ", "a1b2b\n3", "xa1bb2", "x=1 y=2 x=3 y=4 ", "x=1 x=2 y=3 ",
    "\u00e4a\u00f6b\U0001f600c", "a\U0001f600b", "x= y= ", "*a*b*", "a\x00b",
)  # fmt: skip


def matched(glob, text):
    """What a regular expression of the glob finds, by the name of its groups; nothing where it matches nothing."""
    parts = glob.split("*")
    expression = re.escape(parts[0])
    for number, part in enumerate(parts[1:], 1):
        last = number == len(parts) - 1 and not part
        expression += ("(.*)$" if last else "(.*?)") + re.escape(part)
    found = re.search(expression, text, re.DOTALL)
    return dict(enumerate(found.groups())) if found and found[0] else {}


@pytest.mark.parametrize(
    "glob",
    ["*", "a*", "*b", "*a", "a*b", "a*b*", "*a*b*", "**", "a**b", "a**", "x=* y=* ", "x=* x=*", "\U0001f600*", "* *", "a*\u00f6*c", "bb*"],
)  # fmt: skip
def test_a_glob_finds_what_its_expression_finds(run, glob):
    count = glob.count("*")
    names = ", ".join(f"f{number}" for number in range(count))
    messages = [(at, text) for at, text in enumerate(TEXTS)]
    rows = run(f'parse @message "{glob}" as {names} | fields @message | sort @timestamp asc', messages)
    shown = [{number: row[f"f{number}"] for number in range(count) if f"f{number}" in row} for row in rows]
    expected = [matched(glob, text) for text in TEXTS]
    assert shown == expected


def test_a_glob_is_looked_for_in_an_expression(run):
    (row,) = run("parse concat('<', @message, '>') '<*-*>' as a, b | fields a, b", ["x-y"])
    assert row == {"a": "x", "b": "y"}
