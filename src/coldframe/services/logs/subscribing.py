"""Where subscriptions may lead: a log group of the same account, or a destination whose owner lets the caller in."""

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import Destination, LogGroup

_UNDELIVERABLE = {
    "kinesis": "Could not deliver test message to specified Kinesis stream."
    " Check if the given kinesis stream is in ACTIVE state. Kinesis Data Streams is not built in coldframe.",
    "firehose": "Could not deliver test message to specified Firehose stream."
    " Check if the given Firehose stream is in ACTIVE state. Amazon Data Firehose is not built in coldframe.",
    "lambda": "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute"
    " your function. AWS Lambda is not built in coldframe.",
}


def check_destination(call: Call, text: str) -> str:
    """Return the log group a subscription to `text` writes to, by its ARN without `:*`.

    Raises InvalidParameterException for what nothing here can be delivered to, and AccessDenied where the destination's
    access policy (for another account's) or the caller's own policies do not allow logs:PutSubscriptionFilter on it.
    """
    arn = parsed(text)
    if arn.service == "logs" and arn.resource.startswith("destination:"):
        if arn.region != call.region:
            raise invalid("The destination must be in the same region as the log group.")
        call.require("logs:PutSubscriptionFilter", text)
        there = call.records.elsewhere(account=arn.account)
        found = there.find(Destination, arn.resource.removeprefix("destination:"))
        if found is None:
            raise invalid(f"The specified destination does not exist: {text}")
        return found.target
    return check_target(call, text)


def check_target(call: Call, text: str) -> str:
    """Return the ARN, without `:*`, of a log group of the caller's account and region that is there."""
    arn = parsed(text)
    if arn.service in _UNDELIVERABLE:
        raise invalid(_UNDELIVERABLE[arn.service])
    if arn.service != "logs" or not arn.resource.startswith("log-group:"):
        raise invalid(f"Invalid destination {text}: it is the ARN of neither a log group nor a destination.")
    name = arn.resource.removeprefix("log-group:").removesuffix(":*")
    if (arn.account, arn.region) != (call.account, call.region) or not _exists(call.records, name):
        raise invalid(
            "Could not deliver test message to specified log group."
            f" Check if the given log group is in this account and region: {text}"
        )
    return text.removesuffix(":*")


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


def _exists(records: Records, name: str) -> bool:
    return records.find(LogGroup, name) is not None
