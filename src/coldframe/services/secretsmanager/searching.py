"""Filters and order of ListSecrets and BatchGetSecretValue."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.secretsmanager.records import NEVER, Secret


def found(call: Call, request: dict[str, Any], *, planned: bool = False) -> list[Secret]:
    """Return the account's secrets that every filter lets through, in the order asked for."""
    for each in request.get("Filters") or ():
        _check(each)
    rows = [
        row
        for row in call.records.list(Secret)
        if (row.due == NEVER or (planned and row.due > call.now))
        and all(_passes(row, call.region, each) for each in request.get("Filters") or ())
    ]
    by = request.get("SortBy") or "created-date"
    rows.sort(key=lambda row: (_order(row, by), row.name), reverse=request.get("SortOrder", "desc") == "desc")
    return rows


def _check(each: dict[str, Any]) -> None:
    if not each.get("Key"):
        raise ServiceFault("InvalidParameterException", "Invalid filter key")
    if not each.get("Values"):
        text = f"Invalid filter values for key: {each['Key']}"
        raise ServiceFault("InvalidParameterException", text)


def _order(row: Secret, by: str) -> Any:
    return {
        "created-date": row.created,
        "last-accessed-date": row.accessed,
        "last-changed-date": row.changed,
        "name": row.name,
    }[by]


def _passes(row: Secret, region: str, each: dict[str, Any]) -> bool:
    """Tell whether a secret passes a filter: any of its values, of which those that begin with ! must not match."""
    key, values = each["Key"], each["Values"]
    refused = [value[1:] for value in values if value.startswith("!")]
    wanted = [value for value in values if not value.startswith("!")]
    if any(_matches(row, region, key, value) for value in refused):
        return False
    return not wanted or any(_matches(row, region, key, value) for value in wanted)


def _matches(row: Secret, region: str, key: str, value: str) -> bool:
    """Compare as documented: prefixes in the same case, and words of all attributes.

    Of a description every word that is looked for begins a word, in any case, as AWS was seen to compare.
    """
    if key == "all":
        texts = [text.lower() for attribute in _ATTRIBUTES for text in _texts(row, region, attribute)]
        return all(any(word in text for text in texts) for word in value.lower().split())
    if key == "description":
        words = row.description.lower().split()
        return all(any(word.startswith(start) for word in words) for start in value.lower().split())
    return any(text.startswith(value) for text in _texts(row, region, key))


_ATTRIBUTES = ("name", "description", "tag-key", "tag-value", "owning-service")


def _texts(row: Secret, region: str, key: str) -> list[str]:
    return {
        "name": [row.name],
        "description": [row.description],
        "tag-key": list(row.tags),
        "tag-value": list(row.tags.values()),
        "primary-region": [row.primary or region] if row.primary or row.replicas else [],
        "owning-service": [row.owner] if row.owner else [],
    }[key]
