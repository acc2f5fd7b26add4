"""The metric store: put samples, read statistics, list metrics."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from coldframe.core.durable import make_folder
from coldframe.core.struct_types import whole
from coldframe.engines.metricstore import reading, wal
from coldframe.engines.metricstore.block import Block
from coldframe.engines.metricstore.blocks import Blocks
from coldframe.engines.metricstore.errors import MetricStoreError
from coldframe.engines.metricstore.index import Index, Series
from coldframe.engines.metricstore.keys import RETENTION, Metric, Points, Sample
from coldframe.engines.metricstore.memory import Memory

LOG = logging.getLogger("coldframe.metricstore")

_EXPIRE_EVERY = 3600

Listener = Callable[[Sequence[Sample]], None]


class MetricStore:
    """Durable time series in a directory of their own; safe to use from many threads of one process.

    The log has every sample that is not in the blocks yet. `flush` freezes memory and begins a new log file, merges
    the frozen cells into the blocks, and deletes the log files before it once that is committed; so a crash at any
    moment finds each sample in exactly one of the two.
    """

    def __init__(
        self,
        directory: Path,
        now: Callable[[], float],
        *,
        flush_cells: int = 200_000,
        flush_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        """Open the store in `directory`; `now` gives seconds since 1970.

        It flushes itself once memory has more than `flush_cells` cells, or the log more than `flush_bytes`, which a
        start after a crash has to read.
        """
        make_folder(directory)
        self._directory = directory
        self._now = now
        self._flush_cells = flush_cells
        self._flush_bytes = flush_bytes
        self._blocks = Blocks(directory / "blocks.sqlite3")
        self._index = Index(self._blocks.series())
        self._memory = Memory()
        self._frozen: list[Memory] = []
        self._lock = threading.Lock()
        """Guards memory and index."""
        self._reading = threading.Lock()
        """Held while memory and blocks are read together, and when cells move from the one to the other."""
        self._flushing = threading.Lock()
        self._flusher: threading.Thread | None = None
        self._listeners: list[Listener] = []
        self._expired_at = 0.0
        self._log = wal.Log(directory, self._recover() + 1)

    def put(self, samples: Sequence[Sample]) -> None:
        """Store samples, all or none; they are durable and readable when this returns.

        Raises StorageFull, StorageFailed or StoreClosed; nothing of the batch is stored then.
        """
        if not samples:
            return
        self._log.append(msgspec.msgpack.encode(samples), partial(self._apply, samples))
        if self._memory.cells > self._flush_cells or self._log.size > self._flush_bytes:
            self._flush_aside()
        for listener in self._listeners:
            listener(samples)

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every batch once it is stored, in the thread that put it: so it must not take long."""
        self._listeners.append(listener)

    def read(
        self,
        metric: Metric,
        start: int,
        end: int,
        period: int,
        statistics: Sequence[str],
        unit: str | None = None,
    ) -> Points:
        """Return statistics of the periods that begin at start, start + period, ... and end before or with `end`.

        Times are in seconds; cells with start <= time < end count. `period` is a multiple of one resolution of LEVELS, and
        the coarsest one that divides period and start is read, as far back as it is kept. Without a unit all units
        are taken together. Raises UnknownStatistic.
        """
        wanted = reading.Request(start, end, period, statistics)
        oldest = wanted.oldest(self._now())
        with self._reading:
            series = [one.id for one in self.units(metric) if unit is None or one.unit == unit]
            stored = [block for one in series for block in self._stored(one, wanted, oldest)]
            read = reading.Reading(wanted, oldest, stored)
            with self._lock:
                read.take(series, [*self._frozen, self._memory])
            return read.points()

    def _stored(self, series: int, wanted: reading.Request, oldest: int) -> list[Block]:
        found = self._blocks.read(series, wanted.level, oldest, wanted.end)
        if not found and wanted.level == 1:
            # A series of whole minutes: each is in the period that it begins in.
            return self._blocks.read(series, 60, oldest, wanted.end)
        return found

    def units(self, metric: Metric) -> list[Series]:
        """Return the series of a metric: one a unit, with the time of its newest sample."""
        with self._lock:
            return self._index.units(metric)

    def series(
        self,
        account: str,
        region: str,
        *,
        namespace: str | None = None,
        name: str | None = None,
        dimensions: Mapping[str, str | None] | None = None,
        active_since: int | None = None,
    ) -> list[tuple[int, Metric]]:
        """Return metrics with a number that orders them, ascending: the filters are exact, None of a dimension is any.

        A metric may have more dimensions than asked for. `active_since` leaves out those without a sample since then.
        """
        wanted = (dimensions or {}).items()
        found: list[tuple[int, Metric]] = []
        with self._lock:
            for metric, order, last in self._index.metrics(account, region, namespace):
                if (name is not None and metric.name != name) or (active_since or 0) > last:
                    continue
                if wanted:
                    own = dict(metric.dimensions)
                    if not all(key in own and value in {None, own[key]} for key, value in wanted):
                        continue
                found.append((order, metric))
        return sorted(found)

    def flush(self) -> None:
        """Move what is in memory to the blocks and delete what retention no longer keeps; raises MetricStoreError."""
        with self._flushing:
            with self._log.lead, self._lock:
                if self._memory.cells:
                    self._frozen.append(self._memory)
                    self._memory = Memory()
                number = self._log.rotate()
            for memory in self._frozen:
                for run in memory.runs():
                    # Whoever reads may do the same.
                    with self._lock:
                        run.order()
                self._blocks.fold(memory, self._index.by_id, number)
            now = self._now()
            expiring = now - self._expired_at >= _EXPIRE_EVERY
            if expiring:
                self._blocks.expire(int(now))
            with self._reading, self._lock:
                self._blocks.commit()
                self._frozen = []
                if expiring:
                    self._index.expire(int(now) - RETENTION[3600])
                    self._expired_at = now
            self._drop_logs(number)

    def empty(self) -> None:
        """Forget everything."""
        self.flush()
        with self._flushing, self._reading, self._log.lead, self._lock:
            self._memory, self._frozen = Memory(), []
            number = self._log.rotate()
            self._blocks.empty()
            self._index = Index([])
            self._drop_logs(number)

    def close(self) -> None:
        """End the flush under way and close the files; the log keeps what is not in the blocks."""
        if self._flusher is not None:
            self._flusher.join()
        with self._flushing:
            self._log.close()
            self._blocks.close()

    def _apply(self, samples: Sequence[Sample]) -> None:
        with self._lock:
            add, seen = self._memory.add, self._index.seen
            for sample in samples:
                add(seen(sample.metric, sample.unit, sample.at), sample)

    def _recover(self) -> int:
        """Read back what the log has beyond the blocks; returns the number of its last file."""
        folded = last = self._blocks.folded()
        decoder = msgspec.msgpack.Decoder(whole(list[Sample]))
        for number, path in wal.found(self._directory):
            if number > folded:
                for payload in wal.payloads(path):
                    self._apply(decoder.decode(payload))
            else:
                path.unlink()
            last = max(last, number)
        return last

    def _flush_aside(self) -> None:
        with self._lock:
            if self._flusher is not None and self._flusher.is_alive():
                return
            self._flusher = threading.Thread(target=self._try_flush, name="metricstore-flush")
            self._flusher.start()

    def _try_flush(self) -> None:
        try:
            self.flush()
        except MetricStoreError as error:
            LOG.warning("metric data stays in the log until the next flush: %s", error)

    def _drop_logs(self, number: int) -> None:
        for found, path in wal.found(self._directory):
            if found <= number:
                path.unlink()
