"""Filters and order of ListSecrets and BatchGetSecretValue."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.secretsmanager.records import NEVER, Secret


def found(call: Call, request: dict[str, Any], *, planned: bool = False) -> list[Secret]:
    """Return the account's secrets that every filter lets through, in the order asked for."""
    rows = [
        row
        for row in call.records.list(Secret)
        if (row.due == NEVER or (planned and row.due > call.now))
        and all(_passes(row, call.region, each) for each in request.get("Filters") or ())
    ]
    by = request.get("SortBy") or "created-date"
    rows.sort(key=lambda row: (_order(row, by), row.name), reverse=request.get("SortOrder", "desc") == "desc")
    return rows


def _order(row: Secret, by: str) -> Any:
    return {
        "created-date": row.created,
        "last-accessed-date": row.accessed,
        "last-changed-date": row.changed,
        "name": row.name,
    }[by]


def _passes(row: Secret, region: str, each: dict[str, Any]) -> bool:
    """Tell whether a secret passes a filter: any of its values, of which those that begin with ! must not match."""
    key = each.get("Key") or "all"
    values = each.get("Values") or []
    refused = [value[1:] for value in values if value.startswith("!")]
    wanted = [value for value in values if not value.startswith("!")]
    if any(_matches(row, region, key, value) for value in refused):
        return False
    return not wanted or any(_matches(row, region, key, value) for value in wanted)


def _matches(row: Secret, region: str, key: str, value: str) -> bool:
    """Compare as documented: prefixes in the same case, but for descriptions, and words of all attributes."""
    if key == "all":
        texts = [text.lower() for attribute in _ATTRIBUTES for text in _texts(row, region, attribute)]
        return all(any(word in text for text in texts) for word in value.lower().split())
    if key == "description":
        return row.description.lower().startswith(value.lower())
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
