"""Columns in memory and in blocks: what is read is what was put, however it came, lay and was flushed."""

import random
import threading

import pytest

from coldframe.engines.metricstore.block import content
from coldframe.engines.metricstore.block_cache import BlockCache
from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.statistics import statistic
from coldframe.engines.metricstore.store import MetricStore

NOW = 1_700_002_800  # an hour's beginning
METRIC = Metric("123456789012", "us-east-1", "shop", "latency")
STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p0", "p50", "p99", "tm90", "PR(:5)")


@pytest.fixture
def store(tmp_path):
    opened = MetricStore(tmp_path / "metrics", lambda: NOW)
    yield opened
    opened.close()


def expected(samples, start, end, period, names):
    """Every period's statistics, from the values themselves."""
    cells = {}
    for sample in samples:
        at = sample.at if sample.resolution == 1 else sample.at - sample.at % 60
        if start <= at < end:
            cell = cells.setdefault(at - (at - start) % period, Cell())
            if sample.summary is not None:
                cell.add_summary(*sample.summary)
            for index, value in enumerate(sample.values):
                cell.add(value, sample.counts[index] if sample.counts else 1.0)
    return {at: [statistic(name)(cells[at]) for name in names] for at in sorted(cells)}


def found(store, start, end, period, names):
    points = store.read(METRIC, start, end, period, names)
    assert points.times == sorted(points.times)
    return {at: [points.values[name][row] for name in names] for row, at in enumerate(points.times)}


def drawn(rng, resolution):
    at = NOW - rng.randrange(3 * 3600)
    form = rng.random()
    if form < 0.5:
        return Sample(METRIC, "None", at, resolution, (float(rng.randrange(8)),))
    if form < 0.7:
        return Sample(METRIC, "None", at, resolution, tuple(float(rng.randrange(10)) for _ in range(5)))
    if form < 0.9:
        return Sample(METRIC, "None", at, resolution, (1.0, 4.0), (2.0, 0.5))
    if form < 0.95:
        return Sample(METRIC, "None", at, resolution, (-1.0,))
    return Sample(METRIC, "None", at, resolution, summary=(4.0, 10.0, 1.0, 5.0))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("resolution", [60, 1])
def test_late_early_and_flushed_samples_read_as_they_were_put(store, seed, resolution):
    rng = random.Random(seed)
    samples = []
    start = NOW - 3 * 3600
    for turn in range(8):
        batch = [drawn(rng, resolution if rng.random() < 0.8 else 60) for _ in range(rng.choice((1, 10, 60)))]
        store.put(batch)
        samples += batch
        if rng.random() < 0.5:
            store.flush()
        for period in (60, 300, 600, 3600):
            names = STATISTICS if turn % 2 else STATISTICS[:5]
            wanted = expected(samples, start, NOW + 60, period, names)
            read = found(store, start, NOW + 60, period, names)
            assert read.keys() == wanted.keys()
            for at, values in wanted.items():
                assert read[at] == pytest.approx(values), (period, at - start)


def test_what_was_read_is_not_changed_by_what_comes_later(store):
    """A read hands out its own lists, although statistics are kept."""
    store.put([Sample(METRIC, "None", NOW, values=(1.0, 2.0))])
    first = store.read(METRIC, NOW, NOW + 60, 60, ("p50", "Sum"))
    first.values["p50"].append(7.0)
    first.times.append(0)
    store.put([Sample(METRIC, "None", NOW, values=(9.0,))])
    again = store.read(METRIC, NOW, NOW + 60, 60, ("p50", "Sum", "p100"))
    assert (again.times, again.values) == ([NOW], {"p50": [2.0], "Sum": [12.0], "p100": [9.0]})
    store.flush()
    for _ in range(2):
        kept = store.read(METRIC, NOW, NOW + 60, 60, ("p50",))
        assert kept.values == {"p50": [2.0]}
        kept.values["p50"].clear()


def test_a_block_that_is_extended_many_times_is_one_that_was_written_at_once(tmp_path):
    rng = random.Random(5)
    samples = [
        Sample(METRIC, "None", NOW - 60 * minute, values=tuple(rng.lognormvariate(3, 2) for _ in range(100)))
        for minute in range(120, 0, -1)
    ]
    rows = []
    for name, every in (("often", 7), ("once", 1000)):
        store = MetricStore(tmp_path / name, lambda: NOW)
        for number, sample in enumerate(samples, 1):
            store.put([sample])
            if number % every == 0:
                store.flush()
        store.flush()
        blocks = store._blocks._writer.execute("SELECT level, start, cells, sketches FROM blocks").fetchall()
        rows.append({row[:2]: content(*row[2:]).cells() for row in blocks})
        store.close()
    often, once = rows
    assert often.keys() == once.keys()
    for key, cells in once.items():
        for mine, theirs in zip(often[key], cells, strict=True):
            assert (mine.count, mine.least, mine.most) == (theirs.count, theirs.least, theirs.most)
            assert mine.sum == pytest.approx(theirs.sum)
            assert mine.distribution() == pytest.approx(theirs.distribution())


def test_readers_see_whole_batches_while_they_are_put_and_flushed(store):
    """Count and sum of a batch arrive together, whether its cell lies in memory, is on its way, or is in a block."""
    done = threading.Event()
    wrong = []

    def look():
        while not done.is_set():
            points = store.read(METRIC, NOW - 3600, NOW + 60, 60, ("SampleCount", "Sum", "p100"))
            values = zip(*points.values.values(), strict=True)
            wrong.extend(row for row in values if row[1] != 2 * row[0] or row[2] != 2)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(300):
            at = NOW - 60 * (number * 7 % 60)
            store.put([Sample(METRIC, "None", at, values=(2.0, 2.0))])
            if number % 50 == 49:
                store.flush()
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert not wrong
    total = store.read(METRIC, NOW - 3600, NOW + 3600, 3600, ("SampleCount",))
    assert sum(total.values["SampleCount"]) == 600


def test_the_cache_keeps_what_was_used_last():
    class Held:
        times = range(100)

    cache = BlockCache(most_cells=250)
    for start in range(2):
        cache.keep((1, 60, start), Held())
    assert cache.found([(1, 60, 0)]) is not None
    cache.keep((1, 60, 2), Held())
    assert cache.found([(1, 60, 1)]) is None
    assert len(cache.found([(1, 60, 0), (1, 60, 2)])) == 2
    cache.keep((1, 60, 3), None)
    assert cache.found([(1, 60, 3)]) == []
    cache.forget([(1, 60, 0), (9, 9, 9)])
    assert cache.found([(1, 60, 0)]) is None
    cache.clear()
    assert cache.found([(1, 60, 2)]) is None
