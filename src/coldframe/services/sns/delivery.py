"""Delivery: threads that take messages out of the outbox, send them on, and try again what did not arrive."""

import heapq
import logging
import threading
from collections.abc import Collection, Iterable, Sequence

import msgspec

from coldframe.core import arns
from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.core.store import StoreUnavailable
from coldframe.core.struct_types import whole
from coldframe.engines.queue import Message, Reading
from coldframe.services.sns import channels, metrics
from coldframe.services.sns.channels import Outcome, Parcel, Told
from coldframe.services.sns.connections import Connections
from coldframe.services.sns.delivery_policies import OUTSIDE, WITHIN, RetryPolicy, retry_policy
from coldframe.services.sns.delivery_status import DeliveryStatus
from coldframe.services.sns.envelope import wrap
from coldframe.services.sns.message_keys import KeyRefused, MessageKeys
from coldframe.services.sns.outbox import Notification, Outbox, sequence_number
from coldframe.services.sns.records import EndedSubscription, Subscription, Topic
from coldframe.services.sns.signing import Signer
from coldframe.services.sns.subscription_attributes import dead_letter_target

LOG = logging.getLogger("coldframe.sns")

_MOST_THREADS = 8
# Longer than any delivery takes: whoever finds a message hidden after that finds one whose deliverer is gone.
_HIDDEN = 20_000
_BATCH = 10
# How long a message waits whose key KMS does not unwrap.
_KEY_AGAIN = 10_000
_TOGETHER = {"sqs", "firehose", "sms"}
# How long a thread sleeps at most, and how long it waits after an accident of its own, in seconds.
_LOOK_AGAIN = 5.0

_Due = tuple[float, str, str, str]


class Deliverer:
    """Delivers what is in the outbox, a subscription at a time by one thread; no thread lives while nothing is due."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._outbox = installation.parts.get(Outbox)
        self._keys = installation.parts.get(MessageKeys)
        self._connections = Connections(installation)
        self._status = DeliveryStatus(self._connections)
        self._sink = installation.parts.get(MetricSink)
        self._changed = threading.Condition()
        self._due: list[_Due] = []
        self._busy: set[str] = set()
        self._again: set[tuple[str, str, str]] = set()
        self._threads: set[threading.Thread] = set()
        self._open = True

    def due(self, topic: arns.Arn, subscriptions: Iterable[str]) -> None:
        """Have the messages of subscriptions of a topic delivered as soon as a thread is free."""
        for identifier in subscriptions:
            self._add(0.0, (topic.account, topic.region, identifier))

    def wait_for(self, subscriptions: Collection[str], seconds: float) -> None:
        """Return once what is due to subscriptions by now was tried, or when the time is up."""

        def tried() -> bool:
            now = self._installation.clock.seconds()
            waiting = any(each[3] in subscriptions and each[0] <= now for each in self._due)
            return not waiting and self._busy.isdisjoint(subscriptions)

        with self._changed:
            self._changed.wait_for(tried, seconds)

    def resume(self) -> None:
        """Have everything delivered that is in the outbox, such as what an earlier process left."""
        waiting = self._outbox.queues()
        if not waiting:
            return
        with self._installation.store.read() as transaction:
            everywhere = transaction.records("", "")
            places = [
                (account, region, row.id) for account, region, row in everywhere.everywhere(Subscription)
            ]
            ended = everywhere.everywhere(EndedSubscription)
        for place in (*places, *((account, region, row.id) for account, region, row in ended)):
            if place[2] in waiting:
                self._add(0.0, place)

    def close(self) -> None:
        """End after the deliveries under way; what is left is delivered after the next start."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(_LOOK_AGAIN)

    def _add(self, moment: float, place: tuple[str, str, str]) -> None:
        with self._changed:
            if not self._open:
                return
            heapq.heappush(self._due, (moment, *place))
            self._changed.notify()
            if len(self._threads) < min(_MOST_THREADS, len(self._due) + len(self._busy)):
                thread = threading.Thread(target=self._work, name="sns-delivery", daemon=True)
                self._threads.add(thread)
                thread.start()

    def _work(self) -> None:
        try:
            while (place := self._next()) is not None:
                again: float | None = None
                try:
                    again = self._deliver(*place)
                except StoreUnavailable as error:
                    LOG.warning("the delivery to subscription %s failed: %s", place[2], error)
                    again = self._installation.clock.seconds() + _LOOK_AGAIN
                except Exception:
                    LOG.exception("the delivery to subscription %s failed", place[2])
                    again = self._installation.clock.seconds() + _LOOK_AGAIN
                finally:
                    with self._changed:
                        if place in self._again:
                            self._again.discard(place)
                            again = 0.0
                        # Both at once, so that it is never neither due nor served while there is something to do.
                        self._busy.discard(place[2])
                        if again is not None and self._open:
                            heapq.heappush(self._due, (again, *place))
                        self._changed.notify_all()
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())

    def _next(self) -> tuple[str, str, str] | None:
        """Wait for a subscription that is due and that no other thread serves; None when there is nothing left."""
        with self._changed:
            while self._open and self._due:
                moment, account, region, identifier = self._due[0]
                left = moment - self._installation.clock.seconds()
                if left > 0:
                    # The clock may be turned, so it is looked at again before long.
                    self._changed.wait(min(left, _LOOK_AGAIN))
                    continue
                heapq.heappop(self._due)
                if identifier in self._busy:
                    # Whoever serves it may have had its last look: it is looked at again right after.
                    self._again.add((account, region, identifier))
                    continue
                self._busy.add(identifier)
                return account, region, identifier
            return None

    def _deliver(self, account: str, region: str, identifier: str) -> float | None:
        """Deliver what can be delivered now; returns when to come again, in seconds, None when nothing is left."""
        store, clock = self._installation.store, self._installation.clock
        while self._open:
            # Read again each time: what was set before a message was published holds for it.
            with store.read() as transaction:
                records = transaction.records(account, region)
                subscription = records.find(Subscription, identifier)
                ended = None if subscription is not None else records.find(EndedSubscription, identifier)
                if ended is not None:
                    subscription = msgspec.convert(ended.kept, whole(Subscription))
                topic = records.find(Topic, subscription.topic) if subscription is not None else None
            if subscription is None or topic is None:
                self._outbox.drop(identifier)
                return None
            arn = arns.Arn(arns.partition_of(region), "sns", region, account, topic.name)
            now = clock.milliseconds()
            # One at a time where order counts, and where one delivery may take as long as a message is hidden.
            limit = _BATCH if subscription.protocol in _TOGETHER and not topic.fifo else 1
            reading = Reading(now=now, hidden_until=now + _HIDDEN, limit=limit, ordered=topic.fifo)
            messages = self._outbox.receive(identifier, reading)
            if not messages:
                following = self._outbox.next_visible(identifier, now)
                return None if following is None else following / 1000
            messages = self._readable(identifier, messages, now)
            if ended is not None:
                messages = self._without_notifications(identifier, messages)
            if messages:
                self._send(arn, topic, subscription, messages)
        return None

    def _readable(self, identifier: str, messages: Sequence[Message], now: int) -> list[Message]:
        """Put off what KMS does not let anybody read now; it is looked at again until it does, or the topic is gone."""
        found = []
        for each in messages:
            try:
                self._keys.opened(each.id, each.body)
            except KeyRefused as refused:
                LOG.warning("message %s waits for the KMS key of its topic: %s", each.id, refused)
                place = (each.sequence, each.receives)
                self._outbox.change_visibility(identifier, place, now + _KEY_AGAIN, now)
            else:
                found.append(each)
        return found

    def _without_notifications(self, identifier: str, messages: Sequence[Message]) -> list[Message]:
        """Drop what was meant for a subscription before it ended; what tells of its end is left."""
        kinds = [self._keys.opened(each.id, each.body).kind for each in messages]
        pairs = list(zip(messages, kinds, strict=True))
        gone = [(each.sequence, each.receives) for each, kind in pairs if kind == "Notification"]
        if gone:
            self._outbox.delete(identifier, gone)
        return [each for each, kind in pairs if kind != "Notification"]

    def _send(
        self, arn: arns.Arn, topic: Topic, subscription: Subscription, messages: Sequence[Message]
    ) -> None:
        parcels = [self._parcel(arn, topic, subscription, message) for message in messages]
        answers = self._answers(arn, topic, subscription, parcels)
        policy, now = _retries(topic, subscription), self._installation.clock.milliseconds()
        done: list[tuple[int, int]] = []
        for message, parcel, told in zip(messages, parcels, answers, strict=True):
            later = told.outcome is Outcome.LATER
            delay = policy.delay(message.receives) if later else None
            if told.outcome is not Outcome.DELIVERED and subscription.protocol in {"http", "https"}:
                self._count(arn, parcel, "NumberOfNotificationsFailed", now)  # documented: every attempt
            if delay is not None:
                place = (message.sequence, message.receives)
                self._outbox.change_visibility(subscription.id, place, now + int(delay * 1000), now)
                continue
            if told.outcome is not Outcome.DELIVERED:
                if not self._to_dead_letters(arn, subscription, parcel, told, now):
                    continue
                if subscription.protocol not in {"http", "https"}:
                    self._count(arn, parcel, "NumberOfNotificationsFailed", now)
            else:
                self._count(arn, parcel, "NumberOfNotificationsDelivered", now)
            self._status.tell(arn, topic, subscription, parcel, told, attempts=message.receives, now=now)
            done.append((message.sequence, message.receives))
        self._outbox.delete(subscription.id, done)

    def _count(self, arn: arns.Arn, parcel: Parcel, name: str, now: int) -> None:
        if parcel.notification.kind == "Notification":
            metrics.count(self._sink, arn, name, now)

    def _answers(
        self, arn: arns.Arn, topic: Topic, subscription: Subscription, parcels: Sequence[Parcel]
    ) -> list[Told]:
        settings = self._installation.settings
        if subscription.protocol == "sqs":
            return channels.to_queue(self._connections, subscription.endpoint, parcels)
        if subscription.protocol == "firehose":
            return channels.to_stream(self._connections, subscription, parcels)
        if subscription.protocol in {"email", "email-json"}:
            name = topic.attributes.get("DisplayName", "")
            relay = settings.mail_relay
            return [channels.to_mailbox(relay, subscription, name, each) for each in parcels]
        if subscription.protocol == "sms":
            return [channels.to_nobody(each) for each in parcels]
        place = f"{arn}:{subscription.id}"
        policy = topic.attributes.get("DeliveryPolicy", "")
        return [channels.to_url(subscription, place, each, settings.deliver_to, policy) for each in parcels]

    def _to_dead_letters(
        self, arn: arns.Arn, subscription: Subscription, parcel: Parcel, told: Told, now: int
    ) -> bool:
        """Keep what cannot be delivered in the queue for it; False when that queue does not answer now."""
        policy = subscription.attributes.get("RedrivePolicy")
        if not policy or parcel.notification.kind != "Notification":
            text = "message %s could not be delivered to %s: %s"
            LOG.warning(text, parcel.id, subscription.endpoint, told.response)
            return True
        outcome = channels.to_queue(self._connections, dead_letter_target(policy), [parcel])[0].outcome
        if outcome is Outcome.NEVER:
            LOG.warning(
                "message %s: neither %s nor its dead-letter queue took it", parcel.id, subscription.endpoint
            )
            self._count(arn, parcel, "NumberOfNotificationsFailedToRedriveToDlq", now)
        elif outcome is Outcome.DELIVERED:
            self._count(arn, parcel, "NumberOfNotificationsRedrivenToDlq", now)
        return outcome is not Outcome.LATER

    def _parcel(self, arn: arns.Arn, topic: Topic, subscription: Subscription, message: Message) -> Parcel:
        notification: Notification = self._keys.opened(message.id, message.body)
        raw = subscription.attributes.get("RawMessageDelivery", "").lower() == "true"
        if raw and notification.kind == "Notification":
            return Parcel(message.id, notification, notification.message, raw=True)
        signer = self._installation.parts.get(Signer)
        text = wrap(
            notification,
            message.id,
            f"{arn}:{subscription.id}",
            sign=signer.sign,
            version=topic.attributes.get("SignatureVersion", "1"),
            certificate=signer.path,
            sequence=sequence_number(message.sequence)
            if topic.fifo and notification.kind == "Notification"
            else "",
        )
        return Parcel(message.id, notification, text, raw=False)


def _retries(topic: Topic, subscription: Subscription) -> RetryPolicy:
    if subscription.protocol in {"email", "email-json", "sms"}:
        return OUTSIDE
    if subscription.protocol not in {"http", "https"}:
        return WITHIN
    own = subscription.attributes.get("DeliveryPolicy")
    if own:
        return retry_policy(own, of_topic=False)
    return retry_policy(topic.attributes.get("DeliveryPolicy", ""), of_topic=True)
