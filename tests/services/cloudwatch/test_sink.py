"""The sink that services write their own metrics to: readable a second later, and never lost to a full disk."""

import threading

import pytest

from coldframe.engines.metricstore.errors import StorageFull
from coldframe.engines.metricstore.keys import Metric
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.offers import MetricWriter

NOW = 1_700_000_400
PLACE = ("123456789012", "us-east-1")
METRIC = Metric(*PLACE, "AWS/Logs", "IncomingBytes", (("LogGroupName", "g"),))


@pytest.fixture
def store(tmp_path):
    opened = MetricStore(tmp_path / "metrics", lambda: NOW)
    yield opened
    opened.close()


def put(writer, value, **more):
    writer.put(
        PLACE, ("AWS/Logs", "IncomingBytes"), value, at=NOW * 1000, dimensions={"LogGroupName": "g"}, **more
    )


def total(store, unit=None):
    found = store.read(METRIC, NOW - NOW % 60, NOW + 60, 60, ("Sum", "SampleCount"), unit)
    return [
        (found.values["Sum"][index], found.values["SampleCount"][index]) for index in range(len(found.times))
    ]


def test_values_are_there_after_a_flush(store):
    writer = MetricWriter(store)
    put(writer, 5)
    put(writer, 5)
    put(writer, 2, count=3)
    put(writer, 100, unit="Bytes")
    writer.flush()
    assert total(store, "None") == [(16, 5)]
    assert total(store, "Bytes") == [(100, 1)]
    writer.close()


def test_values_are_there_soon_without_one(store):
    stored = threading.Event()
    store.listen(lambda samples: stored.set())
    writer = MetricWriter(store)
    put(writer, 5)
    assert stored.wait(10)
    assert total(store) == [(5, 1)]
    writer.close()


def test_closing_writes_the_rest(store):
    writer = MetricWriter(store)
    put(writer, 5)
    writer.close()
    assert total(store) == [(5, 1)]


def test_what_the_store_refuses_is_written_later(store, monkeypatch):
    writer = MetricWriter(store)
    real = store.put

    def full(samples):
        raise StorageFull("no space")

    monkeypatch.setattr(store, "put", full)
    put(writer, 5)
    with pytest.raises(StorageFull):
        writer.flush()
    put(writer, 5)
    put(writer, 1)
    monkeypatch.setattr(store, "put", real)
    writer.flush()
    assert total(store) == [(11, 3)]
    writer.close()
