"""What CloudWatch offers other services: a sink for their own metrics, written to the store a second later."""

import logging
import threading
from collections.abc import Mapping
from typing import NamedTuple

from coldframe.engines.metricstore.errors import MetricStoreError
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.store import MetricStore

LOG = logging.getLogger("coldframe.cloudwatch")

_DELAY = 1.0


class _Key(NamedTuple):
    metric: Metric
    unit: str
    minute: int


class MetricWriter:
    """Collects values and puts them into the store once a second, all together (a core.offers.MetricSink)."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._waiting: dict[_Key, dict[float, float]] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(
        self,
        place: tuple[str, str],
        metric: tuple[str, str],
        value: float,
        *,
        at: int,
        dimensions: Mapping[str, str] | None = None,
        unit: str = "None",
        count: float = 1.0,
    ) -> None:
        """Add a value; see core.offers.MetricSink."""
        seconds = at // 1000
        pairs = tuple(sorted((dimensions or {}).items()))
        key = _Key(Metric(*place, *metric, pairs), unit, seconds - seconds % 60)
        with self._changed:
            first = not self._waiting
            values = self._waiting.setdefault(key, {})
            values[value] = values.get(value, 0.0) + count
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, name="cloudwatch-sink", daemon=True)
                self._thread.start()
            if first:  # a thread that waits out its second is not woken for every value
                self._changed.notify()

    def flush(self) -> None:
        """Write what has been collected; raises MetricStoreError, and keeps it, when the store refuses."""
        with self._writing:
            with self._changed:
                waiting, self._waiting = self._waiting, {}
            try:
                self._store.put(
                    [
                        Sample(key.metric, key.unit, key.minute, 60, list(values), list(values.values()))
                        for key, values in waiting.items()
                    ]
                )
            except MetricStoreError:
                self._take_back(waiting)
                raise

    def close(self) -> None:
        """Write the rest and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _take_back(self, waiting: dict[_Key, dict[float, float]]) -> None:
        """Let what could not be written be written with what comes after it."""
        with self._changed:
            for key, values in self._waiting.items():
                before = waiting.setdefault(key, {})
                for value, count in values.items():
                    before[value] = before.get(value, 0.0) + count
            self._waiting = waiting

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._changed.wait_for(lambda: self._closed, _DELAY)
                if self._closed:
                    return
            try:
                self.flush()
            except MetricStoreError as error:
                LOG.warning("metrics wait until the store takes writes again: %s", error)
