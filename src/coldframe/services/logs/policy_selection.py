"""Selection criteria of account policies: which log groups a policy takes in, and which policies would overlap."""

import re
from collections.abc import Iterable

import msgspec

from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs.account_policy_documents import MOST_SELECTION_BYTES
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import AccountPolicy

MOST_POLICIES = 20
"""Account policies of a kind that are each scoped to a prefix."""

_CRITERIA = re.compile(r"\s*(LogGroupName|LogGroupNamePrefix)\s+(NOT\s+IN|IN)\s+(\[.*\])\s*", re.DOTALL)


def selects(criteria: str, group: str) -> bool:
    """Tell whether the criteria of a stored policy take in a log group."""
    found = _CRITERIA.fullmatch(criteria)
    if found is None:
        return True
    names = msgspec.json.decode(found[3], type=list[str])
    among = group in names if found[1] == "LogGroupName" else group.startswith(tuple(names))
    return among == (found[2] == "IN")


def prefixes(criteria: str) -> list[str]:
    """Return the prefixes of `LogGroupNamePrefix IN [...]`, none without criteria; raises the fault for other text."""
    if not criteria:
        return []
    if len(criteria.encode("utf-8", "surrogatepass")) > MOST_SELECTION_BYTES:
        raise invalid(f"selectionCriteria can have at most {MOST_SELECTION_BYTES} bytes.")
    if "DataSource" in criteria:
        raise NotBuilt("Log events have no data sources in coldframe that a policy could select them by.")
    found = _CRITERIA.fullmatch(criteria)
    if found is None or (found[1], found[2]) != ("LogGroupNamePrefix", "IN"):
        raise invalid('Invalid selectionCriteria: only LogGroupNamePrefix IN ["prefix", ...] is supported.')
    try:
        names = msgspec.json.decode(found[3], type=list[str])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise invalid(f"Invalid selectionCriteria: {error}.") from error
    if not names or not all(names):
        raise invalid("Invalid selectionCriteria: LogGroupNamePrefix needs prefixes that are not empty.")
    return names


def check_no_overlap(criteria: str, others: Iterable[AccountPolicy]) -> None:
    """Refuse a policy beside the others of its kind: one for all groups stands alone, and prefixes do not overlap."""
    new, count = prefixes(criteria), 0
    for other in others:
        count += 1
        old = prefixes(other.selection)
        if not new or not old:
            raise ServiceFault(
                "LimitExceededException",
                f"A policy of the type {other.kind} for all log groups can only be the account's one policy of its"
                f" type; there is {other.name} already.",
            )
        for one in new:
            if any(one.startswith(two) or two.startswith(one) for two in old):
                raise invalid(f"The prefix {one!r} overlaps with a prefix of the policy {other.name}.")
    if count >= MOST_POLICIES:
        raise ServiceFault(
            "LimitExceededException", f"An account can have {MOST_POLICIES} policies of a type at most."
        )
