"""Unstructured filter patterns, case by case from "Filter pattern syntax", section on terms."""

import pytest

from coldframe.services.logs.filter_patterns import InvalidPattern, compile_pattern

BAD_REQUEST = "[ERROR 400] BAD REQUEST"
UNAUTHORIZED = "[ERROR 401] UNAUTHORIZED REQUEST"
MISSING = "[ERROR 419] MISSING ARGUMENTS"
INVALID = "[ERROR 420] INVALID ARGUMENTS"
INTERNAL = "[ERROR 500] INTERNAL SERVER ERROR"
AUTHORIZED = "[SUCCESS 200] AUTHORIZED REQUEST"
FAILED = "[INFO] REQUEST FAILED"
WARNED = "[WARN] UNAUTHORIZED REQUEST"
FATAL = "[ERROR] A fatal exception has occurred"
EXITING = "Exiting with ERRORCODE: -1"
BOTH, ONLY_ERROR, ONLY_WARN = "ERROR WARN message", "ERROR message", "WARN message"

CASES = [
    # pattern, messages that match, messages that do not
    ("", [BAD_REQUEST, "", "anything"], []),
    ("   ", [BAD_REQUEST, ""], []),
    ('" "', [BAD_REQUEST, "", "oneword"], []),
    (
        "ERROR",
        [BAD_REQUEST, UNAUTHORIZED, MISSING, INVALID, FATAL, EXITING],
        [AUTHORIZED, "error in lower case"],
    ),
    ('"ERROR"', [FATAL, EXITING], [AUTHORIZED]),
    ("ERROR ARGUMENTS", [MISSING, INVALID], [BAD_REQUEST, UNAUTHORIZED, "ARGUMENTS alone"]),
    ("ERROR Exception", ["[ERROR] Caught IllegalArgumentException", "[ERROR] Unhandled Exception"], [FATAL]),
    (
        "Failed to process the request",
        ["[WARN] Failed to process the request", "[ERROR] Unable to continue: Failed to process the request"],
        ["[WARN] Failed to process"],
    ),
    ("?ERROR ?ARGUMENTS", [BAD_REQUEST, UNAUTHORIZED, MISSING, INVALID, "ARGUMENTS alone"], [AUTHORIZED]),
    ("?ERROR ?ARGUMENTS REQUEST", [FAILED, WARNED, BAD_REQUEST], [MISSING, INVALID]),
    ("?ERROR ?WARN -message", ["nothing of either"], [BOTH, ONLY_ERROR, ONLY_WARN]),
    ("?ERROR", [ONLY_ERROR], [ONLY_WARN]),
    ("?a ?b ?c", ["xxcxx", "b"], ["xyz"]),
    ("?ERROR ?WARN", [BOTH, ONLY_ERROR, ONLY_WARN], ["INFO message"]),
    ("ERROR WARN", [BOTH], [ONLY_ERROR, ONLY_WARN]),
    ("ERROR -WARN", [ONLY_ERROR], [BOTH, ONLY_WARN]),
    ("one two three", ["three two one"], ["one two", "three"]),
    ('"INTERNAL SERVER ERROR"', [INTERNAL], ["[ERROR 500] INTERNAL ERROR ON SERVER"]),
    ("ERROR -ARGUMENTS", [BAD_REQUEST, UNAUTHORIZED], [MISSING, INVALID]),
    ("ERROR -Exiting", [FATAL], [EXITING]),
    ('"ERROR" - "Exiting"', [FATAL], [EXITING]),
    ("-ARGUMENTS", [BAD_REQUEST, AUTHORIZED], [MISSING]),
    ("-one -two -three", ["four"], ["a one", "a two", "a three"]),
    ('-"level: ERROR"', ["level: WARN"], ["level: ERROR"]),
    ('?"level: ERROR" ?"level: WARN"', ["level: WARN", "level: ERROR"], ["level ERROR"]),
    (r'"say \"hi\""', ['say "hi" twice'], ["say hi"]),
    (r'"C:\\temp"', [r"in C:\temp now"], [r"C:temp"]),
    ("under_score 42", ["under_score=42"], ["under score 42"]),
    ("%AUTHORIZED%", [UNAUTHORIZED, AUTHORIZED], [BAD_REQUEST]),
    ("ERROR %4[0-9]{2}%", [BAD_REQUEST, MISSING], [INTERNAL, "WARN 404"]),
    ("-%AUTH[OR]+%", [BAD_REQUEST], [UNAUTHORIZED]),
    ("?%^WARN% ?%message$%", [ONLY_WARN, ONLY_ERROR], ["the end"]),
]


@pytest.mark.parametrize(("pattern", "matching", "others"), CASES)
def test_matches_what_the_documentation_says(pattern: str, matching: list[str], others: list[str]) -> None:
    compiled = compile_pattern(pattern)

    assert [message for message in matching + others if compiled.matches(message)] == matching
    assert compiled.select(matching + others) == list(range(len(matching)))
    assert compiled.kind == "terms"
    assert all(literal in message for literal in compiled.required_literals for message in matching)


def test_extracts_nothing() -> None:
    match = compile_pattern("ERROR").match(BAD_REQUEST)

    assert match is not None
    assert match.extracted_values == {}
    assert match.value("$1") is None
    assert compile_pattern("ERROR").match(AUTHORIZED) is None


@pytest.mark.parametrize(
    "pattern", ["ERROR:", "foo.bar", "a-b", "user@example.com", "ERR*", "(ERROR)", "a,b", "404!"]
)
def test_terms_of_other_characters_need_quotation_marks(pattern: str) -> None:
    with pytest.raises(InvalidPattern) as raised:
        compile_pattern(pattern)

    assert raised.value.message == f"Invalid character(s) in term '{pattern}'"
    assert compile_pattern(f'"{pattern}"').matches(f"x {pattern} y")


@pytest.mark.parametrize(
    "pattern",
    ['"open', '"a""b"', '"a"b', "?", "-", "a -", "%open", "? ERROR", "--a", '"ends with \\"', "%a%b"],
)
def test_broken_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern) as raised:
        compile_pattern(pattern)

    assert raised.value.message.startswith(("Invalid filter pattern: ", "Invalid character(s) in term "))


def test_required_literals_are_the_included_terms() -> None:
    assert compile_pattern('ERROR "two words" -not ?maybe').required_literals == ("ERROR", "two words")
    assert compile_pattern("?one ?two").required_literals == ()
    assert compile_pattern("?one").required_literals == ("one",)
    assert compile_pattern("-one").required_literals == ()
    assert compile_pattern("%requests?%").required_literals == ("request",)
