"""Metric math, function by function, as the CloudWatch user guide's table describes them."""

import math
from datetime import UTC, datetime

import pytest

from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.expressions.evaluate import evaluate
from coldframe.services.cloudwatch.expressions.syntax import parse
from coldframe.services.cloudwatch.expressions.values import ExpressionError, NotOffered, TimeSeries

START = int(datetime(2026, 3, 1, 10, 58, tzinfo=UTC).timestamp())
GRID = range(START, START + 300, 60)


def series(*values, name="m"):
    """A series of five minutes; None is a minute without a value."""
    points = {time: float(value) for time, value in zip(GRID, values, strict=False) if value is not None}
    return TimeSeries(points, GRID, name, Metric("1", "r", "n", name), "Sum")


class Given:
    """Sources with the series that a test gives."""

    def __init__(self, **values):
        self.values = values

    def names(self):
        return [name for name in self.values if name != "e1"]

    def value(self, name):
        return self.values.get(name)

    def grid(self):
        return GRID

    def search(self, expression, stat, period):
        return [series(1, 1, 1, 1, 1), series(2, 2, 2, 2, 2)]

    def band(self, one, deviations, tree):
        return [one.mapped(lambda value: value + deviations), one.mapped(lambda value: value - deviations)]

    def rule_metric(self, rule, metric):
        return series(len(rule), len(metric))


GIVEN = Given(
    m1=series(1, 2, 3, 4, 5),
    m2=series(10, None, 30, None, 50),
    m3=series(-1.5, 0, 0.4, 100, 2),
    none=series(),
    e1=series(9, 9, 9, 9, 9),
)


def values(result):
    if isinstance(result, list):
        return [values(one) for one in result]
    return [result.points.get(time) for time in GRID]


def run(text, given=GIVEN):
    return values(evaluate(parse(text), given))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m1", [1, 2, 3, 4, 5]),
        ("m1 + 1", [2, 3, 4, 5, 6]),
        ("1 - m1", [0, -1, -2, -3, -4]),
        ("-m1", [-1, -2, -3, -4, -5]),
        ("m1 + m2", [11, 2, 33, 4, 55]),
        ("m2/m1", [10, 0, 10, 0, 10]),
        ("m1/m2", [0.1, None, 0.1, None, 0.1]),
        ("m1 - none", [1, 2, 3, 4, 5]),
        ("m2 * none", [0, None, 0, None, 0]),
        ("m1/0", [None] * 5),
        ("m1/(m1-2)", [-1, None, 3, 2, 5 / 3]),
        ("2^m1", [2, 4, 8, 16, 32]),
        ("m1 ^ 2 ^ 0 * 2", [2, 4, 6, 8, 10]),
        ("-m1^2", [-1, -4, -9, -16, -25]),
        ("2 + m1 * 3", [5, 8, 11, 14, 17]),
        ("(2 + m1) * 3", [9, 12, 15, 18, 21]),
        ("10 - m1 - 1", [8, 7, 6, 5, 4]),
        ("m1 > 3", [0, 0, 0, 1, 1]),
        ("m1 >= 3", [0, 0, 1, 1, 1]),
        ("m1 == 3", [0, 0, 1, 0, 0]),
        ("m1 != 3", [1, 1, 0, 1, 1]),
        ("m1 < m2", [1, 0, 1, 0, 1]),
        ("m1 <= 1", [1, 0, 0, 0, 0]),
        ("m1 > 1 AND m1 < 4", [0, 1, 1, 0, 0]),
        ("m1 < 2 || m1 > 4", [1, 0, 0, 0, 1]),
        ("m1 < 2 OR m1 > 4 && m1 > 100", [1, 0, 0, 0, 0]),
        ("m1 * AVG(none)", [None] * 5),
        ("m1 > AVG(none)", [None] * 5),
        ("1e2 * m1", [100, 200, 300, 400, 500]),
        (".5 * m1", [0.5, 1, 1.5, 2, 2.5]),
        ("1e300 * 1e300 * m1", [None] * 5),
        ("[m1, m2] * 2", [[2, 4, 6, 8, 10], [20, None, 60, None, 100]]),
        ("m1 + [m1, m2]", [[2, 4, 6, 8, 10], [11, 2, 33, 4, 55]]),
        ("ABS(m3)", [1.5, 0, 0.4, 100, 2]),
        ("CEIL(m3)", [-1, 0, 1, 100, 2]),
        ("FLOOR(m3)", [-2, 0, 0, 100, 2]),
        ("LOG10(m3)", [None, None, math.log10(0.4), 2, math.log10(2)]),
        ("LOG(m1)", [math.log(value) for value in range(1, 6)]),
        ("m1 - AVG(m1)", [-2, -1, 0, 1, 2]),
        ("m1 / SUM(m1) * 15", [1, 2, 3, 4, 5]),
        ("m1 * COUNT(m2)", [3, 6, 9, 12, 15]),
        ("m1 * 0 + MIN(m2)", [10] * 5),
        ("m1 * 0 + MAX(m2)", [50] * 5),
        ("m1 * 0 + STDDEV(m1)", [math.sqrt(2)] * 5),
        ("SUM([m1, m2])", [11, 2, 33, 4, 55]),
        ("AVG([m1, m2])", [5.5, 1, 16.5, 2, 27.5]),
        ("MAX([m1, m2])", [10, 2, 30, 4, 50]),
        ("COUNT([m1, m2])", [2, 1, 2, 1, 2]),
        ("SUM(METRICS())", [9.5, 2, 33.4, 104, 57]),
        ("SUM(METRICS('2'))", [10, None, 30, None, 50]),
        ('SUM(METRICS("m"))', [9.5, 2, 33.4, 104, 57]),
        ("m1 * METRIC_COUNT(METRICS())", [4, 8, 12, 16, 20]),
        ("m1 * DATAPOINT_COUNT(m2)", [3, 6, 9, 12, 15]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 1, 2, 1, 2]),
        ("DIFF(m2)", [None, None, 20, None, 20]),
        ("DIFF_TIME(m2)", [None, None, 120, None, 120]),
        ("RATE(m2)", [None, None, 20 / 120, None, 20 / 120]),
        ("RUNNING_SUM(m2)", [10, None, 40, None, 90]),
        ("FILL(m2, 0)", [10, 0, 30, 0, 50]),
        ("FILL(m2, -1)", [10, -1, 30, -1, 50]),
        ("FILL(m2, REPEAT)", [10, 10, 30, 30, 50]),
        ("FILL(m2, LINEAR)", [10, 20, 30, 40, 50]),
        ("FILL(none, 7)", [7] * 5),
        ("FILL(m2, m1)", [10, 2, 30, 4, 50]),
        ("FILL(m2, MIN(m2))", [10, 10, 30, 10, 50]),
        ("FILL([m2, none], m1)", [[10, 2, 30, 4, 50], [1, 2, 3, 4, 5]]),
        ("FILL([m2, none], 0)", [[10, 0, 30, 0, 50], [0] * 5]),
        ("FIRST([m1, m2])", [1, 2, 3, 4, 5]),
        ("LAST([m1, m2])", [10, None, 30, None, 50]),
        ("SLICE([m1, m2, m3], 1)", [[10, None, 30, None, 50], [-1.5, 0, 0.4, 100, 2]]),
        ("SLICE([m1], 4)", []),
        ("SLICE([m1, m2, m3], 0, 1)", [[1, 2, 3, 4, 5]]),
        ("SLICE(SORT([m1, m2, m3], MAX, DESC), 0, 1)", [[-1.5, 0, 0.4, 100, 2]]),
        ("SORT([m2, none, m1], AVG, ASC)", [[1, 2, 3, 4, 5], [10, None, 30, None, 50], [None] * 5]),
        ("SORT([m2, m1], SUM, DESC, 1)", [[10, None, 30, None, 50]]),
        ("REMOVE_EMPTY([none, m1])", [[1, 2, 3, 4, 5]]),
        ("IF(m1 > 2, m1, 0)", [0, 0, 3, 4, 5]),
        ("IF(m1 > 2, m1)", [None, None, 3, 4, 5]),
        ("IF(m2 > 20, 1, m1)", [1, None, 1, None, 1]),
        ("IF(m1, m2, 7)", [10, 0, 30, 0, 50]),
        ("IF(1, m1, m2)", [1, 2, 3, 4, 5]),
        ("IF(0, m1, m2)", [10, None, 30, None, 50]),
        ("IF([m1, m3] > 3, 1, 0)", [[0, 0, 0, 1, 1], [0, 0, 0, 1, 0]]),
        ("TIME_SERIES(3)", [3] * 5),
        ("TIME_SERIES(SUM(m1) / COUNT(m1))", [3] * 5),
        ("m1 * PERIOD(m1)", [60, 120, 180, 240, 300]),
        ("MINUTE(m1)", [58, 59, 0, 1, 2]),
        ("MINUTE(none)", [58, 59, 0, 1, 2]),
        ("IF(DAY(m2) == 7, m1)", [1, 2, 3, 4, 5]),
        ("HOUR(m1)", [10, 10, 11, 11, 11]),
        ("DAY(m1)", [7] * 5),
        ("DATE(m1)", [1] * 5),
        ("MONTH(m1)", [3] * 5),
        ("YEAR(m1)", [2026] * 5),
        ("EPOCH(m1)", list(GRID)),
        ("SEARCH(' {n} x ', 'Sum', 60)", [[1] * 5, [2] * 5]),
        ("SUM(SEARCH(\"{n} x\", 'Sum', 60))", [3] * 5),
        ("ANOMALY_DETECTION_BAND(m1, 3)", [[4, 5, 6, 7, 8], [-2, -1, 0, 1, 2]]),
        ("INSIGHT_RULE_METRIC('rule', 'Sum')", [4, 3, None, None, None]),
        ("e1 + m1", [10, 11, 12, 13, 14]),
    ],
)
def test_results(text, expected):
    found = run(text)
    if expected and not isinstance(expected[0], list):
        expected = pytest.approx(expected)
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(metric1 < metric2)", [0, 0, 1, 0]),
        ("(metric1 >= 30)", [1, 0, 0, 0]),
        ("(metric1 > 15 AND metric2 > 15)", [1, 0, 0, 0]),
        ("(metric1 > 15 && metric2 > 15)", [1, 0, 0, 0]),
    ],
)
def test_the_table_of_comparison_and_logical_operators(text, expected):
    given = Given(metric1=series(30, 20, 0, 0), metric2=series(20, None, 20, None))
    assert run(text, given)[:4] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IF(metric1, metric2, metric3)", [30, 0, 20, None, None]),
        ("IF(metric1, 5, metric3)", [5, 5, 20, None, None]),
        ("IF(metric1, metric2, 5)", [30, 0, 5, 5, None]),
        ("IF(metric1, metric2)", [30, 0, None, None, None]),
        ("IF(2, metric2, metric3)", [30, None, 0, 0, 30]),
        ("IF(0, metric2, metric3)", [0, 0, 20, None, 20]),
        ("IF(0, metric2)", [None] * 5),
    ],
)
def test_the_tables_of_if(text, expected):
    given = Given(
        metric1=series(1, 1, 0, 0, None),
        metric2=series(30, None, 0, 0, 30),
        metric3=series(0, 0, 20, None, 20),
    )
    assert run(text, given) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Unexpected end"),
        ("m1 +", "Unexpected end"),
        ("m1 m2", "Unexpected 'm2' at position 4"),
        ("(m1", "Unexpected end"),
        ("m1 $ 2", "Unexpected character '$' at position 4"),
        ("m9", "Undefined variable 'm9'"),
        ("NOPE(m1)", "Undefined function 'NOPE'"),
        ("ABS()", "ABS takes 1 arguments, but 0 were given"),
        ("FILL(m1)", "FILL takes 2 arguments"),
        ("FILL(m1, UP)", "REPEAT or LINEAR"),
        ("[m1] + [m2]", "Unsupported operand type(s) for +: '[Array[Time Series], Array[Time Series]]'"),
        ("m1 + 'x'", "Unsupported operand type(s)"),
        ("AVG(m1)", "must return a time series"),
        ("3", "must return a time series"),
        ("DIFF(3)", "Unsupported argument type for DIFF: 'Scalar'"),
        ("SORT(m1, AVG, DESC)", "Unsupported argument type for SORT"),
        ("SORT([m1], MODE, DESC)", "cannot order by 'MODE'"),
        ("SORT([m1], AVG, UP)", "ASC or DESC"),
        ("PERIOD(m1 + 1)", "not the result of an expression"),
        ("abs(m1)", "Undefined function 'abs'"),
        ("FIRST(METRICS('zzz'))", "not empty"),
        ("[m1, 3]", "An array holds time series"),
        ("(" * 100 + "m1" + ")" * 100, "nested"),
        ("-" * 500 + "m1", "nested"),
    ],
)
def test_errors(text, words):
    with pytest.raises(ExpressionError) as caught:
        run(text)
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["SERVICE_QUOTA(m1)", "LAMBDA('f')", "DB_PERF_INSIGHTS('RDS', 'db', 'x')"])
def test_what_is_not_built_says_so(text):
    with pytest.raises(NotOffered, match="is not built"):
        run(text)
