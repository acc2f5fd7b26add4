"""The metric store: durable, the same before and after a flush, rolled up, and forgotten when retention says so."""

import os
import random

import pytest

from coldframe.engines.metricstore import backup, wal
from coldframe.engines.metricstore.blocks import Blocks
from coldframe.engines.metricstore.errors import StorageFailed, StorageFull, StoreClosed
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.store import MetricStore

NOW = 1_700_000_400
ALL = ("SampleCount", "Sum", "Minimum", "Maximum", "Average", "p50")
METRIC = Metric("123456789012", "us-east-1", "shop", "latency", (("page", "cart"),))


class Time:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def store(tmp_path, time):
    opened = MetricStore(tmp_path / "metrics", time)
    yield opened
    opened.close()


def sample(at, *values, metric=METRIC, unit="None", **more):
    return Sample(metric, unit, at, values=values, **more)


def reopened(store, tmp_path, time):
    store.close()
    return MetricStore(tmp_path / "metrics", time)


def crashed_copy(tmp_path, time):
    """A store on a copy of what the disk has at this moment, as after a power cut."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "metrics").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return MetricStore(copy, time)


def sums(store, period=60, start=NOW - 3600, end=NOW + 60, **more):
    found = store.read(METRIC, start - start % 3600, end, period, ("Sum",), **more)
    return dict(zip(found.times, found.values["Sum"], strict=True))


def test_samples_are_summed_by_the_minute(store):
    store.put([sample(NOW, 1, 2), sample(NOW + 59 - NOW % 60, 4), sample(NOW - 60, 8)])
    minute = NOW - NOW % 60
    assert sums(store) == {minute: 7, minute - 60: 8}


def test_what_was_put_is_there_after_a_crash(store, tmp_path, time):
    store.put([sample(NOW, 1)])
    store.flush()
    store.put([sample(NOW, 2)])
    copy = crashed_copy(tmp_path, time)
    assert sum(sums(copy).values()) == 3
    copy.close()


def test_a_crash_between_the_commit_of_a_flush_and_the_end_of_its_log_counts_nothing_twice(
    store, tmp_path, time, monkeypatch
):
    store.put([sample(NOW, 1), sample(NOW, 5)])
    monkeypatch.setattr(MetricStore, "_drop_logs", lambda self, number: None)
    store.flush()
    assert list((tmp_path / "metrics").glob("*.wal"))
    copy = crashed_copy(tmp_path, time)
    assert sum(sums(copy).values()) == 6
    copy.close()


def test_a_torn_end_of_the_log_is_passed_over(store, tmp_path, time):
    store.put([sample(NOW, 1)])
    store.put([sample(NOW, 2)])
    store.close()
    (path,) = (tmp_path / "metrics").glob("*.wal")
    path.write_bytes(path.read_bytes()[:-3])
    again = MetricStore(tmp_path / "metrics", time)
    assert sum(sums(again).values()) == 1
    again.put([sample(NOW, 4)])
    again.close()
    last = MetricStore(tmp_path / "metrics", time)
    assert sum(sums(last).values()) == 5
    last.close()


@pytest.mark.parametrize("flush", [False, True, "halfway"])
def test_reading_is_the_same_from_memory_and_from_blocks(store, flush):
    draw = random.Random(7)
    values = [(NOW - draw.randrange(3500), draw.expovariate(0.01)) for _ in range(3000)]
    for index in range(0, 3000, 500):
        store.put([sample(at, value) for at, value in values[index : index + 500]])
        if flush == "halfway" and index == 1500:
            store.flush()
    if flush is True:
        store.flush()
    start = NOW - 3600 - NOW % 3600
    for period in (60, 120, 300, 900, 3600):
        found = store.read(METRIC, start, NOW + 60, period, ALL)
        for index, time in enumerate(found.times):
            inside = sorted(value for at, value in values if time <= at - at % 60 < time + period)
            assert found.values["SampleCount"][index] == len(inside)
            assert found.values["Sum"][index] == pytest.approx(sum(inside))
            assert found.values["Minimum"][index] == inside[0]
            assert found.values["Maximum"][index] == inside[-1]
            middle = inside[(len(inside) + 1) // 2 - 1]
            assert found.values["p50"][index] == pytest.approx(middle, rel=0.0101)


def test_seconds_are_kept_for_three_hours_and_minutes_for_fifteen_days(store, time):
    store.put([sample(NOW, 1, resolution=1), sample(NOW + 1, 2, resolution=1)])
    store.flush()
    start = NOW - NOW % 3600
    for _ in range(2):
        assert store.read(METRIC, start, NOW + 10, 1, ("Sum",)).values["Sum"] == [1, 2]
        time.now = NOW + 3 * 3600 - 10
    time.now = NOW + 3 * 3600 + 2
    assert store.read(METRIC, start, NOW + 10, 1, ("Sum",)).times == []
    assert store.read(METRIC, start, NOW + 10, 60, ("Sum",)).values["Sum"] == [3]
    time.now = NOW + 15 * 86400 + 60
    assert store.read(METRIC, start, NOW + 10, 60, ("Sum",)).times == []
    assert store.read(METRIC, start, NOW + 10, 300, ("Sum",)).values["Sum"] == [3]
    time.now = NOW + 63 * 86400 + 300
    assert store.read(METRIC, start, NOW + 10, 300, ("Sum",)).times == []
    assert store.read(METRIC, start, NOW + 10, 3600, ("Sum",)).values["Sum"] == [3]
    time.now = NOW + 455 * 86400 + 3600
    store.flush()
    assert store.read(METRIC, start, NOW + 10, 3600, ("Sum",)).times == []
    assert store.series("123456789012", "us-east-1") == []


def test_minutes_are_in_the_short_period_that_they_begin_in(store):
    minute = NOW - NOW % 60 - 600
    store.put([sample(minute + 7, 3), sample(minute + 60, 4)])
    for more in range(3):
        found = store.read(METRIC, minute, minute + 120, 10, ("Sum",))
        assert (found.times, found.values["Sum"]) == ([minute, minute + 60], [3 + more, 4])
        store.flush()
        store.put([sample(minute + 8, 1)])


def test_expired_blocks_leave_the_disk(store, time):
    store.put([sample(NOW, 1, resolution=1)])
    store.flush()
    rows = "SELECT level FROM blocks ORDER BY level"
    assert [level for (level,) in store._blocks._reader.execute(rows)] == [1, 60, 300, 3600]
    time.now = NOW + 16 * 86400
    store.flush()
    assert [level for (level,) in store._blocks._reader.execute(rows)] == [300, 3600]


def test_periods_are_counted_from_the_start(store):
    minute = NOW - NOW % 300
    store.put([sample(minute + 60 * index, 1) for index in range(10)])
    found = store.read(METRIC, minute + 120, minute + 600, 300, ("Sum",))
    assert found.times == [minute + 120, minute + 420]
    assert found.values["Sum"] == [5, 3]


def test_units_are_told_apart_or_taken_together(store):
    store.put([sample(NOW, 1, unit="Bytes"), sample(NOW, 2, unit="Count")])
    assert list(sums(store, unit="Bytes").values()) == [1]
    assert list(sums(store).values()) == [3]
    assert list(sums(store, unit="Percent").values()) == []
    assert [series.unit for series in store.units(METRIC)] == ["Bytes", "Count"]


def test_metrics_are_found_by_name_and_dimension(store, tmp_path, time):
    others = [
        METRIC._replace(name="errors"),
        METRIC._replace(dimensions=(("page", "home"),)),
        METRIC._replace(namespace="other"),
        METRIC._replace(account="999999999999"),
    ]
    store.put([sample(NOW, 1, metric=metric) for metric in (METRIC, *others)])

    def found(**filters):
        return [metric for _, metric in store.series("123456789012", "us-east-1", **filters)]

    for _ in range(2):
        assert found() == [METRIC, *others[:3]]
        assert found(namespace="other") == [others[2]]
        assert found(name="errors") == [others[0]]
        assert found(dimensions={"page": "home"}) == [others[1]]
        assert len(found(dimensions={"page": None})) == 4
        assert found(dimensions={"none": None}) == []
        assert found(active_since=NOW + 1) == []
        store.flush()
        store = reopened(store, tmp_path, time)
    store.close()


def test_a_full_disk_refuses_and_the_store_goes_on(store, tmp_path, time, monkeypatch):
    store.put([sample(NOW, 1)])
    real = os.write

    def full(descriptor, data):
        real(descriptor, bytes(data)[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wal.os, "write", full)
    with pytest.raises(StorageFull):
        store.put([sample(NOW, 2)])
    monkeypatch.setattr(wal.os, "write", real)
    assert sum(sums(store).values()) == 1
    store.put([sample(NOW, 4)])
    copy = crashed_copy(tmp_path, time)
    assert sum(sums(copy).values()) == 5
    copy.close()


@pytest.mark.parametrize("limit", [{"flush_cells": 100}, {"flush_bytes": 5000}])
def test_it_flushes_itself_when_memory_or_log_is_large(tmp_path, time, limit):
    store = MetricStore(tmp_path / "metrics", time, **limit)
    for index in range(150):
        store.put([sample(NOW - index * 60, 1)])
    store._flusher.join()
    assert store._blocks.folded() > 0
    assert sum(sums(store, start=NOW - 86400, period=3600).values()) == 150
    store.close()


def test_a_closed_store_refuses(tmp_path, time):
    store = MetricStore(tmp_path / "metrics", time)
    store.close()
    with pytest.raises(StoreClosed):
        store.put([sample(NOW, 1)])


def test_emptied_it_has_nothing_and_goes_on(store, tmp_path, time):
    store.put([sample(NOW, 1)])
    store.empty()
    assert sums(store) == {}
    store.put([sample(NOW, 2)])
    store = reopened(store, tmp_path, time)
    assert sum(sums(store).values()) == 2
    store.close()


def test_listeners_hear_of_what_is_stored(store):
    heard = []
    store.listen(lambda samples: heard.append((samples[0].metric, sum(sums(store).values()))))
    store.put([sample(NOW, 3)])
    assert heard == [(METRIC, 3)]


def test_a_backup_has_what_was_put(store, tmp_path, time):
    store.put([sample(NOW, 1)])
    store.flush()
    store.put([sample(NOW, 2)])
    backup.copy(tmp_path / "metrics", tmp_path / "copy")
    store.put([sample(NOW, 4)])
    copied = MetricStore(tmp_path / "copy", time)
    assert sum(sums(copied).values()) == 3
    copied.close()


def test_a_batch_whose_sync_was_refused_does_not_come_back(store, tmp_path, time, monkeypatch):
    store.put([sample(NOW, 1)])

    def refuse(descriptor):
        raise OSError(5, "Input/output error")

    real = os.fdatasync
    monkeypatch.setattr(wal.os, "fdatasync", refuse)
    with pytest.raises(StorageFailed):
        store.put([sample(NOW, 2)])
    monkeypatch.setattr(wal.os, "fdatasync", real)
    store.put([sample(NOW, 4)])
    copy = crashed_copy(tmp_path, time)
    assert sum(sums(copy).values()) == sum(sums(store).values()) == 5
    copy.close()


@pytest.mark.parametrize(("place", "left"), [(30, 6), (-3, 3)])
def test_a_damaged_batch_is_left_out(store, tmp_path, time, place, left):
    for value in (1, 2, 4):
        store.put([sample(NOW, value)])
    store.close()
    (path,) = (tmp_path / "metrics").glob("*.wal")
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    again = MetricStore(tmp_path / "metrics", time)
    assert sum(sums(again).values()) == left
    again.close()


@pytest.mark.parametrize("step", ["fold", "commit"])
def test_a_flush_that_fails_loses_nothing(store, tmp_path, time, monkeypatch, step):
    store.put([sample(NOW, 1)])
    real = getattr(Blocks, step)

    def full(self, *arguments):
        real(self, *arguments) if step == "fold" else None
        self._writer.rollback()
        raise StorageFull("no space")

    monkeypatch.setattr(Blocks, step, full)
    with pytest.raises(StorageFull):
        store.flush()
    store.put([sample(NOW, 2)])
    monkeypatch.setattr(Blocks, step, real)
    assert sum(sums(store).values()) == 3
    copy = crashed_copy(tmp_path, time)
    assert sum(sums(copy).values()) == 3
    copy.close()
    store.flush()
    assert sum(sums(store).values()) == 3
    store = reopened(store, tmp_path, time)
    assert sum(sums(store).values()) == 3
    store.close()
