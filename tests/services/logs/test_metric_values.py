"""Metric transformations: values, dimensions and default values as the user guide's metric filter pages say."""

import pytest

from coldframe.services.logs.filter_patterns import compile_pattern
from coldframe.services.logs.metric_values import InvalidTransformation, Observation, compile_transformation

LATENCY = '{"latency": 50, "requestType": "GET", "eventType": "UpdateTrail", "status": {"code": 200}}'
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 200 1534'
FIELDS = "[ip, server, username, timestamp, request, status_code, bytes]"


def observe(pattern: str, metric_value: str, message: str, **options: object) -> Observation | None:
    compiled = compile_pattern(pattern)
    match = compiled.match(message)
    assert match is not None
    return compile_transformation(compiled, metric_value, **options).observe(match)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "metric_value", "message", "expected"),
    [
        ("ERROR", "1", "an ERROR", 1.0),
        ("", "2.5", "anything", 2.5),
        ("", "-1e3", "anything", -1000.0),
        ("{ $.latency = * }", "$.latency", LATENCY, 50.0),
        ("{ $.latency = * }", "$.status.code", LATENCY, 200.0),
        ("{ $.latency = * }", "1", LATENCY, 1.0),
        ("{ $.latency = * }", "$.latency", '{"latency": "12.5"}', 12.5),
        ("{ $.latency = * }", "$.latency", '{"latency": -0.5}', -0.5),
        ("{ $.a[*] = * }", "$.a[1]", '{"a": [1, 7]}', 7.0),
        (FIELDS, "$bytes", ACCESS, 1534.0),
        ("[..., status_code, bytes]", "$bytes", ACCESS, 1534.0),
        ("[ip, ...]", "$7", ACCESS, 1534.0),
        ("[..., status_code = 2* && bytes > 1000]", "$bytes", ACCESS, 1534.0),
    ],
)
def test_value_of_a_match(pattern: str, metric_value: str, message: str, expected: float) -> None:
    assert observe(pattern, metric_value, message) == Observation(expected, {}, "None")


@pytest.mark.parametrize(
    ("pattern", "metric_value", "message"),
    [
        ("{ $.latency = * }", "$.latency", '{"latency": "fast"}'),
        ("{ $.latency = * }", "$.latency", '{"latency": "nan"}'),
        ("{ $.latency = * }", "$.latency", '{"latency": "1e400"}'),
        ("{ $.latency = * }", "$.latency", '{"latency": "1_000"}'),
        ("{ $.latency = * }", "$.missing", LATENCY),
        ("{ $.latency = * }", "$.status", LATENCY),
        ("{ $.flag IS TRUE }", "$.flag", '{"flag": true}'),
        ("{ $.flag IS NULL }", "$.flag", '{"flag": null}'),
        (FIELDS, "$username", ACCESS),
        ("[ip, ...]", "$8", ACCESS),
    ],
)
def test_what_is_no_number_publishes_nothing(pattern: str, metric_value: str, message: str) -> None:
    assert observe(pattern, metric_value, message) is None


def test_dimensions_come_from_the_event() -> None:
    assert observe(
        "{ $.eventType = * }", "1", LATENCY, dimensions={"eventType": "$.eventType"}, unit="Count"
    ) == (Observation(1.0, {"eventType": "UpdateTrail"}, "Count"))
    assert observe(FIELDS, "$bytes", ACCESS, dimensions={"Server": "$ip", "Code": "$status_code"}) == (
        Observation(1534.0, {"Server": "127.0.0.1", "Code": "200"}, "None")
    )


@pytest.mark.parametrize(
    "message", ['{"latency": 5}', '{"latency": 5, "type": ""}', '{"latency": 5, "type": {"a": 1}}']
)
def test_an_event_without_a_dimension_publishes_nothing(message: str) -> None:
    assert observe("{ $.latency = * }", "$.latency", message, dimensions={"type": "$.type"}) is None


def test_default_value_is_kept_for_minutes_without_a_match() -> None:
    transformation = compile_transformation(compile_pattern("ERROR"), "1", default_value=0.0, unit="Count")

    assert transformation.default_value == 0.0
    assert transformation.unit == "Count"


@pytest.mark.parametrize(
    ("pattern", "metric_value", "options", "reason"),
    [
        ("ERROR", "$.latency", {}, "needs a JSON or space-delimited filter pattern"),
        ("ERROR", "many", {}, "neither a number nor a selector"),
        ("ERROR", "", {}, "neither a number nor a selector"),
        ("ERROR", "nan", {}, "neither a number nor a selector"),
        ("{ $.a = 1 }", "$a", {}, "Invalid metric value"),
        ("{ $.a = 1 }", "$.a b", {}, "Invalid metric value"),
        (FIELDS, "$size", {}, "the filter pattern has no field '$size'"),
        (FIELDS, "1", {"dimensions": {"a": "$nothing"}}, "Invalid dimension 'a'"),
        (FIELDS, "1", {"dimensions": {"a": "fixed"}}, "Invalid dimension 'a'"),
        (FIELDS, "1", {"dimensions": {" ": "$ip"}}, "name must not be empty"),
        (FIELDS, "1", {"dimensions": dict.fromkeys("abcd", "$ip")}, "at most 3 dimensions"),
        (FIELDS, "1", {"dimensions": {"a": "$ip"}, "default_value": 0.0}, "can't have a default value"),
        ("ERROR", "1", {"dimensions": {"a": "$ip"}}, "needs a JSON or space-delimited filter pattern"),
    ],
)
def test_a_transformation_that_cannot_work_is_refused(
    pattern: str, metric_value: str, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidTransformation) as raised:
        compile_transformation(compile_pattern(pattern), metric_value, **options)  # type: ignore[arg-type]

    assert reason in raised.value.message
