"""Work of CloudWatch Logs that outlives a call: dropping the events of what was deleted, and retention."""

import logging
from functools import partial

from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.logstore.errors import StorageFailed, StorageFull
from coldframe.engines.logstore.store import LogStore
from coldframe.jobs.schedule import Periodic
from coldframe.services.logs.insights.keeping import forget_queries
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.records import DroppedEvents, LogGroup, LogStream

LOG = logging.getLogger("coldframe.logs")


def drop_events(call: Call, group_id: str, stream: str = "") -> None:
    """Write down, with the deletion itself, that a group's or a stream's events go, and drop them once it is committed.

    What is written down outlives the process: `finish_drops` does what a crash or a full disk kept from happening.
    """
    records = call.records
    records.put(DroppedEvents(group_id=group_id, stream=stream))
    records.after_commit(
        partial(_try_drop, call.installation, records.account, records.region, (group_id, stream))
    )


def drop_now(records: Records, store: LogStore, group_id: str, stream: str) -> None:
    """Drop events that are still to be dropped, before a stream of that name begins anew; nothing when there are none.

    It runs in a writing transaction, so that nobody can make the stream again in between.
    """
    waiting = records.find(DroppedEvents, group_id, stream)
    if waiting is None:
        return
    if stream:
        store.drop_stream(group_id, stream)
    else:
        store.drop_group(group_id)
    records.remove(waiting)


def finish_drops(installation: Installation) -> int:
    """Drop everything that was deleted and not dropped yet; returns how much that was."""
    with installation.store.read() as transaction:
        waiting = transaction.records("", "").everywhere(DroppedEvents)
    for account, region, row in waiting:
        _drop(installation, account, region, (row.group_id, row.stream))
    return len(waiting)


def expire_events(installation: Installation) -> int:
    """Delete what retention no longer keeps, in every group; returns for how many groups. To be run every hour.

    It also finishes what deletions left, and drops events that arrived in a stream while it was being deleted.
    """
    finish_drops(installation)
    store, now = installation.parts.get(LogStore), installation.clock.milliseconds()
    with installation.store.read() as transaction:
        groups = transaction.records("", "").everywhere(LogGroup)
    expired = 0
    for account, region, group in groups:
        if group.retention_days is not None:
            store.expire(group.id, now - group.retention_days * DAY)
            expired += 1
        _drop_strays(installation, account, region, group)
    return expired


def _drop_strays(installation: Installation, account: str, region: str, group: LogGroup) -> None:
    """Drop the events of streams that are no more: a batch may be accepted just while its stream is deleted."""
    store = installation.parts.get(LogStore)
    with installation.store.read() as transaction:
        records = transaction.records(account, region)
        known = {stream.name for stream in records.list(LogStream, key_prefix=(group.name,))}
    suspects = store.streams(group.id).keys() - known
    if not suspects:
        return
    with installation.store.write() as transaction:
        records = transaction.records(account, region)
        for name in suspects:
            if records.find(LogStream, group.name, name) is None:
                store.drop_stream(group.id, name)


def _try_drop(installation: Installation, account: str, region: str, key: tuple[str, str]) -> None:
    """Drop at once if the disk lets us; otherwise it stays written down and is done by `expire_events`."""
    try:
        _drop(installation, account, region, key)
    except (StorageFull, StorageFailed) as error:
        LOG.warning("the events of deleted group %s %s wait to be dropped: %s", *key, error)


def _drop(installation: Installation, account: str, region: str, key: tuple[str, str]) -> None:
    with installation.store.write() as transaction:
        drop_now(transaction.records(account, region), installation.parts.get(LogStore), *key)


def periodic(installation: Installation) -> list[Periodic]:
    """Return the periodic work of CloudWatch Logs: every hour, retention deletes, and old queries are forgotten."""
    return [
        Periodic("logs: expire events", partial(expire_events, installation), every=3600.0),
        Periodic("logs: forget queries", partial(forget_queries, installation), every=3600.0),
    ]
