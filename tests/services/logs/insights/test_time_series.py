"""Time-series functions of `stats`, from "Time-series functions" in the CloudWatch Logs user guide."""

import pytest

from coldframe.services.logs.insights.errors import QueryError

# One event every ten seconds: 0 to 110 seconds after 22:13:20.
EVENTS = [(at * 10_000, f'{{"n": {at * at}, "offset": {at % 2}}}') for at in range(12)]


def test_counts_and_sums_over_time(run):
    rows = run("stats count_over_time(n) as c, sumOverTime(n) as s by bin(1m) as t", EVENTS)
    assert [(row["t"][11:19], row["c"], row["s"]) for row in rows] == [
        ("22:15:00", "2", "221"),
        ("22:14:00", "6", "271"),
        ("22:13:00", "4", "14"),
    ]
    assert run("stats countOverTime(n) as c, sum_over_time(n) as s", EVENTS) == [{"c": "12", "s": "506"}]


def test_the_rate_is_the_change_in_an_interval(run):
    # From 0 to 121 in 110 seconds.
    assert run("stats rate(n, 1m) as r", EVENTS) == [{"r": "66"}]
    assert run("stats rate(n, 1s) as r", EVENTS) == [{"r": "1.1"}]
    assert run("stats rate(n, 1m) as r", EVENTS[:1]) == [{}]


def test_a_histogram_has_ranges_of_one_width(run):
    assert run("stats histogram(n, 4) as h", EVENTS) == [
        {"h": '{"0-30.25":6,"30.25-60.5":2,"60.5-90.75":2,"90.75-121":2}'}
    ]
    assert run("stats histogram(n, 2) as h", [(0, '{"n": 7}'), (1, '{"n": 7}'), (2, "text")]) == [
        {"h": '{"7-7":2}'}
    ]
    assert run("stats histogram(m, 2) as h", EVENTS) == [{}]


def test_offset_shows_bins_later(run):
    rows = run("stats count(*) as c by bin(5m) as t offset 1h", EVENTS)
    assert [(row["t"][11:19], row["c"]) for row in rows] == [("23:15:00", "2"), ("23:10:00", "10")]
    rows = run("stats count(*) as c by bin(1m) offset 1d", EVENTS)
    assert {row["bin(1m)"][:10] for row in rows} == {"2023-11-15"}


def test_a_field_may_be_called_offset(run):
    rows = run("filter offset = 1 | stats max(offset) as m by offset | sort offset", EVENTS)
    assert rows == [{"offset": "1", "m": "1"}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("stats rate(n)", "rate takes a field and an interval"),
        ("stats rate(n, 1mo)", "weeks at most"),
        ("stats histogram(n, 0)", "from 1 to 1000"),
        ("stats histogram(n)", "histogram takes"),
        ("stats count(*) by n offset 1h", "no bin"),
    ],
)
def test_what_is_refused(run, query, message):
    with pytest.raises(QueryError, match=message):
        run(query, EVENTS)
