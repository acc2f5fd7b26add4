"""The ARNs of topics and subscriptions, and the faults for those that are none."""

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.sns.records import Subscription, Topic


def invalid(text: str) -> ServiceFault:
    """Return the fault for a parameter that is not allowed."""
    return ServiceFault("InvalidParameterException", f"Invalid parameter: {text}")


def topic_place(call: Call, text: str, name: str = "TopicArn") -> arns.Arn:
    """Return the parts of a topic's ARN; raises InvalidParameter for none, and for one of another region."""
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise invalid(
            f"{name} Reason: An ARN must have at least 6 elements, not {len(text.split(':'))}"
        ) from error
    if arn.service != "sns" or ":" in arn.resource or len(arn.account) != 12:
        raise invalid(f"{name} Reason: {text} is not the ARN of a topic")
    if arn.region != call.region and call.principal.kind != "anonymous":
        raise invalid(name)
    return arn


def topic_in(call: Call, text: str) -> tuple[arns.Arn, Topic]:
    """Return the topic that an ARN names, from memory; raises NotFound."""
    arn = topic_place(call, text)
    found = call.installation.store.cached(Topic, arn.account, arn.region, arn.resource)
    if found is None:
        raise ServiceFault("NotFoundException", "Topic does not exist")
    return arn, found


def records_of(call: Call, arn: arns.Arn) -> Records:
    """Return the records of the place that an ARN names, in the call's transaction."""
    return call.records.elsewhere(account=arn.account, region=arn.region)


def subscription_of(call: Call, text: str) -> tuple[arns.Arn, Records, Subscription]:
    """Return the topic's ARN, the records and the subscription that an ARN names; raises InvalidParameter, NotFound."""
    topic, _, identifier = text.rpartition(":")
    if topic.count(":") < 4:
        raise invalid(
            f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {text.count(':') + 1}"
        )
    if topic.count(":") != 5:
        raise invalid("SubscriptionId")
    arn = topic_place(call, topic, "SubscriptionArn")
    records = records_of(call, arn)
    found = records.find(Subscription, identifier)
    if found is None or found.topic != arn.resource:
        raise ServiceFault("NotFoundException", "Subscription does not exist")
    return arn, records, found


def subscription_arn(topic: arns.Arn, subscription: Subscription) -> str:
    """Return a subscription's ARN."""
    return f"{topic}:{subscription.id}"
