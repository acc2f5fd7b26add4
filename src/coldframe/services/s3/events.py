"""Event notifications: which of a bucket's targets hear of an event, and the message that they get.

Source: Amazon S3 User Guide, Event message structure. The message is sent by a job that is committed with the change
itself: none is sent for what did not happen, and none is forgotten.
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote_plus

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.services.s3.grants import canonical_id
from coldframe.services.s3.jobs import send_event
from coldframe.services.s3.lookup import bucket_arn
from coldframe.services.s3.messenger import Messenger
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import invalid_argument
from coldframe.services.s3.times import written
from coldframe.services.s3.versions import NULL

# Lambda and EventBridge are no services of this server: what is configured for them is kept and not told.
_TARGETS = {"QueueConfigurations": "QueueArn", "TopicConfigurations": "TopicArn"}

# Events that came with a later version of the message, which have neither size nor sequencer.
_LATER = ("ObjectAcl", "ObjectTagging")
_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"


def emit(
    call: Call, bucket: Bucket, event: str, version: Version, more: Mapping[str, Any] | None = None
) -> None:
    """Tell the bucket's queues and topics of an event such as `ObjectCreated:Put`, once the call is committed.

    `more` takes the place of members of the message's record, or is added to them.
    """
    configuration = bucket.settings.get("notification")
    if not configuration:
        return
    arn = bucket_arn(call, bucket.name)
    for identifier, target in _listening(configuration, event, version.key):
        record = _record(call, bucket, event, version, identifier) | dict(more or {})
        message = json.dumps({"Records": [record]})
        trace = [call.trace_header] if call.trace_header else []
        call.start(send_event, target, message, arn, bucket.owner, *trace)


def try_targets(call: Call, bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Send each target the message by which AWS tries a new configuration; no transaction may be open.

    Raises InvalidArgument that names every target which does not exist or does not take messages of this bucket.
    """
    arn = bucket_arn(call, bucket.name)
    message = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": written(call.now),
        "Bucket": bucket.name,
    }
    message |= {"RequestId": call.request_id, "HostId": call.request_id}
    refused: dict[str, str] = {}
    for name, member in _TARGETS.items():
        kind = "queue" if member == "QueueArn" else "topic"
        for entry in configuration.get(name) or []:
            try:
                call.part(Messenger).send(entry[member], json.dumps(message), arn, bucket.owner)
            except ClientError:
                there = call.part(Messenger).exists(entry[member])
                refused[entry[member]] = (
                    f"The destination {kind} does not exist"
                    if not there
                    else f"Permissions on the destination {kind} do not allow S3 to publish notifications from this bucket"
                )
    if refused:
        fault = invalid_argument("Unable to validate the following destination configurations")
        for number, (target, why) in enumerate(refused.items(), 1):
            fault.members |= {f"ArgumentName{number}": target, f"ArgumentValue{number}": why}
        raise fault


def _listening(configuration: Mapping[str, Any], event: str, key: str) -> Iterator[tuple[str, str]]:
    for name, member in _TARGETS.items():
        for entry in configuration.get(name) or []:
            wanted = any(fnmatchcase(f"s3:{event}", pattern) for pattern in entry["Events"])
            if wanted and _passes(entry, key):
                yield entry["Id"], entry[member]


def _passes(entry: Mapping[str, Any], key: str) -> bool:
    for rule in ((entry.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []:
        found = (
            key.startswith(rule["Value"]) if rule["Name"].lower() == "prefix" else key.endswith(rule["Value"])
        )
        if not found:
            return False
    return True


def _record(call: Call, bucket: Bucket, event: str, version: Version, identifier: str) -> dict[str, Any]:
    about: dict[str, Any] = {"key": quote_plus(version.key, safe="/")}
    kind, later = event.partition(":")[0], event.startswith(_LATER)
    if kind in {"ObjectCreated", "ObjectRestore"}:
        about["size"] = version.size
    if kind != "ObjectRemoved":
        about["eTag"] = version.etag
    elif version.marker and event.endswith("MarkerCreated"):
        about["eTag"] = _OF_NOTHING
    if version.version_id != NULL:
        about["versionId"] = version.version_id
    if not later:
        about["sequencer"] = f"{call.now:016X}"
    return {
        "eventVersion": "2.3" if later else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": written(call.now),
        "eventName": event,
        "userIdentity": {"principalId": f"AWS:{call.principal.user_id or 'Anonymous'}"},
        "requestParameters": {"sourceIPAddress": call.source_ip},
        "responseElements": {"x-amz-request-id": call.request_id, "x-amz-id-2": call.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": identifier,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": canonical_id(bucket.owner)},
                "arn": bucket_arn(call, bucket.name),
            },
            "object": about,
        },
    }
