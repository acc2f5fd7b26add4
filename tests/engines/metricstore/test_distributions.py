"""Distributions in columns: the same cells come back, and percentiles are those of the cells."""

import random
import sqlite3
from array import array

import msgspec
import pytest

from coldframe.engines.metricstore.cell import Cell, bucket
from coldframe.engines.metricstore.distributions import of_cells, unpacked
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.statistics import percentile
from coldframe.engines.metricstore.store import MetricStore

NOW = 1_700_000_400
METRIC = Metric("123456789012", "us-east-1", "shop", "latency")


def cell_of(*values: float, count: float = 1.0) -> Cell:
    cell = Cell()
    for value in values:
        cell.add(value, count)
    return cell


def summary() -> Cell:
    cell = Cell()
    cell.add_summary(4, 10, 1, 5)
    return cell


def many(seed: int, spread: float = 2.0) -> Cell:
    rng = random.Random(seed)
    return cell_of(*(rng.lognormvariate(0, spread) for _ in range(300)))


BLOCKS = {
    "exact": [cell_of(3, 1, 2), cell_of(7, 7, 7), cell_of(*range(60)), cell_of(0, 4)],
    "folded": [many(1), many(2), cell_of(5), summary(), many(3)],
    "exact and folded": [cell_of(3, 1, 2), many(4), cell_of(-1, -1), cell_of(-1, 4)],
    "zero and the extremes": [cell_of(0, *(2.0**power for power in range(-358, 360, 7)))],
    "the smallest there is": [cell_of(*(5e-324 * 3**power for power in range(100)))],
    "fractions of a count": [cell_of(3, 1, 2, count=0.25), many(5)],
    "counts past four billion": [cell_of(3, 1, 2, count=3e9)],
    "equal": [cell_of(4), cell_of(5, 5)],
}


def held(cell: Cell) -> tuple:
    known = cell.distribution()
    # Its own copy: a cell that changes would change what was held.
    values = None if known is None else dict(known)
    return (cell.count, cell.least, cell.most, cell.opaque, cell.folded, values)


@pytest.mark.parametrize("name", BLOCKS)
def test_cells_and_percentiles_come_back(name: str) -> None:
    cells = BLOCKS[name]
    data = of_cells(cells).packed()
    assert (data is None) == (name == "equal")
    if data is None:
        return
    columns = [[getattr(cell, part) for cell in cells] for part in ("count", "least", "most")]
    back = [Cell(cell.count, cell.sum, cell.least, cell.most) for cell in cells]
    for row, cell in enumerate(back):
        unpacked(data).put_into(row, cell)
    assert [held(cell) for cell in back] == [held(cell) for cell in cells]
    for share in (0, 0.5, 1, 10, 25, 33.3, 50, 75, 90, 95, 99, 99.9, 100):
        assert unpacked(data).percentiles(share, *columns) == [percentile(cell, share) for cell in cells]


def test_buckets_take_little_room() -> None:
    cells = [many(seed) for seed in range(180)]
    entries = sum(len(cell.distribution() or {}) for cell in cells)
    assert len(of_cells(cells).packed() or b"") < 6 * entries + 5 * len(cells) + 100


def test_a_copy_stays_as_it_is() -> None:
    for size in (3, 64, 300):
        cell = cell_of(*range(size))
        copy = cell.copy()
        before = held(copy)
        cell.add(1000.5)
        cell.merge(cell_of(2000.5))
        assert held(copy) == before
        copy.add(3000.5)
        assert 3000.5 not in (cell.distribution() or {})
        assert (copy.count, cell.count) == (size + 1, size + 2)


@pytest.mark.parametrize(
    "before", [(), (2.0,), (2.0, 2.0), (2.0, 3.0), tuple(map(float, range(300))), (-4.0, 1.0)]
)
@pytest.mark.parametrize(
    "values", [(2.0, 2.0), (3.0,), (1.0, 2.0, 2.0), tuple(map(float, range(150))), (-1.0, 4.0), (0.0, 0.0)]
)
def test_many_values_at_once_are_as_one_by_one(before: tuple[float, ...], values: tuple[float, ...]) -> None:
    together, single = cell_of(*before), cell_of(*before)
    together.add_each(values)
    for value in values:
        single.add(value)
    assert held(together) == held(single)
    assert together.sum == pytest.approx(single.sum)


def test_what_is_read_does_not_hide_what_comes_later(tmp_path) -> None:
    store = MetricStore(tmp_path / "metrics", lambda: NOW)

    def highest() -> list[float | None]:
        return store.read(METRIC, NOW - 600, NOW + 60, 60, ("p100", "p50", "Sum")).values["p100"]

    for value, flush in ((1.0, False), (2.0, True), (3.0, False), (4.0, True), (5.0, False)):
        store.put([Sample(METRIC, "None", NOW, values=(value, value / 2))])
        assert highest() == [value]
        if flush:
            store.flush()
            assert highest() == [value]
    store.close()


def test_blocks_of_before_are_brought_up_to_date(tmp_path) -> None:
    """Until a file had a version, a block's distributions were a list: null, false or [folded, values, counts] a cell."""
    folder = tmp_path / "metrics"
    MetricStore(folder, lambda: NOW).close()
    database = sqlite3.connect(folder / "blocks.sqlite3")
    start = NOW - NOW % 10_800
    values = sorted({bucket(float(value)) for value in range(1, 400)})
    cells = array("I", [0, 60, 120, 180]).tobytes()
    for numbers in ([3, 2, 4, 100], [6, 10, 9, 500], [1, 5, 1, 1], [3, 5, 4, 400]):
        cells += array("d", numbers).tobytes()
    sketches = [[False, [2.0, 3.0, 1.0], [1.0] * 3], None, False, [True, values, [0.5] * len(values)]]
    database.execute("INSERT INTO series VALUES (1,'1','us-east-1','n','m','[]','None',?)", (NOW,))
    database.execute(
        "INSERT INTO blocks VALUES (1, 60, ?, ?, ?)", (start, cells, msgspec.msgpack.encode(sketches))
    )
    database.execute("PRAGMA user_version = 0")
    database.commit()
    database.close()
    for _ in range(2):
        store = MetricStore(folder, lambda: NOW)
        found = store.read(Metric("1", "us-east-1", "n", "m"), start, start + 240, 60, ("p50", "Sum"))
        store.close()
        assert found.values["Sum"] == [6, 10, 9, 500]
        assert found.values["p50"] == [2, 5, None, values[99]]
