"""The way in: a batch is masked, made durable, and handed on to whoever subscribed to it, masked."""

from collections.abc import Sequence
from typing import NamedTuple

from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.engines.detector import Findings, mask
from coldframe.engines.detector.pool import ScannerPool
from coldframe.engines.logstore.rows import Event, EventColumns, Span
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs import audit
from coldframe.services.logs.audit_objects import FindingsOutbox, outlets
from coldframe.services.logs.embedded_metrics import MARK, NotEmbedded, embedded
from coldframe.services.logs.group_keys import GroupKeys
from coldframe.services.logs.jobs import drop_rest
from coldframe.services.logs.live_tail import LiveTail
from coldframe.services.logs.protection import Protection, of_kinds
from coldframe.services.logs.records import LogGroup, LogStream
from coldframe.services.logs.rules import GroupRules, Rules, Subscription
from coldframe.services.logs.subscriptions.delivery import SubscriptionDelivery
from coldframe.services.logs.subscriptions.payloads import Origin, data
from coldframe.services.logs.subscriptions.recipients import recipient_of
from coldframe.services.logs.transformers import Origin as EventOrigin
from coldframe.services.logs.under_way import BatchesUnderWay

# A subscription may lead to a group with a subscription of its own; this many deep, a circle ends.
_MOST_HOPS = 4


class Place(NamedTuple):
    """Where a batch goes: the account and region, the group's name and its id in the log store, the stream."""

    account: str
    region: str
    group: str
    group_id: str
    stream: str


class Masked(NamedTuple):
    """A batch after scanning: events ready to store, and each one's findings (None where there are none)."""

    events: EventColumns
    findings: Sequence[Findings | None]


def ingest(
    installation: Installation, place: Place, times: Sequence[int], messages: Sequence[str], hops: int = 0
) -> int:
    """Store a batch and hand it on; returns the sequence of its last event once all of it is durable.

    What goes to subscriptions and audit findings is written before this returns, so an acknowledged batch has
    reached them or will. Raises the log store's errors; nothing is acknowledged then.
    """
    under_way = installation.parts.get(BatchesUnderWay)
    generation = under_way.begin()
    try:
        return _ingest(installation, place, times, messages, hops)
    finally:
        under_way.end(generation)


def _ingest(
    installation: Installation, place: Place, times: Sequence[int], messages: Sequence[str], hops: int
) -> int:
    parts = installation.parts
    now = installation.clock.milliseconds()
    rules = parts.get(Rules).of(place.account, place.region, place.group)
    masked = protect(parts.get(ScannerPool), rules.protection, times, messages, now)
    cover = parts.get(GroupKeys).cover(place.account, place.region, place.group)
    appended = parts.get(LogStore).append(place.group_id, place.stream, masked.events, cover)
    _count(parts.get(MetricSink), place, masked, now)
    if rules.embeds:
        _embed(parts.get(MetricSink), place, masked.events, now)
    if rules.protection is not None and any(masked.findings):
        _report(installation, place, rules.protection, masked, now, hops)
    changed = transformed(parts.get(MetricSink), place, rules, masked.events, now)
    if rules.extractions:
        _extract(parts.get(MetricSink), place, rules, masked.events, changed)
    for subscription in rules.subscriptions:
        events = changed if subscription.on_transformed else masked.events
        chosen = subscription.pattern.select([event.message for event in events])
        if not chosen:
            continue
        selected = [events[index] for index in chosen]
        if ":firehose:" in subscription.target:
            sequences = [appended.first_sequence + index for index in chosen]
            _put(installation, place, subscription, selected, sequences, now)
        elif hops < _MOST_HOPS:
            deliver(installation, place, subscription.target, selected, hops)
    tail = parts.made(LiveTail)
    if tail is not None:
        tail.publish(place.group_id, place.stream, masked.events)
    return appended.last_sequence


def protect(
    scanner: ScannerPool,
    protection: Protection | None,
    times: Sequence[int],
    messages: Sequence[str],
    now: int,
) -> Masked:
    """Scan messages and mask what the policies say; events whose text changed carry the original, to be sealed."""
    texts = list(messages)
    ingestions = [now] * len(texts)
    if protection is None:
        return Masked(EventColumns(list(times), ingestions, texts), ())
    found = scanner.scan(messages, protection.selection)
    spans: dict[int, Sequence[Span]] = {}
    originals: dict[int, str] = {}
    for index, findings in enumerate(found):
        hidden = of_kinds(findings, protection.masked) if findings else None
        if hidden:
            originals[index] = texts[index]
            texts[index], ranges = mask(texts[index], hidden)
            spans[index] = [(start, end, 0) for start, end in ranges]
    return Masked(EventColumns(list(times), ingestions, texts, spans, originals), found)


def transformed(
    sink: MetricSink, place: Place, rules: GroupRules, events: Sequence[Event], now: int
) -> Sequence[Event]:
    """Return the events with the transformed version of their masked text, and count them as CloudWatch Logs does.

    An event that cannot be transformed, and every event of a group without a transformer, keeps its text. What is
    made here goes to filters and is not stored.
    """
    if rules.transformer is None:
        return events
    found: list[Event] = []
    errors = 0
    for event in events:
        origin = EventOrigin(place.group, place.stream, place.account, place.region, event.timestamp)
        done = rules.transformer.transform(event.message, origin)
        errors += bool(done.error)
        found.append(Event(event.timestamp, event.ingestion, done.text))
    where, dimensions = (place.account, place.region), {"LogGroupName": place.group}
    size = sum(len(event.message) for event in found)
    sink.put(where, ("AWS/Logs", "TransformedLogEvents"), len(found) - errors, at=now, dimensions=dimensions)
    sink.put(where, ("AWS/Logs", "TransformedBytes"), size, at=now, dimensions=dimensions, unit="Bytes")
    if errors:
        sink.put(where, ("AWS/Logs", "TransformationErrors"), errors, at=now, dimensions=dimensions)
    return found


def deliver(
    installation: Installation, source: Place, target: str, events: Sequence[Event], hops: int
) -> None:
    """Write events to the log group that a subscription names, into a stream named after where they come from."""
    place = group_at(installation, target, f"{source.account}/{source.group.strip('/')}/{source.stream}")
    if place is not None:
        ordered = sorted(events, key=lambda event: event.timestamp)
        times, messages = [event.timestamp for event in ordered], [event.message for event in ordered]
        _hand_on(installation, source, place, times, messages, hops + 1)


def _hand_on(
    installation: Installation,
    source: Place,
    place: Place,
    times: Sequence[int],
    messages: Sequence[str],
    hops: int,
) -> None:
    """Store events in another group; where its KMS key does not let them in they are dropped and counted, as at AWS."""
    try:
        ingest(installation, place, times, messages, hops)
    except ServiceFault:
        where, dimensions = (source.account, source.region), {"LogGroupName": source.group}
        now = installation.clock.milliseconds()
        metric = ("AWS/Logs", "DeliveryErrors")
        installation.parts.get(MetricSink).put(where, metric, len(messages), at=now, dimensions=dimensions)


def _put(
    installation: Installation,
    place: Place,
    subscription: Subscription,
    events: Sequence[Event],
    sequences: Sequence[int],
    now: int,
) -> None:
    """Write down what a subscription takes to a delivery stream; it is put there soon after."""
    origin = Origin(place.account, place.group, place.stream, subscription.name, subscription.account_policy)
    source = f"arn:aws:logs:{place.region}:{place.account}:log-group:{place.group}"
    recipient = recipient_of(subscription.target, subscription.role)
    payloads = list(data(origin, events, sequences))
    installation.parts.get(SubscriptionDelivery).keep(recipient, source, subscription.name, payloads, now)


def group_at(installation: Installation, arn: str, stream: str) -> Place | None:
    """Return the place of a stream, made if need be, in the group that an ARN names; None when the group is gone."""
    parts = arn.split(":", 6)
    if len(parts) != 7 or parts[5] != "log-group":
        return None
    region, account, name = parts[3], parts[4], parts[6].removesuffix(":*")
    store = installation.store
    group = store.cached(LogGroup, account, region, name)
    if group is None:
        return None
    stream = stream.replace(":", "_").replace("*", "_")[:512]
    if store.cached(LogStream, account, region, name, stream) is None:
        with store.write() as transaction:
            records = transaction.records(account, region)
            group = records.find(LogGroup, name)
            if group is None:
                return None
            if records.find(LogStream, name, stream) is None:
                created = installation.clock.milliseconds()
                records.add(LogStream(group=name, name=stream, created=created))
                drop_rest(records, installation.parts.get(LogStore), group.id, stream)
    return Place(account, region, name, group.id, stream)


def _report(
    installation: Installation, place: Place, protection: Protection, masked: Masked, now: int, hops: int
) -> None:
    """Write the findings of a batch where its policies say, and count the events that have any."""
    found = [findings for findings in masked.findings if findings]
    audit.count(
        installation.parts.get(MetricSink), (place.account, place.region), place.group, len(found), now
    )
    if hops >= _MOST_HOPS:
        return
    source = f"arn:aws:logs:{place.region}:{place.account}:log-group:{place.group}:*"
    for kinds, destination in protection.audits:
        if not any(destination):
            continue
        reports = [
            audit.report(source, chosen, now) for findings in found if (chosen := of_kinds(findings, kinds))
        ]
        for outlet in outlets(place.account, place.region, destination) if reports else []:
            installation.parts.get(FindingsOutbox).keep(outlet, reports, now)
        if reports and destination.log_group:
            arn = f"arn:aws:logs:{place.region}:{place.account}:log-group:{destination.log_group}"
            target = group_at(installation, arn, f"data-protection/{place.group.strip('/')}")
            if target is not None and target.group != place.group:
                _hand_on(installation, place, target, [now] * len(reports), reports, hops + 1)


def _extract(
    sink: MetricSink,
    place: Place,
    rules: GroupRules,
    events: Sequence[Event],
    changed: Sequence[Event],
) -> None:
    """Put a value to the metrics of every metric filter that matches; those with a default count the others too."""
    for extraction in rules.extractions:
        for event in changed if extraction.on_transformed else events:
            match = extraction.pattern.match(event.message)
            for namespace, name, transformation in extraction.metrics:
                seen = transformation.observe(match) if match is not None else None
                metric, where = (namespace, name), (place.account, place.region)
                if seen is not None:
                    sink.put(
                        where,
                        metric,
                        seen.value,
                        at=event.timestamp,
                        dimensions=seen.dimensions,
                        unit=seen.unit,
                    )
                elif match is None and transformation.default_value is not None:
                    sink.put(
                        where,
                        metric,
                        transformation.default_value,
                        at=event.timestamp,
                        unit=transformation.unit,
                    )


def _embed(sink: MetricSink, place: Place, events: EventColumns, now: int) -> None:
    """Put the values of the metrics that events carry, and count the events that say they do and do not."""
    where = (place.account, place.region)
    for message in events.messages:
        if MARK not in message:
            continue
        try:
            found = embedded(message, now)
        except NotEmbedded as error:
            dimensions = {"LogGroupName": place.group}
            sink.put(where, ("AWS/Logs", error.metric), 1, at=now, dimensions=dimensions)
            continue
        for each in found:
            sink.put(
                where,
                (each.namespace, each.name),
                each.value,
                at=each.at,
                dimensions=each.dimensions,
                unit=each.unit,
                count=each.times,
            )


def _count(sink: MetricSink, place: Place, masked: Masked, now: int) -> None:
    """Count the batch in AWS/Logs, as CloudWatch Logs does for every group."""
    where, dimensions = (place.account, place.region), {"LogGroupName": place.group}
    size = len("".join(masked.events.messages))
    sink.put(where, ("AWS/Logs", "IncomingLogEvents"), len(masked.events), at=now, dimensions=dimensions)
    sink.put(where, ("AWS/Logs", "IncomingBytes"), size, at=now, dimensions=dimensions, unit="Bytes")
