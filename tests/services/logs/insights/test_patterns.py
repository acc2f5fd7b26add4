"""`pattern`, `anomaly`, `diff` and `logcompare`, from the user guide; times are milliseconds after the query's start."""

import json
from collections import Counter

import pytest

from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.log_patterns import identifier, kind_of, taken_apart

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def shown(rows, *names):
    return [tuple(row.get(name) for name in names) for row in rows]


def test_what_varies_is_shown_as_a_name_and_its_place(run):
    messages = [
        f"request {n} of 10.0.0.{n} took {n}ms, user-{n} at 2024-01-0{n + 1}T10:00:00Z" for n in range(3)
    ]
    (row,) = run("pattern @message", messages)
    assert row["@pattern"] == (
        "request <Number-1> of <IPAddress-2> took <Duration-3>, <Token-4> at <Timestamp-5>"
    )
    assert (row["@sampleCount"], row["@ratio"], row["@severityLabel"]) == ("3", "1", "NONE")
    assert json.loads(row["@logSamples"]) == [{"logEvent": messages[0]}]
    assert row["@PatternId"] == identifier(taken_apart(messages[2]).template)
    assert set(row) == {
        *("@pattern", "@sampleCount", "@ratio", "@severityLabel"),
        *("@PatternId", "@regexString", "@logSamples"),
    }


def test_patterns_come_by_how_often_they_are_there(run):
    rows = run(
        "pattern @message", ["ERROR disk 1 full", "INFO ok", "ERROR disk 22 full", "ERROR disk x full"]
    )
    assert shown(rows, "@pattern", "@sampleCount", "@ratio", "@severityLabel") == [
        ("ERROR disk <Number-1> full", "2", "0.5", "ERROR"),
        ("ERROR disk x full", "1", "0.25", "ERROR"),
        ("INFO ok", "1", "0.25", "INFO"),
    ]


@pytest.mark.parametrize(
    "messages",
    [
        # The commonest template has text right after or before what varies: its expression would take in others.
        ["*** ***abc"] * 5 + ["12abc 7abc", "*** ***abd"],
        ["***:a b"] * 5 + ["1:a b", "***:a 1"],
        ["x***y"] * 5 + ["x1***y", "xx***y"],
        ["a:1 b"] * 5 + ["a:b1 b", "a1:x b", "a:1:2 b", "a:*** b"],
        ["k=1, v=[2]"] * 5 + ["k=a1b, v=[x:2:y]", "k=a, v=[2]", "k=1, v=[2]]", "k=1 , v=[2]"],
        ["1"] * 5 + ["12", "a", "\x01", "1\x01", "***", "1 1", ""],
        ["n\u00fcmber 1\n.*(" + "x" * 30] * 5
        + ["n\u00fcmber 22\n.*(" + "x" * 30, "number 1\n.*(" + "x" * 30],
        [f"{n} " * 50 for n in range(5)] + ["1 " * 49],
        [f"template {chr(97 + n % 20)} {n}" for n in range(100)],
        ["\U0001f600 1 \U0001f600"] * 3
        + ["\U0001f600\U0001f600 1 \U0001f600", "\U0001f600 \U0001f6001 \U0001f600"],
    ],
)
def test_every_text_has_the_template_that_replacing_each_token_gives_it(run, messages):
    expected = Counter(identifier(taken_apart(text).template) for text in messages)
    rows = run("pattern @message", messages)
    assert {row["@PatternId"]: int(row["@sampleCount"]) for row in rows} == expected


def test_no_events_have_no_pattern(run):
    assert run("pattern @message", []) == []


def test_the_expression_of_a_pattern_finds_its_events(run):
    import re2

    message = "GET /a[b]?c=1 (took 5.25 s) {x: 7}"
    (row,) = run("pattern @message", [message])
    assert re2.fullmatch(row["@regexString"], message)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("17", "Number"), ("-3.5%", "Number"), ("10.1.2.3:80", "IPAddress"), ("5ms", "Duration"), ("****", "Masked"),
        ("6fa459ea-ee8a-3ca4-894e-db77e160355e", "UUID"), ("10:00:01.5", "Time"), ("2024-02-03", "Date"),
        ("deadbeef01", "Hash"), ("/a/1", "Path"), ("abc-1", "Token"), ("2024-02-03T10:00:00.123Z", "Timestamp"),
    ],
)  # fmt: skip
def test_kinds_of_tokens(token, kind):
    assert taken_apart(f"x {token} y").tokens == (token,)
    assert kind_of(token) == kind


def test_a_pattern_can_be_taken_of_a_parsed_field_and_filtered(run):
    messages = ["a=1 rest 5", "a=2 rest 6", "a=3 other"]
    rows = run("parse @message 'a=* *' as n, rest | pattern rest | filter @sampleCount > 1", messages)
    assert shown(rows, "@pattern", "@sampleCount") == [("rest <Number-1>", "2")]


def test_anomaly_marks_what_is_new_or_unusually_frequent(run):
    steady = [(at * MINUTE, f"tick {at}") for at in range(60)]
    burst = [(at * MINUTE, "slow disk") for at in range(0, 45, 5)]
    burst += [(46 * MINUTE + at, "slow disk") for at in range(40)]
    new = [(50 * MINUTE, "ERROR out of memory at 0x1")]
    rows = run("fields @timestamp, @message | pattern @message | anomaly", steady + burst + new)
    assert shown(rows, "@pattern", "@anomaly", "@anomalyType") == [
        ("slow disk", "1", "Pattern frequency"),
        ("ERROR out of memory at <Token-1>", "1", "New pattern"),
        ("tick <Number-1>", "0", None),
    ]
    assert float(rows[0]["@anomalyScore"]) > 3
    kept = run("pattern @message | anomaly | filter @anomaly = 1 | display @pattern", steady + new)
    assert shown(kept, "@pattern") == [("ERROR out of memory at <Token-1>",)]


def test_without_events_before_nothing_is_an_anomaly(run):
    rows = run("anomaly", [(55 * MINUTE, "one"), (56 * MINUTE, "two 2")])
    assert shown(rows, "@anomaly", "@anomalyType", "@anomalyScore") == [("0", None, None), ("0", None, None)]


COMPARED = [
    *[(-HOUR + at, f"GET {at}") for at in range(4)],
    *[(-HOUR + at, "gone 1") for at in range(2)],
    *[(at, f"GET {at}") for at in range(6)],
    (7, "new thing 5"),
    (8, "same"),
    (-HOUR + 8, "same"),
]


def test_diff_compares_with_the_time_right_before(run):
    rows = run("diff", COMPARED)
    names = ("@pattern", "@sampleCount", "@previousSampleCount", "@differenceCount", "@differenceDescription")
    assert shown(rows, *names) == [
        ("GET <Number-1>", "6", "4", "2", "50% more"),
        ("gone <Number-1>", "0", "2", "-2", "Pattern is gone"),
        ("new thing <Number-1>", "1", "0", "1", "New pattern"),
        ("same", "1", "1", "0", "No change"),
    ]


@pytest.mark.parametrize(
    ("command", "shift"),
    [
        ("diff previousDay", DAY),
        ("diff previousWeek", 7 * DAY),
        ("diff previousMonth", 31 * DAY),  # from 14 November to 14 October
        ("logcompare timeshift 7d", 7 * DAY),
        ("logcompare timeshift 2h", 2 * HOUR),
    ],
)
def test_diff_with_an_earlier_time(run, command, shift):
    events = [(5, "now 1"), (5 - shift, "then 1"), (5 - shift + HOUR, "not then")]
    rows = run(command, events)
    assert sorted(shown(rows, "@pattern", "@differenceCount")) == [
        ("now <Number-1>", "1"),
        ("then <Number-1>", "-1"),
    ]


def test_diff_heeds_the_commands_before_it(run):
    rows = run("filter @message like 'GET' | diff | display @pattern, @differenceCount", COMPARED)
    assert shown(rows, "@pattern", "@differenceCount") == [("GET <Number-1>", "2")]
    rows = run("parse @message '* *' as verb, rest | pattern verb | diff | limit 1", COMPARED)
    assert shown(rows, "@pattern", "@differenceCount") == [("GET", "2")]


def test_source_may_have_times_of_its_own(run):
    # The present of these tests is five seconds after START.
    other = [(-DAY - 1, "too old"), (-DAY + 5000, "a day ago"), (4000, "now"), (6000, "later")]
    rows = run("SOURCE 'other' start=-1d end=now | sort @timestamp | display @message", [], other)
    assert shown(rows, "@message") == [("a day ago",), ("now",)]
    rows = run("SOURCE other start=1700000004000 end=1700000006000 | logcompare timeshift 1d", [], other)
    assert sorted(shown(rows, "@pattern", "@differenceDescription")) == [
        ("a day ago", "Pattern is gone"),
        ("later", "New pattern"),
        ("now", "New pattern"),
    ]


@pytest.mark.parametrize(
    ("query", "part", "message"),
    [
        ("diff | diff", "diff", "a query compares with one earlier time range"),
        ("stats count(*) | diff", "diff", "this needs log events, or the results of pattern"),
        ("stats count(*) | anomaly", "anomaly", "this needs log events, or the results of pattern"),
        ("SOURCE 'other' start=now end=-1d", "SOURCE 'other' start=now end=-1d", "the start of SOURCE must not be after its end"),
        ("SOURCE 'other' from=now", "from=now", "SOURCE takes start= and end="),
        ("SOURCE 'other' start=soon", "soon", "a time of SOURCE is now, or such as -1d, or milliseconds since 1970"),
        ("diff previousYear", "previousYear", "unexpected token 'previousYear'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(run, query, part, message):
    with pytest.raises(QueryError) as refused:
        run(query, ["x"], ["x"])
    assert refused.value.message == message
    start = query.rindex(part)
    assert refused.value.span == (start, start + len(part))
