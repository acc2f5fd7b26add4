"""Audit findings on their way to buckets: written down with their batch, then delivered as gzip objects.

AWS documents that findings go to S3 below `AWSLogs/ACCOUNT/`, and not the rest of the key; here it is that of other logs
which CloudWatch delivers: `CloudWatchLogs/REGION/YYYY/MM/DD/HH/` and a name of account, region, time and an id.
"""

import gzip
import logging
import threading
from datetime import UTC, datetime
from typing import NamedTuple

from coldframe.core import ids
from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.core.records import place
from coldframe.services.logs.bucket_access import ACL, deliverer
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.records import WaitingBucket, WaitingFindings

LOG = logging.getLogger("coldframe.logs")

FULL = 5 * 1024 * 1024
# Read by so many, because a row may have megabytes.
_ROWS = 16
# A bucket that takes nothing for this long loses the findings that waited, or they would fill the disk.
_PATIENCE = 7 * DAY


class Outlet(NamedTuple):
    """Where findings go: a bucket, for the account and region that they are of."""

    account: str
    region: str
    bucket: str


class FindingsForBuckets:
    """Keeps findings until their bucket has them; they reach it at least once, whatever is killed meanwhile."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._waiting: dict[Outlet, int] = {}
        self._guard = threading.Lock()
        self._delivering = threading.Lock()

    def keep(self, outlet: Outlet, reports: list[str], now: int) -> None:
        """Write the reports of a batch down, durably, and deliver at once when 5 MB wait; `now` is in milliseconds."""
        row = WaitingFindings(id=f"{now:015d}-{ids.uuid()}", bucket=outlet.bucket, reports=reports, made=now)
        with self._installation.store.write() as transaction:
            records = transaction.records(outlet.account, outlet.region)
            records.add(row)
            if records.find(WaitingBucket, outlet.bucket) is None:
                records.add(WaitingBucket(bucket=outlet.bucket))
        size = sum(map(len, reports))
        with self._guard:
            waiting = self._waiting[outlet] = self._waiting.get(outlet, 0) + size
            if waiting >= FULL:
                self._waiting[outlet] = 0
        if waiting >= FULL:
            self._deliver(outlet)

    def deliver(self) -> None:
        """Deliver whatever waits; what a bucket refuses goes on waiting, seven days at most."""
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(WaitingBucket)
        for account, region, row in rows:
            self._deliver(Outlet(account, region, row.bucket))

    def _deliver(self, outlet: Outlet) -> None:
        """Deliver what waits for one bucket, an object of up to 5 MB after the other."""
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
                    where={"bucket": outlet.bucket},
                    order="bucket",
                    after=place(taken[-1], "bucket") if taken else None,
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
        """Write the object; its key follows from the first row, so that writing it again takes its place."""
        body = "".join(f"{report}\n" for row in rows for report in row.reports)
        client = deliverer(self._installation, outlet.account, outlet.region)
        client.put_object(
            Bucket=outlet.bucket,
            Key=key_of(outlet, rows[0]),
            Body=gzip.compress(body.encode(), mtime=0),
            ACL=ACL,
        )

    def _forget(self, outlet: Outlet, rows: list[WaitingFindings]) -> None:
        with self._installation.store.write() as transaction:
            records = transaction.records(outlet.account, outlet.region)
            for row in rows:
                records.remove(row)
            if not records.count(WaitingFindings, where={"bucket": outlet.bucket}):
                records.remove(WaitingBucket(bucket=outlet.bucket))

    def _refused(self, outlet: Outlet, rows: list[WaitingFindings], error: ClientError) -> None:
        old = [row for row in rows if row.made < self._installation.clock.milliseconds() - _PATIENCE]
        LOG.warning(
            "audit findings wait for bucket %s (%d batches older than seven days are dropped): %s",
            outlet.bucket,
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
