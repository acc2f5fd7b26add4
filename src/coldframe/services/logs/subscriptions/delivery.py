"""Payloads of subscriptions on their way to delivery streams: written down with their batch, then put by a thread."""

import logging
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from coldframe.core import ids
from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.core.records import place
from coldframe.core.store import StoreUnavailable
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.records import WaitingPayload, WaitingRecipient
from coldframe.services.logs.subscriptions.payloads import Payload
from coldframe.services.logs.subscriptions.recipients import Recipient, recipient_client

LOG = logging.getLogger("coldframe.logs")

_PURPOSE = "logs-subscriptions"
# What PutRecordBatch of Firehose takes.
_BATCH_RECORDS, _BATCH_BYTES = 500, 4 * 1024 * 1024
_ROWS = 64
# Documented: what cannot be delivered is tried again for 24 hours.
_PATIENCE = DAY
_AGAIN, _LONGEST_AGAIN = 5_000, 300_000
# The clock may be turned, so it is looked at again before long.
_LOOK_AGAIN = 5.0


class _Trouble(NamedTuple):
    """A recipient that took nothing: how often in a row, and when it is tried again (milliseconds)."""

    failures: int
    after: int


class SubscriptionDelivery:
    """Keeps payloads until their delivery stream has them, at least once each; its thread lives while there are some."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._changed = threading.Condition()
        self._waiting: set[Recipient] = set()
        self._troubles: dict[Recipient, _Trouble] = {}
        self._thread: threading.Thread | None = None
        self._open = True

    def keep(
        self, recipient: Recipient, source: str, filter_name: str, payloads: Sequence[Payload], now: int
    ) -> None:
        """Write payloads of the log group with the ARN `source` down, durably; they are put soon after."""
        with self._installation.store.write() as transaction:
            records = transaction.records(recipient.account, recipient.region)
            for number, payload in enumerate(payloads):
                identifier = f"{now:015d}-{number:04d}-{ids.uuid()}"
                records.add(
                    WaitingPayload(
                        id=identifier,
                        recipient=recipient.name,
                        body=self._installation.seal.seal(_PURPOSE, identifier, payload.body),
                        made=now,
                        source=source,
                        filter=filter_name,
                        events=payload.events,
                    )
                )
            row = WaitingRecipient(destination=recipient.destination, role=recipient.role)
            if records.find(WaitingRecipient, recipient.destination, recipient.role) is None:
                records.add(row)
        self._arrived(recipient)

    def resume(self) -> None:
        """Go on with whatever an earlier process left."""
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(WaitingRecipient)
        for account, region, row in rows:
            self._arrived(Recipient(account, region, row.destination, row.role))

    def close(self) -> None:
        """End after the batch under way; what is left is put after the next start."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(_LOOK_AGAIN)

    def _arrived(self, recipient: Recipient) -> None:
        with self._changed:
            self._waiting.add(recipient)
            self._changed.notify_all()
            if self._thread is None and self._open:
                self._thread = threading.Thread(target=self._work, name="logs-subscriptions", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (recipient := self._next()) is not None:
            try:
                if self._deliver(recipient):
                    self._troubles.pop(recipient, None)
                else:
                    self._failed(recipient)
            except ClientError as error:
                self._refused(recipient, error)
            except StoreUnavailable as error:
                LOG.warning("payloads for %s could not be delivered: %s", recipient.destination, error)
                self._failed(recipient)
            except Exception:
                LOG.exception("payloads for %s could not be delivered", recipient.destination)
                self._failed(recipient)

    def _next(self) -> Recipient | None:
        """Wait for a recipient whose turn it is, and take it; None when nothing waits, or at the end."""
        with self._changed:
            while self._open and self._waiting:
                now = self._installation.clock.milliseconds()
                due = {
                    each: self._troubles[each].after if each in self._troubles else 0
                    for each in self._waiting
                }
                first = min(due, key=due.__getitem__)
                if due[first] <= now:
                    self._waiting.discard(first)
                    return first
                self._changed.wait(min((due[first] - now) / 1000, _LOOK_AGAIN))
            self._thread = None
            return None

    def _deliver(self, recipient: Recipient) -> bool:
        """Put everything that waits for a recipient, as the role that the filter names; False where some was refused."""
        client: Any = None
        seal = self._installation.seal
        while self._open and (rows := self._oldest(recipient)):
            if client is None:
                client = recipient_client(self._installation, recipient, rows[0].source)
            answer = client.put_record_batch(
                DeliveryStreamName=recipient.stream,
                Records=[{"Data": seal.open(_PURPOSE, row.id, row.body)} for row in rows],
            )
            results = answer["RequestResponses"]
            taken = [row for row, said in zip(rows, results, strict=True) if "ErrorCode" not in said]
            self._forget(recipient, taken)
            self._count(recipient, taken)
            if len(taken) < len(rows):
                return False
        return True

    def _oldest(self, recipient: Recipient) -> list[WaitingPayload]:
        """Return the rows that have waited longest, as many as a batch takes."""
        taken: list[WaitingPayload] = []
        size = 0
        with self._installation.store.read() as transaction:
            records = transaction.records(recipient.account, recipient.region)
            while True:
                rows = records.list(
                    WaitingPayload,
                    where={"recipient": recipient.name},
                    order="recipient",
                    after=place(taken[-1], "recipient") if taken else None,
                    limit=_ROWS,
                )
                for row in rows:
                    size += len(row.body)
                    if len(taken) == _BATCH_RECORDS or (taken and size > _BATCH_BYTES):
                        return taken
                    taken.append(row)
                if len(rows) < _ROWS:
                    return taken

    def _forget(self, recipient: Recipient, rows: Sequence[WaitingPayload]) -> None:
        with self._installation.store.write() as transaction:
            records = transaction.records(recipient.account, recipient.region)
            for row in rows:
                records.remove(row)
            if not records.count(WaitingPayload, where={"recipient": recipient.name}):
                records.remove(WaitingRecipient(destination=recipient.destination, role=recipient.role))

    def _refused(self, recipient: Recipient, error: ClientError) -> None:
        now = self._installation.clock.milliseconds()
        rows = self._oldest(recipient)
        old = [row for row in rows if row.made < now - _PATIENCE]
        LOG.warning(
            "subscriptions wait for %s (%d records older than a day are dropped): %s",
            recipient.destination,
            len(old),
            error,
        )
        if old:
            self._forget(recipient, old)
        self._count_errors(recipient, rows, error)
        if len(rows) > len(old):
            self._failed(recipient)

    def _failed(self, recipient: Recipient) -> None:
        """Have a recipient tried again after a while, that doubles with every failure."""
        now = self._installation.clock.milliseconds()
        failures = self._troubles[recipient].failures if recipient in self._troubles else 0
        wait = min(_AGAIN * 2**failures, _LONGEST_AGAIN)
        with self._changed:
            self._troubles[recipient] = _Trouble(min(failures + 1, 10), now + wait)
            self._waiting.add(recipient)

    def _count(self, recipient: Recipient, rows: Sequence[WaitingPayload]) -> None:
        for row in rows:
            self._put(row, "ForwardedLogEvents", row.events)
            self._put(row, "ForwardedBytes", len(row.body), "Bytes")

    def _count_errors(self, recipient: Recipient, rows: Sequence[WaitingPayload], error: ClientError) -> None:
        throttled = error.response["Error"]["Code"] in {"ServiceUnavailableException", "ThrottlingException"}
        for row in rows:
            self._put(row, "DeliveryThrottling" if throttled else "DeliveryErrors", row.events)

    def _put(self, row: WaitingPayload, metric: str, value: float, unit: str = "None") -> None:
        _, _, _, region, account, _, group = row.source.split(":", 6)
        self._installation.parts.get(MetricSink).put(
            (account, region),
            ("AWS/Logs", metric),
            value,
            at=self._installation.clock.milliseconds(),
            dimensions={"LogGroupName": group, "DestinationType": "Firehose", "FilterName": row.filter},
            unit=unit,
        )
