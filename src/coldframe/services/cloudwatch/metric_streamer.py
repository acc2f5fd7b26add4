"""Sends the metrics of metric streams to Firehose: every minute of each metric once it has ended, at least once."""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from coldframe.core import arns
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.store import MetricStore
from coldframe.identity.caller import Caller
from coldframe.identity.service_roles import assume
from coldframe.services.cloudwatch.metric_streams import open_telemetry
from coldframe.services.cloudwatch.metric_streams.json_lines import Datum, line, records
from coldframe.services.cloudwatch.metric_streams.selection import ALWAYS, more_statistics, selects
from coldframe.services.cloudwatch.stream_records import RUNNING, MetricStream

LOG = logging.getLogger("coldframe.cloudwatch")

PRINCIPAL = "streams.metrics.cloudwatch.amazonaws.com"
_MINUTE = 60
# How long after its end a minute is sent: what comes later is sent again, with what came before.
_DELAY = 60
_OLDEST = 2 * 86_400
# How much is sent before it is written down that it was.
_AT_ONCE = 3600
_RECORDS_AT_ONCE = 10
_MOST_LATE = 100_000

_Place = tuple[str, str]


class _Minute(NamedTuple):
    """A metric's minute, in one unit."""

    metric: Metric
    unit: str
    at: int


class MetricStreamer:
    """Sends what is due; knows of the minutes that got data after they had been sent, until the process ends."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._late: set[_Minute] = set()
        self._sent: tuple[int, dict[_Place, int]] = (-1, {})

    def arrived(self, samples: Iterable[Sample]) -> None:
        """Take note of data of minutes that have been sent already."""
        sent = self._sent_until()
        if not sent:
            return
        late = {
            _Minute(sample.metric, sample.unit, sample.at - sample.at % _MINUTE)
            for sample in samples
            if sample.at < sent.get(sample.metric[:2], 0)
        }
        if late:
            with self._lock:
                self._late |= late
                while len(self._late) > _MOST_LATE:
                    self._late.pop()

    def run_due(self) -> None:
        """Send what has ended since the last time, and what came late; a stream that fails is tried again next time."""
        with self._sending:
            self._send_due()

    def _send_due(self) -> None:
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(MetricStream)
        running = [row for row in rows if row[2].state == RUNNING]
        with self._lock:
            late, self._late = self._late, set()
        for account, region, stream in running:
            own = [minute for minute in late if minute.metric[:2] == (account, region)]
            try:
                self._send_late((account, region), stream, own)
                self._catch_up((account, region), stream)
            except (ClientError, ServiceFault) as error:
                LOG.warning("metric stream %s: its metrics wait: %s", stream.name, error)
                with self._lock:
                    self._late.update(own)

    def _catch_up(self, place: _Place, stream: MetricStream) -> None:
        now = int(self._installation.clock.seconds())
        end = (now - _DELAY) // _MINUTE * _MINUTE
        start = max(stream.sent_until, end - _OLDEST)
        while start < end:
            until = min(start + _AT_ONCE, end)
            self._send(place, stream, self._ended(place, stream, start, until))
            if not self._remember(place, stream, until):
                return
            start = until

    def _ended(self, place: _Place, stream: MetricStream, start: int, until: int) -> Iterator[Datum]:
        store = self._installation.parts.get(MetricStore)
        for _, metric in store.series(*place, active_since=start):
            if selects(stream.include, stream.exclude, metric.namespace, metric.name):
                for unit in [series.unit for series in store.units(metric)]:
                    yield from self._data(stream, metric, unit, (start, until))

    def _send_late(self, place: _Place, stream: MetricStream, late: Sequence[_Minute]) -> None:
        oldest = self._installation.clock.seconds() - _OLDEST
        self._send(
            place,
            stream,
            (
                datum
                for minute in sorted(late)
                if oldest <= minute.at < stream.sent_until
                and selects(stream.include, stream.exclude, minute.metric.namespace, minute.metric.name)
                for datum in self._data(stream, minute.metric, minute.unit, (minute.at, minute.at + _MINUTE))
            ),
        )

    def _data(
        self, stream: MetricStream, metric: Metric, unit: str, span: tuple[int, int]
    ) -> Iterator[Datum]:
        names = (*ALWAYS, *more_statistics(stream.statistics, metric.namespace, metric.name))
        found = self._installation.parts.get(MetricStore).read(metric, *span, _MINUTE, names, unit=unit)
        for index, at in enumerate(found.times):
            values = {name: found.values[name][index] for name in names}
            yield Datum(metric.namespace, metric.name, dict(metric.dimensions), unit, at, values)

    def _send(self, place: _Place, stream: MetricStream, data: Iterator[Datum]) -> None:
        waiting: list[bytes] = []
        for record in _records(place, stream, data):
            waiting.append(record)
            if len(waiting) == _RECORDS_AT_ONCE:
                self._put(place, stream, waiting)
                waiting = []
        if waiting:
            self._put(place, stream, waiting)

    def _put(self, place: _Place, stream: MetricStream, waiting: Sequence[bytes]) -> None:
        answer = self._client(place, stream).put_record_batch(
            DeliveryStreamName=arns.parse(stream.firehose).resource.partition("/")[2],
            Records=[{"Data": record} for record in waiting],
        )
        if answer["FailedPutCount"]:
            raise ServiceFault("ServiceUnavailableException", "Firehose did not take every record.")

    def _client(self, place: _Place, stream: MetricStream) -> Any:
        clients = self._installation.clients
        assert clients is not None, "the server has clients before it streams"
        service = Caller(kind="service", arn=PRINCIPAL, account=place[0], source_arn=stream.arn)
        try:
            role = assume(self._installation, stream.role, service, place[1])
            return clients("firehose", principal=role, region=place[1])
        except KeyError:
            raise ServiceFault("ServiceUnavailableException", "Firehose is not built here.") from None

    def _remember(self, place: _Place, stream: MetricStream, until: int) -> bool:
        """Write down up to when a stream has been sent; False when it has been changed meanwhile."""
        with self._installation.store.write() as transaction:
            rows = transaction.records(*place)
            now = rows.find(MetricStream, stream.name)
            if now is None or (now.created, now.updated) != (stream.created, stream.updated):
                return False
            rows.change(now, sent_until=until)
        return True

    def _sent_until(self) -> dict[_Place, int]:
        """Up to when the streams of each account and region have been sent, gathered anew after one has changed."""
        version = self._installation.store.version(MetricStream)
        known, sent = self._sent
        if known != version:
            sent = {}
            with self._installation.store.read() as transaction:
                rows = transaction.records("", "").everywhere(MetricStream)
            for account, region, stream in rows:
                if stream.state == RUNNING:
                    sent[account, region] = max(sent.get((account, region), 0), stream.sent_until)
            self._sent = (version, sent)
        return sent


def _records(place: _Place, stream: MetricStream, data: Iterator[Datum]) -> Iterator[bytes]:
    """Return the records of Firehose in the format of the stream."""
    if stream.format == "json":
        return records(line(stream.name, *place, datum) for datum in data)
    return records(
        (open_telemetry.metric(datum, stream.format) for datum in data),
        lambda metrics: open_telemetry.framed(stream.arn, *place, metrics),
    )
