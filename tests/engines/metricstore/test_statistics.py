"""Statistics as the CloudWatch user guide defines them, on values small enough to count by hand."""

import random

import pytest

from coldframe.engines.metricstore.cell import RELATIVE_ERROR, Cell, cell_of
from coldframe.engines.metricstore.errors import UnknownStatistic
from coldframe.engines.metricstore.statistics import statistic

TEN = [float(value) for value in range(1, 11)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p0", 1),
        ("p50", 5),
        ("p90", 9),
        ("p99.9", 10),
        ("p100", 10),
        ("tm90", 5),
        ("TM(:90%)", 5),
        ("TM(10%:90%)", 5.5),
        ("TM(2:4)", 3.5),
        ("TM(20%:)", 6.5),
        ("IQM", 5.5),
        ("wm80", (sum(range(1, 9)) + 8 * 2) / 10),
        ("WM(10%:90%)", (2 + sum(range(2, 10)) + 9) / 10),
        ("tc90", 9),
        ("TC(2:4)", 2),
        ("ts90", 45),
        ("TS(80%:)", 19),
        ("PR(:3)", 30),
        ("PR(3:7)", 40),
        ("PR(9:)", 10),
        ("p0.0", 1),
        ("p0.0000000001", 1),
        ("p99.9999999999", 10),
        ("tm100", 5.5),
        ("TM(0%:100%)", 5.5),
        ("TM(0:10)", 5.5),
        ("TM(1:10)", 6),
        ("TC(0:100)", 10),
        ("TC(10:20)", 0),
        ("TS(10:20)", 0),
        ("TC(:0.5)", 0),
        ("TC(80%:)", 2),
        ("tc100", 10),
        ("TC(25%:75%)", 5),
        ("TS(25%:75%)", 27.5),
        ("PR(:0)", 0),
        ("PR(:10)", 100),
        ("PR(1:)", 90),
        ("PR(10:)", 0),
        ("WM(3:7)", (3 * 3 + 4 + 5 + 6 + 7 * 4) / 10),
        ("WM(:4)", (1 + 2 + 3 + 4 * 7) / 10),
        ("WM(8:)", (8 * 8 + 9 + 10) / 10),
        ("WM(20:30)", 20),
        ("WM(-5:0.5)", 0.5),
        ("wm98", (sum(range(1, 11))) / 10),
    ],
)
def test_of_one_to_ten(name, expected):
    assert statistic(name)(cell_of(TEN, ())) == pytest.approx(expected)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "average",
        "p",
        "p101",
        "p-1",
        "TM",
        "TM()",
        "TM(:)",
        "TM(90%:10%)",
        "PR(10%:20%)",
        "xx90",
        "TM(1:2",
        "P90",
        "TM90",
        "tm(10%:90%)",
        "PR50",
        "PR(:300%)",
        "TM(10%:101%)",
        "p99.12345678901",
    ],
)
def test_a_statistic_that_is_none(name):
    with pytest.raises(UnknownStatistic):
        statistic(name)


def test_of_one_value():
    for name in ("p0", "p50", "p100", "tm50", "wm50", "IQM", "TM(25%:75%)", "WM(10%:90%)"):
        assert statistic(name)(cell_of([7.0], ())) == pytest.approx(7), name
    assert statistic("TM(8:9)")(cell_of([7.0], ())) is None, "no value is left"


def test_trimmed_sum_is_mean_times_count():
    cell = cell_of([float(value) for value in range(1, 38)], [value % 3 + 1.0 for value in range(37)])
    for bounds in ("5%:95%", ":33%", "40%:", "3:30", ":7", "20:"):
        mean, count, total = (statistic(f"{kind}({bounds})")(cell) for kind in ("TM", "TC", "TS"))
        assert total == pytest.approx(mean * count), bounds


def test_counts_weigh():
    assert statistic("p90")(cell_of([1.0, 100.0], [95, 5])) == 1
    assert statistic("p96")(cell_of([1.0, 100.0], [95, 5])) == 100
    assert statistic("Average")(cell_of([1.0, 100.0], [95, 5])) == pytest.approx(5.95)


def test_no_percentile_of_a_summary():
    cell = Cell()
    cell.add_summary(10, 55, 1, 10)
    assert statistic("Average")(cell) == 5.5
    assert statistic("p50")(cell) is None
    cell.merge(cell_of([3.0], ()))
    assert statistic("p50")(cell) is None
    assert statistic("Sum")(cell) == 58


def test_percentiles_of_a_summary_whose_values_are_equal():
    cell = Cell()
    cell.add_summary(10, 50, 5, 5)
    assert statistic("p99")(cell) == 5


def test_no_percentile_of_negative_values():
    for values in ([-1.0, 2.0], [2.0, -1.0], [-1.0, -1.0]):
        cell = cell_of(values, ())
        assert statistic("p50")(cell) is None
        assert statistic("tm90")(cell) is None
        assert statistic("Minimum")(cell) == -1


@pytest.mark.parametrize("draw", ["expovariate", "uniform", "lognormvariate"])
def test_percentiles_of_many_values_stay_within_the_stated_error(draw):
    source = random.Random(3)
    arguments = {"expovariate": (0.001,), "uniform": (0, 1e6), "lognormvariate": (0, 5)}[draw]
    values = [getattr(source, draw)(*arguments) for _ in range(20_000)]
    parts = [cell_of(values[index::7], ()) for index in range(7)]
    cell = Cell()
    for part in parts:
        cell.merge(part)
    values.sort()
    assert cell.count == len(values)
    for share in (0.1, 1, 25, 50, 90, 99, 99.9):
        exact = values[max(0, -(-int(len(values) * share * 1000) // 100_000) - 1)]
        assert statistic(f"p{share}")(cell) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.01)


def test_a_sketch_stays_small():
    cell = cell_of([1.07**exponent for exponent in range(-3600, 3600)], ())
    assert len(cell.distribution()) <= 2048
    assert sum(cell.distribution().values()) == pytest.approx(7200)
