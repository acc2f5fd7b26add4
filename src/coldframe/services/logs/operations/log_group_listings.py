"""ListLogGroups: names and classes of log groups, by a pattern of prefixes and substrings and by tags."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import group_arn
from coldframe.services.logs.records import LogGroup

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import ListLogGroupsRequestTypeDef, ListLogGroupsResponseTypeDef


def list_log_groups(call: Call, request: "ListLogGroupsRequestTypeDef") -> "ListLogGroupsResponseTypeDef":
    """Return a page of log groups by name that satisfy all filters."""
    after, limit = call.page(request.get("nextToken")), request.get("limit", MOST)
    kind, accounts = request.get("logGroupClass"), request.get("accountIdentifiers")
    rows: list[LogGroup] = []
    elsewhere = request.get("includeLinkedAccounts") and accounts and call.account not in accounts
    # No log group has field indexes or data sources here, so a filter for them finds none.
    if not elsewhere and not request.get("fieldIndexNames") and not request.get("dataSources"):
        rows = call.records.list(
            LogGroup,
            where={} if kind is None else {"group_class": kind},
            after=None if after is None else (after,),
        )
    alternatives = [part for part in request.get("logGroupNamePattern", "").split("|") if part]
    tags: Any = request.get("logGroupTags", [])
    found = [
        row
        for row in rows
        if (not alternatives or any(_named(row.name, part) for part in alternatives))
        and all(_tagged(row.tags, each["key"], each.get("values", [])) for each in tags)
    ]
    shown, token = page(call, found, limit, lambda group: group.name)
    return {"logGroups": [_summary(call, group) for group in shown], **token}  # type: ignore[typeddict-item]


def _named(name: str, part: str) -> bool:
    return name.startswith(part[1:]) if part.startswith("^") else part in name


def _tagged(tags: Mapping[str, str], key: str, values: list[str]) -> bool:
    """Tell whether a group has a tag, with one of the values if any are given."""
    return key in tags and (not values or any(_is_value(tags[key], value) for value in values))


def _is_value(text: str, wanted: str) -> bool:
    """Tell whether a tag's value is the one wanted: `!` in front negates, `*` at an end stands for any text.

    With a `*` the case of letters does not matter.
    """
    negated = wanted.startswith("!")
    wanted = wanted[negated:]
    start, end = wanted.startswith("*"), len(wanted) > 1 and wanted.endswith("*")
    core = wanted[start : len(wanted) - end]
    if start or end:
        text, core = text.lower(), core.lower()
    if start and end:
        matches = core in text
    elif start:
        matches = text.endswith(core)
    else:
        matches = text.startswith(core) if end else text == core
    return matches is not negated


def _summary(call: Call, group: LogGroup) -> dict[str, Any]:
    return {
        "logGroupName": group.name,
        "logGroupArn": group_arn(call, group.name),
        "logGroupClass": group.group_class,
    }
