"""The writer: one thread that turns full or old buffers into objects, and tries again until S3 takes them."""

import logging
import threading
from typing import Any, NamedTuple

from coldframe.core import ids
from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.core.store import StoreUnavailable
from coldframe.engines.queue import Message, Reading
from coldframe.identity.caller import Caller
from coldframe.identity.service_roles import assume
from coldframe.services.firehose import metrics, objects
from coldframe.services.firehose.buffers import Buffers, unpack
from coldframe.services.firehose.destinations import buffering, encryption
from coldframe.services.firehose.failures import event_of, logging_of
from coldframe.services.firehose.records import DeliveryStream

LOG = logging.getLogger("coldframe.firehose")

_PORTION = 500
_AGAIN = 10_000
_LONGEST_AGAIN = 300_000
# The clock may be turned, so it is looked at again before long.
_LOOK_AGAIN = 5.0

_Place = tuple[str, str, str]


class _Buffer(NamedTuple):
    """What is known of a stream's buffer: since when it holds records, how many bytes, and when it failed last."""

    oldest: int
    size: int
    after: int = 0
    failures: int = 0


def _arn(place: _Place) -> str:
    account, region, name = place
    return f"arn:aws:firehose:{region}:{account}:deliverystream/{name}"


class Writer:
    """Writes buffers; its thread lives while there is something to write."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._buffers = installation.parts.get(Buffers)
        self._sink = installation.parts.get(MetricSink)
        self._changed = threading.Condition()
        self._known: dict[_Place, _Buffer] = {}
        self._thread: threading.Thread | None = None
        self._open = True

    def arrived(self, place: _Place, size: int, now: int) -> None:
        """Take note of records (bytes) that came into the buffer of the stream at (account, region, name)."""
        with self._changed:
            known = self._known.get(place)
            self._known[place] = (
                _Buffer(now, size) if known is None else known._replace(size=known.size + size)
            )
            self._changed.notify()
            if self._thread is None and self._open:
                self._thread = threading.Thread(target=self._work, name="firehose-writer", daemon=True)
                self._thread.start()

    def resume(self) -> None:
        """Take note of everything in the buffers that is not known yet, such as what an earlier process left."""
        waiting = self._buffers.queues()
        if not waiting:
            return
        now = self._installation.clock.milliseconds()
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(DeliveryStream)
        for account, region, stream in rows:
            if stream.id in waiting and (account, region, stream.name) not in self._known:
                counts = self._buffers.counts(stream.id, now)
                self.arrived((account, region, stream.name), counts.size, counts.oldest)

    def close(self) -> None:
        """End after the object under way; what is left is written after the next start."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(_LOOK_AGAIN)

    def _work(self) -> None:
        while (place := self._next()) is not None:
            try:
                self._write(place)
            except StoreUnavailable as error:
                LOG.warning("the buffer of stream %s could not be written: %s", place[2], error)
                self._failed(place)
            except Exception:
                LOG.exception("the buffer of stream %s could not be written", place[2])
                self._failed(place)

    def _next(self) -> _Place | None:
        """Wait for a buffer that is full or old enough; None when there is none left, or at the end."""
        with self._changed:
            while self._open and self._known:
                now = self._installation.clock.milliseconds()
                due = {place: self._due(place, buffer) for place, buffer in self._known.items()}
                place = min(due, key=due.__getitem__)
                if due[place] <= now:
                    return place
                self._changed.wait(min((due[place] - now) / 1000, _LOOK_AGAIN))
            self._thread = None
            return None

    def _due(self, place: _Place, buffer: _Buffer) -> int:
        stream = self._stream(place)
        if stream is None:
            return 0
        hints = buffering(stream)
        due = 0 if buffer.size >= hints.size else buffer.oldest + hints.interval
        return max(due, buffer.after)

    def _stream(self, place: _Place) -> DeliveryStream | None:
        account, region, name = place
        return self._installation.store.cached(DeliveryStream, account, region, name)

    def _write(self, place: _Place) -> None:
        stream, now = self._stream(place), self._installation.clock.milliseconds()
        before = self._known[place]
        if stream is None:
            with self._changed:
                del self._known[place]
            return
        messages = self._take(stream, now)
        if messages:
            oldest = min(each.sent for each in messages)
            try:
                size = self._put(place, stream, messages)
            except ClientError as error:
                metrics.put(self._sink, place, metrics.refused(oldest, now), now)
                LOG.warning("stream %s: S3 did not take an object: %s", stream.name, error)
                self._tell(place, stream, error)
                self._failed(place)
                return
            self._buffers.delete(stream.id, [(each.sequence, each.receives) for each in messages])
            metrics.put(self._sink, place, metrics.delivered(len(messages), size, oldest, now), now)
        left = self._buffers.counts(stream.id, now)
        with self._changed:
            since = self._known[place].size - before.size
            if left.size or since:
                self._known[place] = _Buffer(left.oldest or now, left.size + since)
            else:
                # What arrives from now on makes the buffer known again.
                del self._known[place]

    def _take(self, stream: DeliveryStream, now: int) -> list[Message]:
        """Read records up to the size of the buffer; only this thread reads, so that none is hidden for long."""
        messages: list[Message] = []
        size, most = 0, buffering(stream).size
        while size < most:
            found = self._buffers.receive(stream.id, Reading(now=now, hidden_until=now, limit=_PORTION))
            messages += found
            size += sum(len(each.body) for each in found)
            if len(found) < _PORTION:
                break
        return messages

    def _put(self, place: _Place, stream: DeliveryStream, messages: list[Message]) -> int:
        """Write an object of records; returns how many bytes it has."""
        seal = self._installation.seal
        records = [unpack(seal, each.id, each.body) for each in messages]
        name = objects.name_of(stream, min(each.sent for each in messages), ids.uuid())
        bucket = stream.destination["BucketARN"].rpartition(":::")[2]
        body = objects.body_of(stream, records, name)
        self._client("s3", place, stream).put_object(Bucket=bucket, Key=name, Body=body, **encryption(stream))
        return len(body)

    def _tell(self, place: _Place, stream: DeliveryStream, error: ClientError) -> None:
        """Write to the stream's log that a delivery failed, as far as its role may."""
        log = logging_of(stream.destination)
        if log is None:
            return
        message = event_of(_arn(place), stream.version, stream.destination["BucketARN"], error)
        event = {"timestamp": self._installation.clock.milliseconds(), "message": message}
        try:
            self._client("logs", place, stream).put_log_events(
                logGroupName=log[0], logStreamName=log[1], logEvents=[event]
            )
        except ClientError as refused:
            LOG.warning("stream %s: the failure could not be logged: %s", stream.name, refused)

    def _client(self, name: str, place: _Place, stream: DeliveryStream) -> Any:
        region = place[1]
        service = Caller(kind="service", arn="firehose.amazonaws.com", source_arn=_arn(place))
        role = assume(self._installation, stream.destination["RoleARN"], service, region)
        assert self._installation.clients is not None, "the server has clients before it writes"
        return self._installation.clients(name, principal=role, region=region)

    def _failed(self, place: _Place) -> None:
        """Have a buffer written again after a while, that doubles with every failure."""
        now = self._installation.clock.milliseconds()
        with self._changed:
            known = self._known.get(place)
            if known is not None:
                wait = min(_AGAIN * 2**known.failures, _LONGEST_AGAIN)
                self._known[place] = known._replace(after=now + wait, failures=min(known.failures + 1, 10))
