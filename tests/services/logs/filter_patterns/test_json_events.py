"""JSON filter patterns, case by case from "Filter pattern syntax", sections on JSON log events."""

import json

import pytest

from coldframe.services.logs.filter_patterns import InvalidPattern, compile_pattern

TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "ThatFlag": False,
        "cluster.name": "c",
        "detail-type": "d",
        "text400": "400",
        "nested": {"deep.er": {"key": "found"}},
    }
)
USERS = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)
NUMBERS = json.dumps(
    {
        "latency": 1500,
        "bandwidth": 80,
        "numbers": [0.001, 5],
        "errorCode": 400,
        "big": 12345678901234567891,
        "processes": [{}, {}, {}, {}, {"averageRuntime": 55.5}],
        "negative": -3,
    }
)

CASES = [
    # event, patterns that match, patterns that do not
    (
        TRAIL,
        [
            '{ $.eventType = "UpdateTrail" }',
            "{$.eventType=UpdateTrail}",
            "{ $.eventType = Update* }",
            '{ $.eventType = "*Trail" }',
            "{ $.eventType = *dateT* }",
            "{ $.eventType = * }",
            "{ $.eventType = %Trail% }",
            "{ $.eventType != %^Trail% }",
            "{ $.eventType != Delete* }",
            "{ $.sourceIPAddress != 123.123.* }",
            "{ $.sourceIPAddress = 111.111.* }",
            r"{ $.sourceIPAddress = %111\.111\.111\.1[0-9]{1,2}% }",
            '{ $.arrayKey[0] = "value" }',
            '{ $.arrayKey[*] = "another value" }',
            "{ $.arrayKey[*] = %val.{2}% }",
            '{ $.arrayKey[*] != "value" }',
            "{ $.objectList[1].id = 2 }",
            "{ $.objectList[*].id = 2 }",
            "{ $.SomeObject IS NULL }",
            "{ $.SomeOtherObject NOT EXISTS }",
            "{ $.objectList[2] NOT EXISTS }",
            "{ $.objectList[*].colour NOT EXISTS }",
            "{ $.ThisFlag IS TRUE }",
            "{ $.ThatFlag IS FALSE }",
            "{ $.['cluster.name'] = \"c\" }",
            "{ $['cluster.name'] = c }",
            "{ $.nested.['deep.er'].key = found }",
            "{ $.detail-type = d }",
            "{ $.text400 = 400 }",
            "{ $.missing NOT EXISTS || $.missing != 1 }",
        ],
        [
            '{ $.eventType = "updatetrail" }',
            "{ $.eventType = Update }",
            "{ $.eventType = Up*Trail }",
            "{ $.eventType != * }",
            "{ $.sourceIPAddress != 111.111.* }",
            '{ $.arrayKey = "value" }',
            '{ $.arrayKey != "value" }',
            "{ $.arrayKey = * }",
            "{ $.objectList != 1 }",
            '{ $.arrayKey[2] = "value" }',
            '{ $.eventType[0] = "U" }',
            "{ $.eventType.id = 2 }",
            "{ $.objectList.id = 2 }",
            "{ $.SomeObject NOT EXISTS }",
            "{ $.eventType IS NULL }",
            "{ $.SomeOtherObject IS NULL }",
            "{ $.SomeOtherObject = * }",
            "{ $.SomeOtherObject != 1 }",
            "{ $.SomeOtherObject != %x% }",
            "{ $.SomeObject != 1 }",
            "{ $.SomeObject = null }",
            "{ $.ThisFlag IS FALSE }",
            "{ $.ThisFlag = true }",
            "{ $.ThisFlag = 1 }",
            "{ $.ThisFlag != 2 }",
            "{ $.ThatFlag IS TRUE }",
            "{ $.cluster.name = c }",
            "{ $.text400 >= 400 }",
            "{ $.eventType > 1 }",
        ],
    ),
    (
        USERS,
        [
            '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }',
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
            "{ $.coordinates[1][2] = 6 }",
            "{ $.coordinates[*][2] = 9 }",
            "{ $.actions[*] = P* }",
            "{ $.user.id = 9 || $.user.id = 8 || $.user.id = 1 }",
            "{ $.user.id = 1 && $.users[0].id = 2 && ($.users[1].id = 3) }",
        ],
        [
            '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }',
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
            "{ $.users = 1 }",
            "{ $.users != 1 }",
            "{ $.user.id = 9 || $.user.id = 8 || $.user.id = 7 }",
            "{ $.user.id = 1 && $.users[0].id = 2 && $.users[1].id = 4 }",
        ],
    ),
    (
        NUMBERS,
        [
            "{ $.latency >= 500 }",
            "{ $.latency > +1000 }",
            "{ $.latency = 1.5e3 }",
            "{ $.latency = 15* }",
            "{ $.bandwidth > 75 }",
            "{ $.numbers[0] < 10e3 }",
            "{ $.numbers[0] < 10e-3 }",
            "{ $.numbers[0] = 1e-3 }",
            "{ $.numbers[0] != 1e+3 }",
            "{ $.processes[4].averageRuntime <= 55.5 }",
            "{ $.errorCode = 400 }",
            "{ $.errorCode = 400.0 }",
            '{ $.errorCode = "400" }',
            "{ $.errorCode != 500 }",
            "{ $.errorCode = %^4[0-9]+$% }",
            "{ $.big = 12345678901234567891 }",
            "{ $.big != 12345678901234567892 }",
            "{ $.negative < -2.5 }",
        ],
        [
            "{ $.latency < 1500 }",
            "{ $.latency > 1500 }",
            "{ $.latency != 1.5e3 }",
            "{ $.bandwidth <= 75 }",
            "{ $.errorCode = 500 }",
            "{ $.errorCode != 400 }",
            "{ $.errorCode = 5* }",
            "{ $.missing < 1 }",
            "{ $.missing != 1 }",
            "{ $.processes > 1 }",
        ],
    ),
]


@pytest.mark.parametrize(
    ("event", "pattern", "expected"),
    [(event, text, True) for event, matching, _ in CASES for text in matching]
    + [(event, text, False) for event, _, others in CASES for text in others],
)
def test_matches_what_the_documentation_says(event: str, pattern: str, expected: bool) -> None:
    compiled = compile_pattern(pattern)

    assert compiled.matches(event) is expected
    assert (compiled.match(event) is not None) is expected
    assert compiled.kind == "json"


def test_alternatives_of_one_property() -> None:
    events = ['{"foo": "bar"}', '{"foo": "baz"}', '{"foo": "qux"}']

    assert compile_pattern("{$.foo = bar}").select(events) == [0]
    assert compile_pattern("{$.foo = baz }").select(events) == [1]
    assert compile_pattern("{$.foo = bar || $.foo = baz }").select(events) == [0, 1]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "plain text",
        "[1]",
        "1",
        "null",
        '"a"',
        '{"a": 1',
        '{"a": 1} trailing',
        "{'a': 1}",
        '{"a": NaN}',
        "x {}",
    ],
)
@pytest.mark.parametrize("pattern", ["{ $.a = * }", "{ $.a NOT EXISTS }", "{ $.a != 2 }"])
def test_a_message_that_is_no_json_object_never_matches(pattern: str, message: str) -> None:
    assert not compile_pattern(pattern).matches(message)
    assert compile_pattern(pattern).match(message) is None


def test_escaped_text_is_compared_unescaped() -> None:
    event = '{"\\u0061": "\\u0055pdate\\nTrail", "path": "C:\\\\temp", "quote": "\\"hi\\""}'

    assert compile_pattern("{ $.a = Update* }").matches(event)
    assert compile_pattern(r'{ $.path = "C:\\temp" }').matches(event)
    assert compile_pattern(r'{ $.quote = "\"hi\"" }').matches(event)


def test_extracts_the_selected_scalars() -> None:
    pattern = compile_pattern(
        "{ $.eventType = * && $.objectList[1].id = 2 && $.ThisFlag IS TRUE && $.SomeObject IS NULL && $.no NOT EXISTS }"
    )

    match = pattern.match(TRAIL)

    assert match is not None
    assert match.extracted_values == {
        "$.eventType": "UpdateTrail",
        "$.objectList[1].id": "2",
        "$.ThisFlag": "true",
        "$.SomeObject": "null",
    }
    assert match.value("$.sourceIPAddress") == "111.111.111.111"
    assert match.value("$.arrayKey[*]") == "value"
    assert match.value("$.arrayKey") is None
    assert match.value("$.nothing.there") is None


@pytest.mark.parametrize(
    "pattern",
    [
        "{",
        "{}",
        "{ }",
        "{ $ = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ a = 1 }",
        "{ $.a == 1 }",
        "{ $.a = 1 & $.b = 2 }",
        "{ $.a = 1 && }",
        "{ || $.a = 1 }",
        "{ ($.a = 1 }",
        "{ $.a = 1) }",
        "{ $.a < x }",
        "{ $.a < 1* }",
        "{ $.a > %1% }",
        '{ $.a >= "1" }',
        "{ $.a IS }",
        "{ $.a IS MAYBE }",
        "{ $.a IS NOT NULL }",
        "{ $.a EXISTS }",
        "{ $[0] = 1 }",
        "{ $.a[x] = 1 }",
        "{ $.a[-1] = 1 }",
        "{ $.a.* = 1 }",
        "{ $.a = user@example.com }",
        "{ $.a = grün }",
        '{ $.a = "open }',
        "{ $.a = two words }",
        "{ " + "(" * 500 + "$.a = 1" + ")" * 500 + " }",
    ],
)
def test_broken_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern, match="Invalid filter pattern: "):
        compile_pattern(pattern)
