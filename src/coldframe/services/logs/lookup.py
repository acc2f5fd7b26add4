"""Which log group or anomaly detector a request means: by name, by ARN, or by an identifier that is either."""

from collections.abc import Mapping
from typing import Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs.records import LogAnomalyDetector, LogGroup, LogStream


def name_in(call: Call, identifier: str) -> str:
    """Return the log group's name in a name or an ARN; raises the fault for an ARN of another kind or place."""
    if not identifier.startswith("arn:"):
        return identifier
    try:
        parts = arns.parse(identifier)
    except ValueError as error:
        raise invalid(f"Invalid ARN: {identifier}") from error
    if parts.service != "logs" or not parts.resource.startswith("log-group:"):
        raise invalid(f"{identifier} is not the ARN of a log group.")
    if (parts.account, parts.region) != (call.account, call.region):
        raise missing_group()
    return parts.resource.removeprefix("log-group:").removesuffix(":*")


def named(call: Call, request: Mapping[str, Any]) -> str:
    """Return the group named by logGroupName or logGroupIdentifier, of which exactly one must be there."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise ServiceFault(
            "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters."
        )
    if name is None and identifier is None:
        raise invalid("You must specify either logGroupName or logGroupIdentifier.")
    return name if name is not None else name_in(call, str(identifier))


def group_of(call: Call, request: Mapping[str, Any]) -> LogGroup:
    """Return the group that a reading request means, from memory; raises ResourceNotFoundException."""
    return cached_group(call, named(call, request))


def cached_group(call: Call, name: str) -> LogGroup:
    """Return a group by its name, from memory; raises ResourceNotFoundException."""
    group = call.cached(LogGroup, name)
    if group is None:
        raise missing_group()
    return group


def cached_stream(call: Call, group: str, name: str) -> LogStream:
    """Return a stream by its name, from memory; raises ResourceNotFoundException."""
    stream = call.cached(LogStream, group, name)
    if stream is None:
        raise ServiceFault("ResourceNotFoundException", "The specified log stream does not exist.")
    return stream


def detector_of(call: Call, request: Mapping[str, Any]) -> LogAnomalyDetector:
    """Return the anomaly detector of a request's ARN; raises ResourceNotFoundException."""
    arn, prefix = request["anomalyDetectorArn"], call.arn("anomaly-detector:")
    if ":anomaly-detector:" not in arn:
        raise invalid(f"{arn} is not the ARN of an anomaly detector.")
    if not arn.startswith(prefix):
        raise ServiceFault("ResourceNotFoundException", "The specified anomaly detector does not exist.")
    return call.records.get(LogAnomalyDetector, arn.removeprefix(prefix))


def group_arn(call: Call, name: str) -> str:
    """Return the ARN of a group without the trailing `:*`."""
    return call.arn(f"log-group:{name}")


def missing_group() -> ServiceFault:
    """Return the fault for a group that is not there."""
    return ServiceFault("ResourceNotFoundException", "The specified log group does not exist.")


def invalid(text: str) -> ServiceFault:
    """Return CloudWatch Logs' fault for a parameter that is wrong."""
    return ServiceFault("InvalidParameterException", text)
