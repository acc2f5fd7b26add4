"""Space-delimited filter patterns, case by case from "Filter pattern syntax" and TestMetricFilter's examples."""

import pytest

from coldframe.services.logs.filter_patterns import InvalidPattern, compile_pattern
from coldframe.services.logs.filter_patterns.space_delimited import split_fields

GIF_200 = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534'
GIF_500 = '127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /apache_pb.gif HTTP/1.0" 500 5324'
GIF_LARGE = '127.0.0.1 - frank [10/Oct/2000:13:50:35 -0700] "GET /apache_pb.gif HTTP/1.0" 200 4355'
HTML_404 = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /products/index.html HTTP/1.0" 404 1534'
HTML_403 = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 403 900'
THREE, ERROR, WARN = "ERROR WARN message", "ERROR message", "WARN message"
FAILED = "ERROR 09/25/2014 12:00:02 Failed to process request"
LAMBDA = "2016-01-01T00:00:00.000Z 1f2e-3d4c {}"
ACCESS = [GIF_200, GIF_500, GIF_LARGE, HTML_404, HTML_403]

CASES = [
    # pattern, messages that match, messages that do not
    ("[ip, user, username, timestamp, request, status_code, bytes]", [*ACCESS, GIF_200 + " more"], [THREE, ""]),
    ("[..., status_code, bytes]", [*ACCESS, THREE, "two fields"], ["one", ""]),
    ("[ip, user, ..., status_code, bytes]", ACCESS, [THREE]),
    ("[ip, user, ...]", [*ACCESS, THREE, ERROR], ["one"]),
    ("[...]", [*ACCESS, ""], []),
    (
        "[ip, user, username, timestamp, request, status_code, bytes > 1000]",
        [GIF_200, GIF_500, GIF_LARGE, HTML_404],
        [HTML_403],
    ),
    (
        "[ip, user, username, timestamp, request, status_code = 200, bytes]",
        [GIF_200, GIF_LARGE],
        [GIF_500, HTML_404],
    ),
    (
        "[ip, user, username, timestamp, request, status_code = 4*, bytes]",
        [HTML_404, HTML_403],
        [GIF_200, GIF_LARGE],
    ),
    (
        "[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
        [HTML_404, HTML_403],
        [GIF_200, HTML_404.replace("html", "png")],
    ),
    (
        "[ip, user, username, timestamp, request, status_code = 4* && bytes > 1000]",
        [HTML_404],
        [HTML_403, GIF_LARGE],
    ),
    (
        "[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]",
        [HTML_404],
        [HTML_403, GIF_200],
    ),
    ("[IP, UserInfo, User, Timestamp, RequestInfo, StatusCode=404, Bytes]", [HTML_404], [HTML_403, GIF_200]),
    ("[..., request=*.html*, status_code=4*,]", [HTML_404, HTML_403], [GIF_200]),
    (r"[ip=%127\.0\.0\.[1-9]%, user, ..., bytes]", [GIF_200], [GIF_200.replace("127", "128", 1)]),
    ("[..., status != %^[45]%, bytes]", [GIF_200], [GIF_500, HTML_404]),
    ("[w1=ERROR, w2]", [ERROR, THREE, FAILED], [WARN, "ERROR"]),
    ("[w1=ERROR || w1=WARN, w2]", [ERROR, WARN, THREE], ["INFO message"]),
    ("[w1!=ERROR&&w1!=WARN, w2]", ["INFO message"], [ERROR, WARN, THREE]),
    ("[w1=ERROR || (w1=WARN && w2=mess*), w2]", [ERROR, WARN], ["WARN other"]),
    ('[timestamp=*Z, request_id="*-*", event]', [LAMBDA], ["START RequestId: 1"]),
    ('[label="Used:", value >= 1.5e2, unit]', ["Used: 150 MB", "Used: 1024.5 MB"], ["Used: 149 MB", "Used: x MB", "Free: 200 MB"]),
    ("[a=1, b]", ["1 x", "1.0 x", "+1 x"], ["2 x", "one x"]),
    ("[a!=1, b]", ["2 x", "one x"], ["1 x", "1.0 x"]),
    ('[a="1", b]', ["1 x"], ["1.0 x"]),
    ('[a="two words", b]', ['"two words" x', "[two words] x"], ["two words x"]),
    ('[a="", b]', ['"" x', "[] x"], ["x y"]),
    ("[a <= 5, b < 5, c >= 5]", ["5 4 5"], ["5 5 5", "6 4 5", "nan 4 5", "1_0 4 5"]),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "matching", "others"), CASES)
def test_matches_what_the_documentation_says(pattern: str, matching: list[str], others: list[str]) -> None:
    compiled = compile_pattern(pattern)

    assert [message for message in matching + others if compiled.matches(message)] == matching
    assert [message for message in matching + others if compiled.match(message)] == matching
    assert compiled.kind == "space-delimited"
    assert all(literal in message for literal in compiled.required_literals for message in matching)


NAMED = {
    "$ip": "127.0.0.1",
    "$identity": "-",
    "$user_id": "frank",
    "$timestamp": "10/Oct/2000:13:25:15 -0700",
    "$request": "GET /apache_pb.gif HTTP/1.0",
    "$status_code": "200",
    "$size": "1534",
}
NUMBERED = {
    "$1": "127.0.0.1",
    "$2": "-",
    "$3": "frank",
    "$4": "10/Oct/2000:13:25:15 -0700",
    "$5": "GET /apache_pb.gif HTTP/1.0",
    "$6": "200",
    "$7": "1534",
}


def renamed(**names: str) -> dict[str, str]:
    """Return the numbered fields with some of them named: `p7="size"`."""
    places = {f"${key[1:]}": f"${name}" for key, name in names.items()}
    return {places.get(key, key): value for key, value in NUMBERED.items()}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, identity, user_id, timestamp, request, status_code, size]", NAMED),
        ("[..., size]", renamed(p7="size")),
        ("[..., status_code=200, size]", renamed(p6="status_code", p7="size")),
        ("[ip, ..., size]", renamed(p1="ip", p7="size")),
        ("[ip, ...]", renamed(p1="ip")),
        ("[, , user, ...]", renamed(p3="user")),
        ("[..., status_code = 2* && size > 1000]", renamed(p6="status_code", p7="size")),
        ("[...]", NUMBERED),
    ],
)
def test_extracts_every_field_by_name_or_position(pattern: str, expected: dict[str, str]) -> None:
    match = compile_pattern(pattern).match(GIF_200)

    assert match is not None
    assert match.extracted_values == expected


def test_extracts_the_fields_of_the_documentation_s_last_example() -> None:
    match = compile_pattern("[..., request=*.html*, status_code=4*,]").match(HTML_404)

    assert match is not None
    assert match.extracted_values == {
        "$status_code": "404",
        "$request": "GET /products/index.html HTTP/1.0",
        "$7": "1534",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$3": "frank",
        "$2": "-",
        "$1": "127.0.0.1",
    }
    assert match.value("$7") == "1534"
    assert match.value("$8") is None


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("", []),
        ("  a \t b\n", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        ("[a b] c", ["a b", "c"]),
        ('"[a b]" ["c d"]', ["[a b]", '"c d"']),
        ('"" [] x', ["", "", "x"]),
        ('a "open b', ["a", '"open', "b"]),
        ("a [open b", ["a", "[open", "b"]),
        ("[a b] [open c", ["a b", "[open", "c"]),
        ("x] [open c", ["x]", "[open", "c"]),
        ('[a b] "c d" [open "e f"', ["a b", "c d", "[open", "e f"]),
        ('key="a b"', ['key="a', 'b"']),
        ("[a][b c]d", ["a", "b c", "d"]),
        ('"a b', ['"a', "b"]),
        ('"', ['"']),
        ("] [ ]", ["]", " "]),
    ],
)
def test_quotation_marks_and_brackets_make_one_field(message: str, fields: list[str]) -> None:
    assert split_fields(message) == fields


@pytest.mark.parametrize(
    "pattern",
    [
        "[",
        "[a",
        "[a, b] c",
        "[a b]",
        "[a, ..., b, ...]",
        "[a, a]",
        "[a, a=1]",
        "[a=]",
        "[=1]",
        "[a=1 &&]",
        "[a=1 || ]",
        "[(a=1]",
        "[a>x]",
        "[a>4*]",
        "[a=!ERROR]",
        "[a==1]",
        "[....]",
        "[$a]",
        '[a="open]',
        "[a=user@example.com]",
    ],
)
def test_broken_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern, match="Invalid filter pattern: "):
        compile_pattern(pattern)


def test_the_last_field_takes_the_rest_of_the_message() -> None:
    match = compile_pattern("[ip, user, rest]").match(GIF_200)
    assert match is not None
    assert match.extracted_values["$rest"] == GIF_200.split(" ", 2)[2]
    event = compile_pattern('[timestamp=*Z, request_id="*-*", event]').match(LAMBDA[:-2] + '{"a": "b c"}')
    assert event is not None
    assert event.extracted_values["$event"] == '{"a": "b c"}'


def test_required_literals_are_texts_every_match_holds() -> None:
    assert compile_pattern("[w1=ERROR, w2=*html*, w3=404]").required_literals == ("ERROR", "html")
    assert compile_pattern("[w1=ERROR || w1=WARN, w2!=x]").required_literals == ()
    assert compile_pattern("[w1=ERROR, w2]").field_names == {"$w1", "$w2"}
