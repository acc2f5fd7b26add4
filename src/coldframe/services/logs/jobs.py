"""Work of CloudWatch Logs that outlives a call: dropping the events of what was deleted, and retention."""

import logging
from collections.abc import Iterator
from functools import partial

from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.logstore.errors import StorageFailed, StorageFull
from coldframe.engines.logstore.store import LogStore
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.jobs.schedule import Periodic
from coldframe.services.logs.account_retention import Retention, Retentions, policies_of, retained
from coldframe.services.logs.anomalies.evaluation import AnomalyDetection, evaluate_anomalies
from coldframe.services.logs.audit_objects import FindingsOutbox
from coldframe.services.logs.exporting import export
from coldframe.services.logs.insights.keeping import forget_queries
from coldframe.services.logs.records import DroppedStream, GroupCover, LogGroup, LogStream
from coldframe.services.logs.scheduled_queries import ScheduledQueries, forget_runs, run_scheduled_query
from coldframe.services.logs.subscriptions.delivery import SubscriptionDelivery

LOG = logging.getLogger("coldframe.logs")

__all__ = [
    "drop_group",
    "drop_rest",
    "drop_stream",
    "evaluate_anomalies",
    "expire_events",
    "export",
    "periodic",
    "run_scheduled_query",
]

_SOON, _MINUTE, _HOUR = 15.0, 60.0, 3600.0


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("logs.expire-events", partial(expire_events, installation), every=_HOUR)
    yield Periodic("logs.deliver-findings", partial(_deliver_findings, installation), _MINUTE, at_close=True)
    yield Periodic("logs.deliver-subscriptions", partial(_deliver_subscriptions, installation), _MINUTE)
    yield Periodic("logs.run-scheduled-queries", partial(_run_scheduled, installation), every=_SOON)
    yield Periodic("logs.detect-anomalies", partial(_detect_anomalies, installation), every=_SOON)
    yield Periodic("logs.forget-runs", partial(forget_runs, installation), every=_HOUR)
    yield Periodic("logs.forget-queries", partial(forget_queries, installation), every=_HOUR)


def _deliver_findings(installation: Installation) -> None:
    installation.parts.get(FindingsOutbox).deliver()


def _deliver_subscriptions(installation: Installation) -> None:
    installation.parts.get(SubscriptionDelivery).resume()


def _run_scheduled(installation: Installation) -> None:
    installation.parts.get(ScheduledQueries).trigger()


def _detect_anomalies(installation: Installation) -> None:
    installation.parts.get(AnomalyDetection).trigger()


@job("logs.drop-group")
def drop_group(run: Run, group_id: str) -> None:
    """Drop the events of a deleted group; its id is never used again, so it does not matter when."""
    run.commit_point()
    run.step("drop the events", run.part(LogStore).drop_group, group_id)
    run.write("drop the wrapped keys", _forget_cover, group_id)


def _forget_cover(records: Records, group_id: str) -> None:
    cover = records.find(GroupCover, group_id)
    if cover is not None:
        records.remove(cover)


def drop_stream(call: Call, group_id: str, name: str) -> None:
    """Write down, with the deletion of a stream, that its events go, and drop them once it is committed.

    Not a job: a group's events are found by the names of its streams, so these have to be gone when DeleteLogStream
    answers. What a crash or a full disk keeps from being dropped is dropped by `expire_events`, or before a stream
    of that name is made again.
    """
    records = call.records
    records.put(DroppedStream(group_id=group_id, name=name))
    records.after_commit(
        partial(_try_drop, call.installation, records.account, records.region, (group_id, name))
    )


def drop_rest(records: Records, store: LogStore, group_id: str, name: str) -> None:
    """Drop the events of a stream that are still to be dropped; nothing when there are none.

    It runs in a writing transaction, so that nobody can make the stream again in between.
    """
    waiting = records.find(DroppedStream, group_id, name)
    if waiting is not None:
        store.drop_stream(group_id, name)
        records.remove(waiting)


def expire_events(installation: Installation) -> int:
    """Delete what retention no longer keeps, in every group; returns in how many groups something was too old.

    It also drops what is left of deleted streams, and events that arrived in a stream while it was being deleted.
    """
    store, now = installation.parts.get(LogStore), installation.clock.milliseconds()
    with installation.store.read() as transaction:
        everywhere = transaction.records("", "")
        waiting, groups = everywhere.everywhere(DroppedStream), everywhere.everywhere(LogGroup)
    for account, region, row in waiting:
        _drop(installation, account, region, (row.group_id, row.name))
    expired = 0
    for account, region, group in groups:
        facts = store.streams(group.id)
        kept = installation.parts.get(Retentions).of(account, region, group, now)
        before = kept.floor(now)
        # Expiring is a write to the disk, so groups that hold nothing old are passed over.
        if any(stream.events and stream.first_timestamp < before for stream in facts.values()):
            _expire(installation, (account, region), group, kept, now)
            expired += 1
        _drop_strays(installation, account, region, group, set(facts))
    return expired


def _expire(
    installation: Installation, place: tuple[str, str], group: LogGroup, kept: Retention, now: int
) -> None:
    """Delete the events that are no longer kept, unless the retention has changed meanwhile.

    It runs in a writing transaction, so that nobody can lengthen the retention while it does: what is accepted under a
    longer one comes after it, and stays.
    """
    with installation.store.write() as transaction:
        records = transaction.records(*place)
        present = records.find(LogGroup, group.name)
        if present is None or present.id != group.id or retained(policies_of(records), present, now) != kept:
            return
        installation.parts.get(LogStore).expire(group.id, kept.floor(now))


def _drop_strays(
    installation: Installation, account: str, region: str, group: LogGroup, suspects: set[str]
) -> None:
    """Drop the events of streams that are no more: a batch may be accepted just while its stream is deleted."""
    store = installation.parts.get(LogStore)
    with installation.store.read() as transaction:
        suspects -= {
            row.name for row in transaction.records(account, region).list(LogStream, key_prefix=(group.name,))
        }
    if not suspects:
        return
    with installation.store.write() as transaction:
        records = transaction.records(account, region)
        now = records.find(LogGroup, group.name)
        for name in suspects:
            if now is not None and now.id == group.id and records.find(LogStream, group.name, name) is None:
                store.drop_stream(group.id, name)


def _try_drop(installation: Installation, account: str, region: str, key: tuple[str, str]) -> None:
    """Drop at once if the disk lets us; otherwise it stays written down and is done by `expire_events`."""
    try:
        _drop(installation, account, region, key)
    except (StorageFull, StorageFailed) as error:
        LOG.warning("the events of deleted stream %s/%s wait to be dropped: %s", *key, error)


def _drop(installation: Installation, account: str, region: str, key: tuple[str, str]) -> None:
    with installation.store.write() as transaction:
        drop_rest(transaction.records(account, region), installation.parts.get(LogStore), *key)
