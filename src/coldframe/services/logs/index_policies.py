"""Which field index policies apply to a log group, and so which of its fields are indexed."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.logs.index_documents import DEFAULTS, indexes
from coldframe.services.logs.lookup import group_arn
from coldframe.services.logs.policy_selection import selects
from coldframe.services.logs.records import AccountPolicy, IndexPolicy, LogGroup


def own(call: Call, row: IndexPolicy) -> dict[str, Any]:
    """Return the policy of a group itself, as answers show it."""
    return {
        "logGroupIdentifier": group_arn(call, row.group),
        "lastUpdateTime": row.updated,
        "policyDocument": row.document,
        "source": "LOG_GROUP",
    }


def applying(call: Call, group: LogGroup) -> list[dict[str, Any]]:
    """Return the policies that apply to a group: its own, else the account's for its name."""
    row = call.records.find(IndexPolicy, group.name)
    if row is not None:
        return [own(call, row)]
    if group.group_class != "STANDARD":
        return []
    return [
        {
            "logGroupIdentifier": group_arn(call, group.name),
            "lastUpdateTime": policy.updated,
            "policyDocument": policy.document,
            "policyName": policy.name,
            "source": "ACCOUNT",
        }
        for policy in call.records.list(AccountPolicy, key_prefix=("FIELD_INDEX_POLICY",))
        if selects(policy.selection, group.name)
    ]


def indexed_fields(call: Call, group: LogGroup) -> frozenset[str]:
    """Return the names of the fields that are indexed in a group; none in one that is not of the Standard class."""
    defaults = DEFAULTS if group.group_class == "STANDARD" else ()
    found = (indexes(policy["policyDocument"]) for policy in applying(call, group))
    return frozenset(defaults).union(*found)
