"""Audit findings on their way to S3 and Firehose: written down with their batch, then delivered.

AWS documents that findings go to S3 below `AWSLogs/ACCOUNT/`, and not the rest of the key; here it is that of other logs
which CloudWatch delivers: `CloudWatchLogs/REGION/YYYY/MM/DD/HH/` and a name of account, region, time and an id.
"""

import gzip
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from coldframe.core import ids
from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.core.records import place
from coldframe.services.logs.bucket_access import ACL, deliverer, streamer
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.records import WaitingFindings, WaitingOutlet

if TYPE_CHECKING:
    from coldframe.services.logs.protection import Audit

LOG = logging.getLogger("coldframe.logs")

FULL = 5 * 1024 * 1024
# What PutRecordBatch of Firehose takes; a report is far smaller than the most that a record may have.
_BATCH_RECORDS, _BATCH_BYTES = 500, 4 * 1024 * 1024
# Read by so many, because a row may have megabytes.
_ROWS = 16
# A destination that takes nothing for this long loses the findings that waited, or they would fill the disk.
_PATIENCE = 7 * DAY


class Outlet(NamedTuple):
    """Where findings go, for the account and region that they are of: the ARN of a bucket or a delivery stream."""

    account: str
    region: str
    destination: str

    @property
    def name(self) -> str:
        """The name of the bucket or stream."""
        return self.destination.rpartition(":")[2].removeprefix("deliverystream/")


def outlets(account: str, region: str, audit: "Audit") -> list[Outlet]:
    """Return where an audit reports to beside log groups."""
    found = [f"arn:aws:s3:::{audit.bucket}"] if audit.bucket else []
    if audit.delivery_stream:
        found.append(f"arn:aws:firehose:{region}:{account}:deliverystream/{audit.delivery_stream}")
    return [Outlet(account, region, each) for each in found]


class FindingsOutbox:
    """Keeps findings until their destination has them; they reach it at least once, whatever is killed meanwhile."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._waiting: dict[Outlet, int] = {}
        self._guard = threading.Lock()
        self._delivering = threading.Lock()

    def keep(self, outlet: Outlet, reports: list[str], now: int) -> None:
        """Write the reports of a batch down, durably, and deliver at once when 5 MB wait; `now` is in milliseconds."""
        row = WaitingFindings(
            id=f"{now:015d}-{ids.uuid()}", destination=outlet.destination, reports=reports, made=now
        )
        with self._installation.store.write() as transaction:
            records = transaction.records(outlet.account, outlet.region)
            records.add(row)
            if records.find(WaitingOutlet, outlet.destination) is None:
                records.add(WaitingOutlet(destination=outlet.destination))
        size = sum(map(len, reports))
        with self._guard:
            waiting = self._waiting[outlet] = self._waiting.get(outlet, 0) + size
            if waiting >= FULL:
                self._waiting[outlet] = 0
        if waiting >= FULL:
            self._deliver(outlet)

    def deliver(self) -> None:
        """Deliver whatever waits; what is refused goes on waiting, seven days at most."""
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(WaitingOutlet)
        for account, region, row in rows:
            self._deliver(Outlet(account, region, row.destination))

    def _deliver(self, outlet: Outlet) -> None:
        """Deliver what waits for one destination, an object of up to 5 MB after the other."""
        with self._guard:
            self._waiting[outlet] = 0
        # One at a time, or two would write the same findings.
        with self._delivering:
            while rows := self._next(outlet):
                try:
                    self._write(outlet, rows)
                except ClientError as error:
                    self._refused(outlet, rows, error)
                    return
                self._forget(outlet, rows)

    def _next(self, outlet: Outlet) -> list[WaitingFindings]:
        """Return the oldest rows, as many as an object takes."""
        with self._installation.store.read() as transaction:
            records = transaction.records(outlet.account, outlet.region)
            taken: list[WaitingFindings] = []
            size = 0
            while size < FULL:
                rows = records.list(
                    WaitingFindings,
                    where={"destination": outlet.destination},
                    order="destination",
                    after=place(taken[-1], "destination") if taken else None,
                    limit=_ROWS,
                )
                for row in rows:
                    if size < FULL:
                        taken.append(row)
                        size += sum(map(len, row.reports))
                if len(rows) < _ROWS:
                    break
        return taken

    def _write(self, outlet: Outlet, rows: list[WaitingFindings]) -> None:
        """Write an object, whose key follows from the first row: writing it again takes its place; or put records."""
        if ":firehose:" in outlet.destination:
            self._put_records(outlet, [report for row in rows for report in row.reports])
            return
        body = "".join(f"{report}\n" for row in rows for report in row.reports)
        client = deliverer(self._installation, outlet.account, outlet.region)
        client.put_object(
            Bucket=outlet.name,
            Key=key_of(outlet, rows[0]),
            Body=gzip.compress(body.encode(), mtime=0),
            ACL=ACL,
        )

    def _put_records(self, outlet: Outlet, reports: list[str]) -> None:
        client = streamer(self._installation, outlet.account, outlet.region)
        records = [{"Data": f"{report}\n".encode()} for report in reports]
        batch: list[dict[str, bytes]] = []
        size = 0
        for record in records:
            if len(batch) == _BATCH_RECORDS or size + len(record["Data"]) > _BATCH_BYTES:
                client.put_record_batch(DeliveryStreamName=outlet.name, Records=batch)
                batch, size = [], 0
            batch.append(record)
            size += len(record["Data"])
        client.put_record_batch(DeliveryStreamName=outlet.name, Records=batch)

    def _forget(self, outlet: Outlet, rows: list[WaitingFindings]) -> None:
        with self._installation.store.write() as transaction:
            records = transaction.records(outlet.account, outlet.region)
            for row in rows:
                records.remove(row)
            if not records.count(WaitingFindings, where={"destination": outlet.destination}):
                records.remove(WaitingOutlet(destination=outlet.destination))

    def _refused(self, outlet: Outlet, rows: list[WaitingFindings], error: ClientError) -> None:
        old = [row for row in rows if row.made < self._installation.clock.milliseconds() - _PATIENCE]
        LOG.warning(
            "audit findings wait for %s (%d batches older than seven days are dropped): %s",
            outlet.destination,
            len(old),
            error,
        )
        if old:
            self._forget(outlet, old)


def key_of(outlet: Outlet, first: WaitingFindings) -> str:
    """Return the key of the object that begins with a row."""
    account, region, _ = outlet
    made = datetime.fromtimestamp(first.made // 1000, UTC)
    folder = f"AWSLogs/{account}/CloudWatchLogs/{region}/{made:%Y/%m/%d/%H}"
    return f"{folder}/{account}_CloudWatchLogs_{region}_{made:%Y%m%dT%H%MZ}_{first.id[-12:]}.log.gz"
