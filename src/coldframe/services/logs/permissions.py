"""Which resources of CloudWatch Logs an operation touches, their tags, and the policies that the resources have."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.policies import compiled_policy
from coldframe.services.logs.lookup import name_in
from coldframe.services.logs.records import (
    TAGGED,
    Destination,
    LogGroup,
    ResourcePolicy,
    ScheduledQuery,
)

_TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}
# Resource policies of log groups speak for AWS services only, and about these actions only.
_SERVICE_ACTIONS = {"logs:createlogstream", "logs:putlogevents"}


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of a request that names log groups by identifier or a resource by ARN; [] for all others."""
    identifiers = parameters.get("logGroupIdentifiers")
    if identifiers is None:
        identifier = parameters.get("logGroupIdentifier") or parameters.get("resourceIdentifier")
        identifiers = [] if identifier is None else [identifier]
    if identifiers:
        stream = parameters.get("logStreamName", "")
        return [call.arn(f"log-group:{name_in(call, each)}:log-stream:{stream}") for each in identifiers]
    if "ScheduledQuery" in operation and "identifier" in parameters:
        identifier = str(parameters["identifier"])
        return [identifier if identifier.startswith("arn:") else call.arn(f"scheduled-query:{identifier}")]
    resource = parameters.get("resourceArn")
    if isinstance(resource, str) and resource.startswith("arn:"):
        # Documented: tagging goes by the ARN as it is, everything else by that of the group's streams.
        return [resource if operation in _TAGGING else f"{resource.removesuffix(':*')}:log-stream:"]
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of a request: tags of the resource, tags in the request, a subscription's destination."""
    keys: dict[str, str | list[str]] = {}
    # Documented: DescribeLogGroups does not look at the tags of log groups.
    if operation != "DescribeLogGroups":
        keys |= {f"aws:ResourceTag/{key}": value for key, value in _tags_of(call, parameters).items()}
    tags = parameters.get("tags")
    if isinstance(tags, Mapping):
        keys |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        keys["aws:TagKeys"] = list(tags)
    elif parameters.get("tagKeys"):
        keys["aws:TagKeys"] = list(parameters["tagKeys"])
    if operation == "PutSubscriptionFilter":
        keys["logs:DestinationArn"] = parameters["destinationArn"]
    return keys


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the policy of a destination, or of a log group when a service asks; they are never required."""
    if call.principal.kind != "service" and ":destination:" not in resource:
        return None, False
    try:
        arn = arns.parse(resource)
    except ValueError:
        return None, False
    store = call.installation.store
    if arn.resource.startswith("destination:"):
        found = store.cached(Destination, arn.account, arn.region, arn.resource.removeprefix("destination:"))
        if found is None or not found.access_policy:
            return None, False
        return AttachedPolicy(resource, compiled_policy(found.access_policy, "resource")), False
    if call.principal.kind != "service" or not arn.resource.startswith("log-group:"):
        return None, False
    group = f"arn:{arn.partition}:logs:{arn.region}:{arn.account}:log-group:{arn.resource.split(':')[1]}"
    with store.read() as transaction:
        policies = transaction.records(arn.account, arn.region).list(ResourcePolicy)
    documents = tuple(policy.document for policy in policies if policy.resource in {"", group})
    merged = _for_services(documents)
    return (AttachedPolicy(resource, compiled_policy(merged, "resource")) if merged else None), False


@lru_cache(maxsize=256)
def _for_services(documents: tuple[str, ...]) -> str:
    """Return one document with the statements of all, as far as they speak of what services may do; empty for none."""
    statements: list[dict[str, Any]] = []
    for text in documents:
        entries = json.loads(text)["Statement"]
        for entry in entries if isinstance(entries, list) else [entries]:
            narrowed = {key: value for key, value in entry.items() if key != "Sid"}
            if entry["Effect"] == "Allow" and "Action" in entry:
                actions = entry["Action"] if isinstance(entry["Action"], list) else [entry["Action"]]
                narrowed["Action"] = [each for each in actions if each.lower() in _SERVICE_ACTIONS]
                if not narrowed["Action"]:
                    continue
            statements.append(narrowed)
    return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""


def _tags_of(call: Call, parameters: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the tags of the resource that a request names."""
    identifier = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    for name in ("resourceArn", "lookupTableArn", "anomalyDetectorArn", "identifier"):
        given = parameters.get(name)
        if not isinstance(given, str):
            continue
        kind, _, key = given.partition(":logs:")[2].partition(":")[2].partition(":")[2].partition(":")
        if kind == "log-group":
            identifier = given
        elif kind in TAGGED:
            return _tags(call, TAGGED[kind], key)
        elif name == "identifier":
            return _tags(call, ScheduledQuery, given)
    if parameters.get("destinationName"):
        return _tags(call, Destination, parameters["destinationName"])
    if not identifier:
        return {}
    try:
        return _tags(call, LogGroup, name_in(call, identifier))
    except ServiceFault:
        return {}  # the handler refuses it; a group of another place has no tags to go by


def _tags(call: Call, kind: type[Any], key: str) -> Mapping[str, str]:
    found = call.cached(kind, key)
    tags: Mapping[str, str] = found.tags if found is not None else {}
    return tags
