"""Lifecycle rules: what they may say, and what they say of a version at a time.

Source: Amazon S3 User Guide, Lifecycle configuration elements.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from coldframe.core import ids
from coldframe.services.s3.records import Version
from coldframe.services.s3.refusals import invalid_argument, invalid_request, malformed_xml
from coldframe.services.s3.times import DAY, http_date, milliseconds, moment

_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)
_MOST_RULES = 1000
# Classes that objects may not move to before so many days.
_LATER, _SOONEST = frozenset({"STANDARD_IA", "ONEZONE_IA"}), 30
Rule = Mapping[str, Any]


def kept_rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return rules as they are kept, dates as milliseconds; raises MalformedXML, InvalidArgument, InvalidRequest."""
    if len(rules) > _MOST_RULES:
        raise malformed_xml()
    names = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(names)) != len(names):
        raise invalid_argument("Rule ID must be unique. Found same ID for more than one rule")
    return [_kept(rule) for rule in rules]


def answered_rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return kept rules as an answer has them."""
    return [_with_dates(rule, moment) for rule in rules]


def _kept(rule: Rule) -> dict[str, Any]:
    if not any(rule.get(name) for name in _ACTIONS):
        raise invalid_request("At least one action needs to be specified in a rule")
    if len(rule.get("ID") or "") > 255:
        raise invalid_argument("ID length should not exceed allowed limit of 255")
    if rule.get("Prefix") is None and rule.get("Filter") is None:
        raise malformed_xml()
    expiration = rule.get("Expiration") or {}
    if (
        len(
            [
                name
                for name in ("Days", "Date", "ExpiredObjectDeleteMarker")
                if expiration.get(name) is not None
            ]
        )
        > 1
    ):
        raise malformed_xml()
    date = expiration.get("Date")
    if date is not None and milliseconds(date) % DAY:
        raise invalid_argument("'Date' must be at midnight GMT", "Date", date.strftime("%Y-%m-%dT%H:%M:%SZ"))
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is not None and not noncurrent:
        raise malformed_xml()
    noncurrent = noncurrent or {}
    _check_filter(rule.get("Filter") or {})
    abort = rule.get("AbortIncompleteMultipartUpload") or {}
    for days, name in (
        (expiration.get("Days"), "Expiration"),
        (noncurrent.get("NoncurrentDays"), "NoncurrentVersionExpiration"),
        (abort.get("DaysAfterInitiation"), "AbortIncompleteMultipartUpload"),
    ):
        if days is not None and days <= 0:
            raise invalid_argument(f"'Days' for {name} action must be a positive integer")
    _check_transitions(rule.get("Transitions") or [], expiration)
    return {"ID": rule.get("ID") or ids.lower(48)} | _with_dates(rule, milliseconds)


def _check_transitions(transitions: Sequence[Mapping[str, Any]], expiration: Mapping[str, Any]) -> None:
    for each in transitions:
        days, date, storage_class = each.get("Days"), each.get("Date"), each.get("StorageClass")
        if storage_class is None or (days is None) == (date is None):
            raise malformed_xml()
        if date is not None and milliseconds(date) % DAY:
            raise invalid_argument(
                "'Date' must be at midnight GMT", "Date", date.strftime("%Y-%m-%dT%H:%M:%SZ")
            )
        if days is not None and days < 0:
            raise invalid_argument("'Days' in Transition action must be nonnegative")
        if days is not None and days < _SOONEST and storage_class in _LATER:
            text = f"'Days' in Transition action must be greater than or equal to {_SOONEST} for storageClass"
            raise invalid_argument(f"{text} '{storage_class}'")
        if days is not None and expiration.get("Days") is not None and expiration["Days"] <= days:
            text = "'Days' in the Expiration action must be greater than 'Days' in the Transition action"
            raise invalid_argument(text)


def _check_filter(found: Mapping[str, Any]) -> None:
    if len([name for name in found if found[name] is not None]) > 1:
        raise malformed_xml()
    keys = [tag["Key"] for tag in (found.get("And") or {}).get("Tags") or []]
    if len(set(keys)) != len(keys):
        raise invalid_request("Duplicate Tag Keys are not allowed.")


def _with_dates(rule: Rule, change: Any) -> dict[str, Any]:
    """Return a rule with its dates changed."""
    out = dict(rule)
    if out.get("Expiration", {}).get("Date") is not None:
        out["Expiration"] = {**out["Expiration"], "Date": change(out["Expiration"]["Date"])}
    if out.get("Transitions"):
        out["Transitions"] = [
            {**each, "Date": change(each["Date"])} if each.get("Date") is not None else each
            for each in out["Transitions"]
        ]
    return out


def applies(rule: Rule, key: str, *, size: int = 0, tags: Mapping[str, str] | None = None) -> bool:
    """Tell whether a rule is about an object."""
    if rule["Status"] != "Enabled":
        return False
    found = rule.get("Filter") or {}
    both = found.get("And") or {}
    prefix = both.get("Prefix") or found.get("Prefix") or rule.get("Prefix") or ""
    wanted = [*(both.get("Tags") or []), *([found["Tag"]] if found.get("Tag") else [])]
    greater = both.get("ObjectSizeGreaterThan", found.get("ObjectSizeGreaterThan"))
    less = both.get("ObjectSizeLessThan", found.get("ObjectSizeLessThan"))
    return (
        key.startswith(prefix)
        and all((tags or {}).get(tag["Key"]) == tag["Value"] for tag in wanted)
        and (greater is None or size > greater)
        and (less is None or size < less)
    )


def expires(rule: Rule, found: Version, now: int) -> bool:
    """Tell whether a rule ends the newest version of a key by now."""
    said = rule.get("Expiration") or {}
    if said.get("Days") is not None:
        return now >= due(found.modified, said["Days"])
    return said.get("Date") is not None and now >= said["Date"]


def told_expiration(rules: Sequence[Rule], found: Version) -> dict[str, str]:
    """Return what answers say of when the rules end the newest version of a key: the first of them that will."""
    ends: list[tuple[int, str]] = []
    for rule in rules if found.latest else ():
        said = rule.get("Expiration") or {}
        if applies(rule, found.key, size=found.size, tags=found.tags):
            if said.get("Days") is not None:
                ends.append((due(found.modified, said["Days"]), rule["ID"]))
            elif said.get("Date") is not None:
                ends.append((said["Date"], rule["ID"]))
    if not ends:
        return {}
    end, name = min(ends, key=itemgetter(0))
    return {"Expiration": f'expiry-date="{http_date(end)}", rule-id="{quote(name, safe="")}"'}


def due(since: int, days: int) -> int:
    """Return when something is so many days old by S3's count: at the midnight, UTC, that follows."""
    moment_due = datetime.fromtimestamp((since + days * DAY) / 1000, UTC)
    midnight = moment_due.replace(hour=0, minute=0, second=0, microsecond=0)
    start = milliseconds(midnight)
    return start if start == since + days * DAY else start + DAY
