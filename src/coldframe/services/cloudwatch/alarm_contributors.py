"""The contributors of alarms: the time series of a Metrics Insights query with GROUP BY, each judged on its own."""

import hashlib
from collections.abc import Mapping

from coldframe.core.records import Records
from coldframe.services.cloudwatch import alarm_history
from coldframe.services.cloudwatch.alarm_records import Alarm, Contributor
from coldframe.services.cloudwatch.alarms.evaluation import Rule, Verdict
from coldframe.services.cloudwatch.alarms.reasons import reason

Group = tuple[tuple[str, str], ...]
"""The labels of a series and their values; empty for the one series of a query that does not group."""


def contributions(of: Mapping[Group, Verdict], alarm: Alarm, rule: Rule, now: int) -> dict[str, Contributor]:
    """Return the contributors in ALARM by their ids, in the order of their series; those that were stay since then.

    One whose data say nothing keeps the state it has.
    """
    found: dict[str, Contributor] = {}
    counted = "DatapointsToAlarm" in alarm.configuration
    for group, verdict in of.items():
        id_ = hashlib.sha256(repr(group).encode()).hexdigest()[:16]
        before = alarm.contributors.get(id_)
        if verdict.state is None and before is not None:
            found[id_] = before
        elif verdict.state == "ALARM":
            since = now if before is None else before.since
            found[id_] = Contributor(dict(group), reason(verdict, rule, counted=counted), since)
    return found


def told(records: Records, before: Alarm, now_there: Mapping[str, Contributor], at: int) -> None:
    """Write into an alarm's history which contributors went into ALARM, and which out of it."""
    for id_ in before.contributors.keys() ^ now_there.keys():
        alarm_history.contributed(
            records, before, id_, before.contributors.get(id_), now_there.get(id_), at=at
        )
