"""Transformers of single log groups: put, read, deleted, and tried out on sample messages."""

import json
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.services.logs.filtering import standard_group
from coldframe.services.logs.lookup import group_arn, name_in
from coldframe.services.logs.records import LogGroup, LogTransformer
from coldframe.services.logs.transformers import Origin
from coldframe.services.logs.transforming import checked

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteTransformerRequestTypeDef,
        GetTransformerRequestTypeDef,
        GetTransformerResponseTypeDef,
        PutTransformerRequestTypeDef,
        TestTransformerRequestTypeDef,
        TestTransformerResponseTypeDef,
    )

# What TestTransformer takes for the origin of messages that are in no log group.
_SAMPLE_GROUP, _SAMPLE_STREAM = "test-log-group", "test-log-stream"


def put_transformer(call: Call, request: "PutTransformerRequestTypeDef") -> None:
    """Create or replace the transformer of a group; it works on events that arrive from now on."""
    records = call.records
    group = standard_group(call, name_in(call, request["logGroupIdentifier"]), "log transformers")
    checked(request["transformerConfig"])
    present = records.find(LogTransformer, group.name)
    records.put(
        LogTransformer(
            group=group.name,
            config=json.dumps(request["transformerConfig"]),
            created=call.now if present is None else present.created,
            modified=call.now,
        )
    )


def get_transformer(call: Call, request: "GetTransformerRequestTypeDef") -> "GetTransformerResponseTypeDef":
    """Return the transformer of a group; one of the account is not told here."""
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifier"]))
    row = call.records.get(LogTransformer, group.name)
    return {  # type: ignore[typeddict-item]
        "logGroupIdentifier": group_arn(call, group.name),
        "creationTime": row.created,
        "lastModifiedTime": row.modified,
        "transformerConfig": json.loads(row.config),
    }


def delete_transformer(call: Call, request: "DeleteTransformerRequestTypeDef") -> None:
    """Delete the transformer of a group; one of the account for its name takes over."""
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifier"]))
    call.records.remove(call.records.get(LogTransformer, group.name))


def test_transformer(
    call: Call, request: "TestTransformerRequestTypeDef"
) -> "TestTransformerResponseTypeDef":
    """Return messages, numbered from 1, with what a transformer makes of them.

    A message that it cannot work on comes back as @message, with the reason as @transformationError.
    """
    transformer = checked(request["transformerConfig"])
    origin = Origin(_SAMPLE_GROUP, _SAMPLE_STREAM, call.account, call.region, call.now)
    results: list[dict[str, Any]] = []
    for number, message in enumerate(request["logEventMessages"], 1):
        done = transformer.transform(message, origin)
        text = done.text
        if done.error:
            text = json.dumps({"@message": message, "@transformationError": done.error}, ensure_ascii=False)
        results.append({"eventNumber": number, "eventMessage": message, "transformedEventMessage": text})
    return {"transformedLogs": results}  # type: ignore[typeddict-item]
