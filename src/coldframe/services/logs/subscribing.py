"""Where subscriptions may lead: a log group or a delivery stream of the same account, or a destination of another one."""

from typing import NamedTuple

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs.lookup import group_arn, invalid
from coldframe.services.logs.records import Destination, LogGroup
from coldframe.services.logs.subscriptions.recipients import check_recipient, recipient_of

_NOT_BUILT = {
    "kinesis": "Amazon Kinesis Data Streams is",
    "lambda": "AWS Lambda is",
}
_CROSS_ACCOUNT = (
    "Cross-account lambda invocation passing is not allowed."
    " You must use DestinationPolicies to create cross account lambda triggers."
)


class Target(NamedTuple):
    """The ARN of a log group, without `:*`, or of a delivery stream, and the role that may put records there."""

    arn: str
    role: str = ""


def check_destination(call: Call, text: str, role: str, group: str | None) -> Target:
    """Return what a subscription to `text` writes to; a delivery stream has taken a test record by then.

    `group` is the name of the subscribed log group, None for those of the whole account. No transaction may be open.
    Raises InvalidParameterException for what nothing here can be delivered to, and AccessDenied where the destination's
    access policy (for another account's) or the caller's own policies do not allow logs:PutSubscriptionFilter on it,
    or iam:PassRole on the role.
    """
    arn = parsed(text)
    if role:
        check_role(call, role)
    if arn.service != "logs" or not arn.resource.startswith("destination:"):
        return check_target(call, text, role, group)
    if arn.region != call.region:
        raise invalid("The destination must be in the same region as the log group.")
    call.require("logs:PutSubscriptionFilter", text)
    name = arn.resource.removeprefix("destination:")
    found = call.installation.store.cached(Destination, arn.account, arn.region, name)
    if found is None:
        raise invalid(f"The specified destination does not exist: {text}")
    target = Target(found.target, found.role)
    _try_out(call, target, group)
    return target


def check_target(call: Call, text: str, role: str, group: str | None = None) -> Target:
    """Return a log group or a delivery stream of the caller's account that is there, the latter after a test record."""
    arn = parsed(text)
    if arn.service == "lambda" and arn.account != call.account:
        raise ServiceFault("AccessDeniedException", _CROSS_ACCOUNT, status=400)
    if arn.service == "kinesis" and not role:
        raise invalid("destinationArn for vendor kinesis cannot be used without roleArn")
    if arn.service in _NOT_BUILT:
        raise NotBuilt(
            f"{_NOT_BUILT[arn.service]} not built in coldframe, so nothing can be delivered to {text}."
        )
    if arn.service == "firehose" and arn.resource.startswith("deliverystream/"):
        if not role:
            raise invalid("destinationArn for vendor firehose cannot be used without roleArn")
        if arn.account != call.account:
            raise invalid(
                "Could not deliver test message to specified Firehose stream."
                f" Check if the given Firehose stream is in this account: {text}"
            )
        target = Target(text, role)
        _try_out(call, target, group)
        return target
    if arn.service != "logs" or not arn.resource.startswith("log-group:"):
        raise invalid(
            f"Invalid destination {text}: it is the ARN of neither a log group nor a Firehose stream nor a destination."
        )
    name = arn.resource.removeprefix("log-group:").removesuffix(":*")
    here = (arn.account, arn.region) == (call.account, call.region)
    if not here or call.cached(LogGroup, name) is None:
        raise invalid(
            "Could not deliver test message to specified log group."
            f" Check if the given log group is in this account and region: {text}"
        )
    return Target(text.removesuffix(":*"))


def check_role(call: Call, role: str) -> None:
    """Check that a role's ARN is one, and that the caller may pass it on."""
    if not parsed(role).resource.startswith("role/") or parsed(role).service != "iam":
        raise invalid(f"Invalid roleArn: {role} is not the ARN of a role.")
    call.require("iam:PassRole", role)


def parsed(text: str) -> arns.Arn:
    """Take an ARN apart; raises InvalidParameterException when it is none."""
    try:
        return arns.parse(text)
    except ValueError as error:
        raise invalid(f"Invalid ARN: {text}") from error


def _try_out(call: Call, target: Target, group: str | None) -> None:
    if ":firehose:" not in target.arn:
        return
    source = call.arn("").removesuffix(":") if group is None else group_arn(call, group)
    check_recipient(call.installation, recipient_of(target.arn, target.role), source, call.now)
