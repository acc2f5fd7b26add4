"""How long queries and their results are kept: seven days."""

from coldframe.core.installation import Installation
from coldframe.services.logs.insights.results import KeptResults
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.records import InsightsQuery

KEPT = 7 * DAY


def forget_queries(installation: Installation) -> int:
    """Remove the queries that were started more than seven days ago, and their results; returns how many."""
    before = installation.clock.milliseconds() - KEPT
    with installation.store.write() as transaction:
        everywhere = transaction.records("", "").everywhere(InsightsQuery, below=("created", before))
        for account, region, row in everywhere:
            transaction.records(account, region).remove(row)
    installation.parts.get(KeptResults).forget(row.id for _, _, row in everywhere)
    return len(everywhere)
