"""Brings one log on by a batch: written down, put, and written down again, so that a crash in between neither loses nor doubles it.

A batch is put whole or not at all. One that was begun and not ended, by a crash or by a service that did not answer, is looked
for in its stream first: what has come into it since then, within the times of its events, is the batch.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.engines.log_reading import Entry, Limits, LogReader, Place
from coldframe.identity.caller import Caller
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.log_exports.records import Batch, LogExport
from coldframe.services.rds.log_exports.targets import Target

LOG = logging.getLogger("coldframe.rds")

# Those of PutLogEvents: events and bytes in a request, bytes that each counts for, the span of a request, the oldest event.
_DAY = 86_400_000
_LIMITS = Limits(entries=10_000, size=1_048_576, extra=26, span=_DAY)
_OLDEST = 14 * _DAY - 3_600_000


class Sender:
    """Brings one log on; whoever does so holds `turn`."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._reader = LogReader(_LIMITS)
        self._put_at = 0
        self._known: LogExport | None = None
        self.turn = threading.Lock()

    def send(self, target: Target, *, last: bool = False) -> bool:
        """Put the next batch, if there is one; tells whether there is more. Raises what Logs, or the store, refuses with.

        `last` says that the instance has ended: what it wrote last is whole.
        """
        row = self._row(target)
        if row.batch is not None:
            row = self._settle(target, row, row.batch)
        engine = self._installation.parts.get(Databases).engine(target.engine)
        sources = engine.log_upkeep.sources(target.spec, target.kind)
        piece = self._reader.read(sources, row.places, since=row.since, last=last)
        entries = self._taken(target, piece.entries)
        if entries:
            self._put(target, row, entries, piece.places)
        elif piece.places != row.places:
            self._keep(target, row, piece.places, None)
        return piece.more

    def _put(self, target: Target, row: LogExport, entries: list[Entry], after: list[Place]) -> None:
        ordered = sorted(entries, key=lambda each: each.at)
        now = self._installation.clock.milliseconds
        # No event of the batch before has come then or later; writing this down takes longer than a millisecond.
        begun = max(now(), self._put_at + 1)
        batch = Batch(target.group, target.stream, begun, ordered[0].at, ordered[-1].at, len(ordered), after)
        row = self._keep(target, row, row.places, batch)
        self._events(target, batch, [{"timestamp": each.at, "message": each.text} for each in ordered])
        self._put_at = now()
        self._keep(target, row, after, None)

    def _events(self, target: Target, batch: Batch, events: list[dict[str, Any]]) -> None:
        logs = client(self._installation, target)
        where = {"logGroupName": batch.group, "logStreamName": batch.stream}
        try:
            logs.put_log_events(**where, logEvents=events)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            for make, members in (
                (logs.create_log_group, ["logGroupName"]),
                (logs.create_log_stream, [*where]),
            ):
                _there(make, {name: where[name] for name in members})
            logs.put_log_events(**where, logEvents=events)

    def _settle(self, target: Target, row: LogExport, batch: Batch) -> LogExport:
        """End a batch that was begun: it came, or it is read and put anew."""
        came = _came(client(self._installation, target), batch)
        return self._keep(target, row, batch.places if came else row.places, None)

    def _taken(self, target: Target, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries with times that Logs takes: nothing older than fourteen days, and nothing of times to come.

        A database whose clock or zone is another one than it says would else lose its lines.
        """
        now = self._installation.clock.milliseconds()
        oldest = now - _OLDEST
        young = [each if each.at <= now else Entry(now, each.text) for each in entries if each.at >= oldest]
        if len(young) < len(entries):
            gone = len(entries) - len(young)
            LOG.warning("%s: %d entries are too old for CloudWatch Logs", target.group, gone)
        return young

    def _row(self, target: Target) -> LogExport:
        """Return how far the log was brought; it is written anew when it was switched off and on again."""
        store = self._installation.store
        key = (target.account, target.region, target.resource_id, target.kind)
        found = store.cached(LogExport, *key)
        return found if found is not None else LogExport(resource_id=target.resource_id, kind=target.kind)

    def _keep(self, target: Target, row: LogExport, places: list[Place], batch: Batch | None) -> LogExport:
        with self._installation.store.write() as transaction:
            records = transaction.records(target.account, target.region)
            now = records.find(LogExport, row.resource_id, row.kind)
            if now is None and (row.places or row.batch is not None):
                # It was switched off, or the instance is gone.
                return row
            if now is not None and now.since != row.since:
                # It was switched off and on again meanwhile, and begins there.
                return now
            changed = LogExport(
                resource_id=row.resource_id, kind=row.kind, since=row.since, places=places, batch=batch
            )
            records.put(changed)
        return changed


def client(installation: Installation, target: Target) -> Any:
    """Return a client of Logs that acts as RDS in the account.

    AWS takes on the service-linked role AWSServiceRoleForRDS, which no policy limits; here it is the account itself, as free
    of service control policies as that.
    """
    assert installation.clients is not None, "the server has clients before services act"
    arn = f"arn:aws:iam::{target.account}:root"
    principal = Caller(
        kind="root", arn=arn, account=target.account, user_id=target.account, service_linked=True
    )
    return installation.clients("logs", principal=principal, region=target.region, via="rds")


def _there(make: Any, named: dict[str, str]) -> None:
    """Make a group or a stream, or find it there."""
    try:
        make(**named)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _came(logs: Any, batch: Batch) -> bool:
    """Tell whether a batch is in its stream: as many events within its times as it has, since it was begun."""
    asked = {
        "logGroupName": batch.group,
        "logStreamName": batch.stream,
        "startTime": batch.first,
        "endTime": batch.last + 1,
        "startFromHead": True,
    }
    found, token = 0, ""
    while True:
        try:
            page = logs.get_log_events(**asked, **({"nextToken": token} if token else {}))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return False
        found += sum(each["ingestionTime"] >= batch.begun for each in page["events"])
        if found >= batch.count:
            return True
        if page["nextForwardToken"] == token:
            return False
        token = page["nextForwardToken"]
