"""The tables of the CloudWatch User Guide on missing data, case by case, and the words for what follows."""

import json

import pytest

from coldframe.services.cloudwatch.alarms.evaluation import (
    Datapoint,
    Rule,
    breaches,
    enough_samples,
    evaluate,
)
from coldframe.services.cloudwatch.alarms.reasons import reason, reason_data

MINUTE = 60_000
START = 1_795_420_800_000  # 2026-11-23 08:00:00 UTC
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
RETAIN = None


def rule(treatment="missing", periods=3, to_alarm=3, comparison="GreaterThanThreshold", threshold=1.0):
    return Rule(comparison, threshold, periods, to_alarm, treatment)


def series(drawn):
    """`0 - X`: good, missing and bad data points, the newest on the right."""
    values = {"0": 0.0, "X": 5.0}
    return [
        Datapoint(START + place * MINUTE, values[mark]) if mark in values else None
        for place, mark in enumerate(drawn.split())
    ]


THREE_OF_THREE = [
    ("0 - X - X", ("OK", "OK", "OK", "OK"), 0),
    ("0 - - - -", ("OK", "OK", "OK", "OK"), 2),
    ("- - - - -", ("INSUFFICIENT_DATA", RETAIN, "ALARM", "OK"), 3),
    ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM"), 0),
    ("- - X - -", ("ALARM", RETAIN, "ALARM", "OK"), 2),
]
TWO_OF_THREE = [
    ("0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM"), 0),
    ("0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM"), 0),
    ("0 - X - -", ("OK", "OK", "ALARM", "OK"), 1),
    ("- - - - 0", ("OK", "OK", "ALARM", "OK"), 2),
    ("- - - X -", ("ALARM", RETAIN, "ALARM", "OK"), 2),
]


@pytest.mark.parametrize(("drawn", "expected", "filled"), THREE_OF_THREE)
def test_the_first_table_of_the_guide(drawn, expected, filled):
    verdicts = [evaluate(series(drawn), rule(treatment)) for treatment in TREATMENTS]
    assert tuple(verdict.state for verdict in verdicts) == expected
    assert {verdict.filled for verdict in verdicts} == {filled}


@pytest.mark.parametrize(("drawn", "expected", "filled"), TWO_OF_THREE)
def test_the_second_table_of_the_guide(drawn, expected, filled):
    verdicts = [evaluate(series(drawn), rule(treatment, to_alarm=2)) for treatment in TREATMENTS]
    assert tuple(verdict.state for verdict in verdicts) == expected
    assert {verdict.filled for verdict in verdicts} == {filled}


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -", "- - - X 0", "- - X - 0"])
def test_no_premature_alarm(drawn):
    assert evaluate(series(drawn), rule()).state != "ALARM"


def test_data_points_older_than_the_evaluation_range_are_not_looked_at():
    assert evaluate(series("X X X - - - - -"), rule()).state == "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ("GreaterThanThreshold", 1.0, False),
        ("GreaterThanThreshold", 1.1, True),
        ("GreaterThanOrEqualToThreshold", 1.0, True),
        ("LessThanThreshold", 1.0, False),
        ("LessThanThreshold", 0.9, True),
        ("LessThanOrEqualToThreshold", 1.0, True),
    ],
)
def test_comparisons(comparison, value, expected):
    assert breaches(Datapoint(START, value), rule(comparison=comparison)) is expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("LessThanLowerOrGreaterThanUpperThreshold", [True, False, True]),
        ("LessThanLowerThreshold", [True, False, False]),
        ("GreaterThanUpperThreshold", [False, False, True]),
    ],
)
def test_comparisons_with_a_band(comparison, expected):
    band = rule(comparison=comparison, threshold=None)
    assert [breaches(Datapoint(START, value, (1.0, 3.0)), band) for value in (0.0, 2.0, 4.0)] == expected
    assert not breaches(Datapoint(START, 9.0), band), "without a model nothing is unusual"


def test_the_words_of_one_out_of_one():
    one = rule(periods=1, to_alarm=1)
    bad, good = evaluate([Datapoint(START, 5.0)], one), evaluate([Datapoint(START, 1.0)], one)
    assert reason(bad, one, counted=True) == (
        "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (23/11/26 08:00:00)] was greater than the threshold"
        " (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert reason(good, one, counted=True) == (
        "Threshold Crossed: 1 out of the last 1 datapoints [1.0 (23/11/26 08:00:00)] was not greater than the"
        " threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition)."
    )
    assert reason(bad, one, counted=False) == (
        "Threshold Crossed: 1 datapoint [5.0 (23/11/26 08:00:00)] was greater than the threshold (1.0)."
    )


def test_the_words_of_two_out_of_three_name_the_newest_first():
    two = rule(to_alarm=2)
    text = reason(evaluate(series("X 0 X"), two), two, counted=True)
    assert (
        "2 out of the last 3 datapoints [5.0 (23/11/26 08:02:00), 5.0 (23/11/26 08:00:00)] were greater"
        in text
    )
    assert "(minimum 2 datapoints for OK -> ALARM transition)" in text
    text = reason(evaluate(series("0 0 0"), two), two, counted=True)
    assert "(minimum 2 datapoints for ALARM -> OK transition)" in text


def test_the_words_for_missing_data():
    none = series("- - - - -")
    assert (
        reason(evaluate(none, rule()), rule(), counted=True)
        == "Insufficient Data: 3 datapoints were unknown."
    )
    one = rule(periods=1, to_alarm=1)
    assert reason(evaluate(none, one), one, counted=True) == "Insufficient Data: 1 datapoint was unknown."
    breaching = rule("breaching")
    assert reason(evaluate(none, breaching), breaching, counted=True) == (
        "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as"
        " [Breaching]."
    )
    good = rule("notBreaching")
    assert "and 2 missing datapoints were treated as [NonBreaching]" in reason(
        evaluate(series("0 - -"), good), good, counted=True
    )


def test_the_words_for_a_band():
    band = rule(comparison="GreaterThanUpperThreshold", threshold=None, periods=1, to_alarm=1)
    text = reason(evaluate([Datapoint(START, 17.0, (1.0, 15.5))], band), band, counted=True)
    assert text.startswith("Thresholds Crossed: 1 out of the last 1 datapoints [17.0 (23/11/26 08:00:00)]")
    assert "was greater than the upper thresholds [15.5]" in text


def test_the_data_of_a_reason():
    verdict = evaluate(series("0 X X"), rule())
    data = json.loads(reason_data(verdict, rule(), now=START + 181_500, statistic="Sum", period=60))
    assert data["version"] == "1.0"
    assert data["queryDate"] == "2026-11-23T08:03:01.500+0000"
    assert data["startDate"] == "2026-11-23T08:00:00.000+0000"
    assert (data["statistic"], data["period"], data["threshold"]) == ("Sum", 60, 1.0)
    assert data["recentDatapoints"] == [0.0, 5.0, 5.0]
    assert data["evaluatedDatapoints"][0] == {"timestamp": "2026-11-23T08:02:00.000+0000", "value": 5.0}


def test_the_data_of_a_reason_keeps_to_its_limit():
    many = rule(periods=1440, to_alarm=1440)
    verdict = evaluate([Datapoint(START + place * MINUTE, 5.0) for place in range(1440)], many)
    assert len(reason_data(verdict, many, now=START, statistic=None, period=60)) <= 4000
    assert len(reason(verdict, many, counted=True)) <= 1023


@pytest.mark.parametrize(("statistic", "needed"), [("p99", 1000), ("p90", 100), ("p50", 20), ("p10", 100)])
def test_low_samples(statistic, needed):
    assert enough_samples(statistic, needed + 1)
    assert not enough_samples(statistic, needed - 1)
    assert enough_samples("tm90", 1)
