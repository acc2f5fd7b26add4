"""Field indexes: policies that name fields to index, and which of those fields the events of log groups have."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.index_documents import DEFAULTS, indexes, value_at
from coldframe.services.logs.index_policies import applying, own
from coldframe.services.logs.listing import page
from coldframe.services.logs.lookup import group_arn, invalid, name_in
from coldframe.services.logs.records import IndexPolicy, LogGroup
from coldframe.services.logs.transformers import Origin
from coldframe.services.logs.transforming import transformer_for

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteIndexPolicyRequestTypeDef,
        DescribeFieldIndexesRequestTypeDef,
        DescribeFieldIndexesResponseTypeDef,
        DescribeIndexPoliciesRequestTypeDef,
        DescribeIndexPoliciesResponseTypeDef,
        PutIndexPolicyRequestTypeDef,
        PutIndexPolicyResponseTypeDef,
    )

MOST_EVENTS = 20_000
"""The newest events that one call looks at, over all of its log groups."""

PAGE = 100
_USUAL = ("DEFAULT", "CUSTOM", "INACTIVE")
_IN_EVERY_EVENT = {"@logStream", "@aws.region", "@aws.account", "@ingestionTime"}


def put_index_policy(call: Call, request: "PutIndexPolicyRequestTypeDef") -> "PutIndexPolicyResponseTypeDef":
    """Set the field index policy of a group; the account's policies do not apply to it any more."""
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifier"]))
    if group.group_class != "STANDARD":
        raise invalid(f"Log groups of the class {group.group_class} do not support field indexes.")
    indexes(request["policyDocument"])
    row = IndexPolicy(group=group.name, document=request["policyDocument"], updated=call.now)
    call.records.put(row)
    return {"indexPolicy": own(call, row)}  # type: ignore[typeddict-item]


def describe_index_policies(
    call: Call, request: "DescribeIndexPoliciesRequestTypeDef"
) -> "DescribeIndexPoliciesResponseTypeDef":
    """Return the policy that applies to a group: its own, else the account's for its name, else none."""
    call.page(request.get("nextToken"))
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifiers"][0]))
    return {"indexPolicies": applying(call, group)}  # type: ignore[typeddict-item]


def delete_index_policy(call: Call, request: "DeleteIndexPolicyRequestTypeDef") -> dict[str, Any]:
    """Delete the policy of a group; the account's for its name applies again."""
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifier"]))
    call.records.remove(call.records.get(IndexPolicy, group.name))
    return {}


def describe_field_indexes(
    call: Call, request: "DescribeFieldIndexesRequestTypeDef"
) -> "DescribeFieldIndexesResponseTypeDef":
    """Return the indexed fields that the newest 20,000 events have, with the times of the first and last of these.

    No field is indexed automatically, and which fields were indexed before is not kept: the categories AUTO and
    INACTIVE are empty.
    """
    categories = request.get("indexCategories") or _USUAL
    position = call.page(request.get("nextToken")) or 0
    names = list(dict.fromkeys(name_in(call, each) for each in request["logGroupIdentifiers"]))
    groups = [call.records.get(LogGroup, name) for name in names]
    found = [
        row
        for group in groups
        for row in _seen(call, group, MOST_EVENTS // len(groups))
        if row["indexCategory"] in categories
    ]
    later = list(enumerate(found))[position:]
    shown, token = page(call, later, PAGE, lambda each: each[0] + 1)
    return {"fieldIndexes": [row for _, row in shown], **token}  # type: ignore[typeddict-item]


def _seen(call: Call, group: LogGroup, most: int) -> list[dict[str, Any]]:
    """Return the indexed fields that a group's newest events have; those of a policy since the policy was set."""
    policies = applying(call, group)
    custom = {name: kind for policy in policies for name, kind in indexes(policy["policyDocument"]).items()}
    since = max((policy["lastUpdateTime"] for policy in policies), default=0)
    defaults = DEFAULTS if group.group_class == "STANDARD" else ()
    wanted = dict.fromkeys(defaults, (0, "FIELD_INDEX", "DEFAULT"))
    wanted |= {name: (since, kind, "CUSTOM") for name, kind in custom.items()}
    times: dict[str, tuple[int, int]] = {}
    transformer = transformer_for(call.records, group)
    for row in islice(call.part(LogStore).scan(group.id, descending=True), most):
        message = row.message
        if transformer is not None:
            origin = Origin(group.name, row.stream, call.account, call.region, row.timestamp)
            message = transformer.transform(message, origin).text
        document = _document(message)
        for name, (start, _, _) in wanted.items():
            if row.ingestion >= start and _has(document, name):
                first, last = times.get(name, (row.timestamp, row.timestamp))
                times[name] = min(first, row.timestamp), max(last, row.timestamp)
    return [
        {
            "logGroupIdentifier": group_arn(call, group.name),
            "fieldIndexName": name,
            "lastScanTime": call.now,
            "firstEventTime": times[name][0],
            "lastEventTime": times[name][1],
            "type": kind,
            "indexCategory": category,
        }
        for name, (_, kind, category) in sorted(wanted.items())
        if name in times
    ]


def _document(message: str) -> Any:
    if not message.lstrip().startswith("{"):
        return None
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None


def _has(document: Any, name: str) -> bool:
    if name in _IN_EVERY_EVENT:
        return True
    return isinstance(document, Mapping) and value_at(document, name) is not None
