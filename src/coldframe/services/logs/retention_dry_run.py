"""What a change of a retention policy would do to the account's log groups, before it is made."""

from typing import Any

from coldframe.core.call import Call
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.account_retention import (
    NEVER_EXPIRE,
    Retention,
    covers,
    policies_of,
    retained,
)
from coldframe.services.logs.records import AccountPolicy, LogGroup

_MOST_SHOWN = 20
_FOREVER = 10**9


def dry_run(call: Call, changed: AccountPolicy, *, deleted: bool = False) -> dict[str, Any]:
    """Return dryRunResult for a policy as it would be, or for its deletion."""
    records, store = call.records, call.part(LogStore)
    before = policies_of(records)
    others = [policy for policy in before if policy.name != changed.name]
    after = others if deleted else [*others, changed]
    impacts: list[dict[str, Any]] = []
    counts = {1: 0, 0: 0, -1: 0}
    for group in records.list(LogGroup):
        if not covers(changed, changed.document, group):
            continue
        now = retained(before, group, call.now)
        then = retained(after, group, call.now, at_once="" if deleted else changed.name)
        counts[(_days(then) > _days(now)) - (_days(then) < _days(now))] += 1
        impacts.append(
            {
                "logGroupName": group.name,
                "currentRetention": _text(now),
                "proposedRetention": _text(then),
                "storedBytes": store.group_bytes(group.id),
            }
        )
    impacts.sort(key=lambda each: (-each["storedBytes"], each["logGroupName"]))
    return {
        "totalMatchedLogGroups": len(impacts),
        "increasedRetentionLogGroupCount": counts[1],
        "decreasedRetentionLogGroupCount": counts[-1],
        "unchangedRetentionLogGroupCount": counts[0],
        "failedAnalysisCount": 0,
        "topLogGroupsImpacted": impacts[:_MOST_SHOWN],
    }


def _days(retention: Retention) -> int:
    return _FOREVER if retention.days is None else retention.days


def _text(retention: Retention) -> str:
    return NEVER_EXPIRE if retention.days is None else str(retention.days)
