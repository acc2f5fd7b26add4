"""Notification configurations: whether one can be kept. Source: Amazon S3 User Guide, Event notifications."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.ids import lower
from coldframe.services.s3.refusals import invalid_argument, malformed_xml

# The member that names the target, its service, and what an error calls it.
_TARGETS = {
    "QueueConfigurations": ("QueueArn", "sqs", "Queue"),
    "TopicConfigurations": ("TopicArn", "sns", "Topic"),
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "lambda", "CloudFunction"),
}


def check_notifications(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with an id for each entry; raises InvalidArgument for one that cannot be."""
    kept: dict[str, Any] = {}
    if configuration.get("EventBridgeConfiguration") is not None:
        kept["EventBridgeConfiguration"] = {}
    for name, (member, service, told) in _TARGETS.items():
        entries = configuration.get(name) or []
        for entry in entries:
            if not str(entry.get(member, "")).startswith("arn:") or f":{service}:" not in entry[member]:
                raise invalid_argument("The ARN could not be parsed", told, entry.get(member, ""))
            if not entry.get("Events"):
                raise invalid_argument("The event list of a notification configuration must not be empty")
            _check_filter(entry)
        if entries:
            kept[name] = [{"Id": lower(20), **_spelled(entry)} for entry in entries]
    return kept


def _spelled(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the names of its rules as AWS answers them."""
    found = ((entry.get("Filter") or {}).get("Key") or {}).get("FilterRules")
    if not found:
        return dict(entry)
    rules = [{"Name": rule["Name"].capitalize(), "Value": rule["Value"]} for rule in found]
    return {**entry, "Filter": {"Key": {"FilterRules": rules}}}


def _check_filter(entry: Mapping[str, Any]) -> None:
    rules = ((entry.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []
    names = [str(rule.get("Name", "")).lower() for rule in rules]
    for rule in rules:
        if rule.get("Name") is None or rule.get("Value") is None:
            raise malformed_xml()
        if rule["Name"].lower() not in {"prefix", "suffix"}:
            text = "filter rule name must be either prefix or suffix"
            raise invalid_argument(text, "FilterRule.Name", rule["Name"])
    if len(set(names)) != len(names):
        text = "Cannot specify more than one prefix rule in a filter."
        raise invalid_argument(text if names.count("prefix") > 1 else text.replace("prefix", "suffix"))
