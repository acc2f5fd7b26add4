"""Metrics that CloudWatch Logs publishes: kept by the minute in the store, written a second after they happen."""

import logging
import threading
from typing import NamedTuple

from coldframe.core.store import Store, StoreError
from coldframe.services.logs.records import MetricMinute

LOG = logging.getLogger("coldframe.logs")

MINUTE = 60_000


class _Key(NamedTuple):
    account: str
    region: str
    namespace: str
    name: str
    dimensions: str
    minute: int
    unit: str


class MetricJournal:
    """Collects values and writes them to the store once a second, all together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[_Key, list[float]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(
        self,
        place: tuple[str, str],
        metric: tuple[str, str],
        value: float,
        *,
        at: int,
        dimensions: dict[str, str] | None = None,
        unit: str = "None",
        count: float = 1.0,
    ) -> None:
        """Add a value (of `count` equal samples) to a metric at a time in milliseconds."""
        pairs = "\n".join(f"{name}={text}" for name, text in sorted((dimensions or {}).items()))
        key = _Key(*place, *metric, pairs, at - at % MINUTE, unit)
        with self._changed:
            first = not self._waiting
            _join(
                self._waiting.setdefault(key, [0.0, 0.0, value, value]), [count, value * count, value, value]
            )
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, name="logs-metrics", daemon=True)
                self._thread.start()
            if first:  # a thread that waits out its second is not woken for every value
                self._changed.notify()

    def flush(self) -> None:
        """Write what has been collected."""
        with self._changed:
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            self._write(waiting)
        except StoreError:
            # What could not be written is written with what comes after it.
            with self._changed:
                for key, row in self._waiting.items():
                    _join(waiting.setdefault(key, [0.0, 0.0, row[2], row[3]]), row)
                self._waiting = waiting
            raise

    def _write(self, waiting: "dict[_Key, list[float]]") -> None:
        with self._store.write() as transaction:
            for key, collected in waiting.items():
                row = [*collected]
                records = transaction.records(key.account, key.region)
                now = records.find(MetricMinute, key.namespace, key.name, key.dimensions, key.minute)
                if now is not None:
                    _join(row, [now.count, now.sum, now.least, now.most])
                records.put(
                    MetricMinute(
                        namespace=key.namespace,
                        name=key.name,
                        dimensions=key.dimensions,
                        minute=key.minute,
                        unit=key.unit,
                        count=row[0],
                        sum=row[1],
                        least=row[2],
                        most=row[3],
                    )
                )

    def close(self) -> None:
        """Write the rest and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._changed.wait_for(lambda: self._closed, 1.0)
                if self._closed:
                    return
            try:
                self.flush()
            except StoreError as error:
                LOG.warning("metrics wait until the store takes writes again: %s", error)


def _join(row: list[float], other: list[float]) -> None:
    row[0] += other[0]
    row[1] += other[1]
    row[2] = min(row[2], other[2])
    row[3] = max(row[3], other[3])
