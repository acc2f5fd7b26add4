"""The end of subscriptions: of HTTP endpoints it is told, and they may restore what has ended for three days.

Source: Amazon SNS Developer Guide, Parsing message formats, HTTP/HTTPS unsubscribe confirmation JSON format.
"""

import hmac

import msgspec

from coldframe.core import arns, ids
from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.core.struct_types import whole
from coldframe.services.sns import jobs
from coldframe.services.sns.publishing import tell_of_end
from coldframe.services.sns.records import EndedSubscription, Subscription, Topic

TOKEN_LIVES = 3 * 24 * 3600 * 1000
TOKEN_LENGTH = 192


def end(call: Call, arn: arns.Arn, records: Records, subscription: Subscription) -> None:
    """Remove a subscription; an HTTP endpoint that had confirmed it is told, and what it can do about it."""
    records.remove(subscription)
    for each in records.list(EndedSubscription):
        if each.token_until < call.now:
            records.remove(each)
            call.start(jobs.drop_messages, each.id)
    if subscription.protocol not in {"http", "https"} or not subscription.confirmed:
        call.start(jobs.drop_messages, subscription.id)
        return
    token = ids.hexadecimal(TOKEN_LENGTH)
    ended = EndedSubscription(
        id=subscription.id,
        topic=subscription.topic,
        token=token,
        token_until=call.now + TOKEN_LIVES,
        kept=msgspec.to_builtins(subscription),
    )
    records.put(ended)
    records.after_commit(lambda: tell_of_end(call, arn, subscription.id, token))


def restore(call: Call, records: Records, token: str) -> Subscription | None:
    """Bring back the subscription that a token was sent for when it ended; None for no such token, or a late one."""
    for each in records.list(EndedSubscription):
        if not hmac.compare_digest(each.token.encode(), token.encode()):
            continue
        kept = msgspec.convert(each.kept, whole(Subscription))
        same = records.list(Subscription, where={"topic": kept.topic, "endpoint": kept.endpoint})
        if each.token_until < call.now or same or records.find(Topic, kept.topic) is None:
            return None
        records.remove(each)
        restored = msgspec.structs.replace(kept, token=token, token_until=each.token_until)
        records.add(restored)
        return restored
    return None


def forget(call: Call, records: Records, topic: str) -> None:
    """Forget what has ended of a topic that is deleted."""
    for each in records.list(EndedSubscription, where={"topic": topic}):
        records.remove(each)
        call.start(jobs.drop_messages, each.id)
