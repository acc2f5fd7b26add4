"""Which queues may send their dead letters to which."""

from coldframe.core import arns
from coldframe.core.records import Records
from coldframe.services.sqs.attributes import redrive, redrive_allow
from coldframe.services.sqs.lookup import invalid_value
from coldframe.services.sqs.records import Queue


def check_target(records: Records, source: str, policy: str, *, fifo: bool) -> str:
    """Return the name of the queue that a redrive policy names; raises InvalidParameterValue where it may not.

    `source` is the ARN of the queue whose policy it is: the other has to be of the same account, region and type.
    """
    target = redrive(policy).dead_letter_target_arn
    try:
        wanted, here = arns.parse(target), arns.parse(source)
    except ValueError as error:
        raise invalid_value("RedrivePolicy", policy, "Invalid value for deadLetterTargetArn.") from error
    if (wanted.service, wanted.region, wanted.account) != ("sqs", here.region, here.account):
        reason = "The dead-letter queue must be in the same account and region as the source queue."
        raise invalid_value("RedrivePolicy", policy, reason)
    found = records.find(Queue, wanted.resource)
    if found is None:
        raise invalid_value("RedrivePolicy", policy, "Dead letter target does not exist.")
    if found.fifo != fifo:
        reason = "Dead-letter queue must be same type of queue as the source."
        raise invalid_value("RedrivePolicy", policy, reason)
    allowed = redrive_allow(found.attributes.get("RedriveAllowPolicy", ""))
    if allowed.redrive_permission == "denyAll" or (
        allowed.redrive_permission == "byQueue" and source not in allowed.source_queue_arns
    ):
        reason = "The dead-letter queue's RedriveAllowPolicy does not let this queue use it."
        raise invalid_value("RedrivePolicy", policy, reason)
    return found.name
