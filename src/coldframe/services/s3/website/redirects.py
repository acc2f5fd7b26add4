"""Where a site sends its visitors: by its routing rules, or all of them to another host.

Source: Amazon S3 User Guide, "(Optional) Configuring a webpage redirect".
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

Rule = Mapping[str, Any]
# What stays as it is in a location: a rule may put a query into it.
_IN_PATH = "/~!$&'()*+,;=:@"
_IN_RULE = _IN_PATH + "?#%"


class Asked(NamedTuple):
    """What a visitor asked for: scheme and host with its port, the key, and path with query as they were sent."""

    scheme: str
    host: str
    key: str
    target: str


def rule_for(rules: Sequence[Rule], key: str, status: int | None = None) -> Rule | None:
    """Return the first rule for a key: before it is looked for without a status, else for the status of its failure."""
    for rule in rules:
        condition = rule.get("Condition") or {}
        code = condition.get("HttpErrorCodeReturnedEquals")
        if (
            key.startswith(condition.get("KeyPrefixEquals") or "")
            and (None if code is None else int(code)) == status
        ):
            return rule
    return None


def location_of(rule: Rule, asked: Asked) -> tuple[str, int]:
    """Return where a rule sends a visitor, and by which status."""
    said, prefix = rule["Redirect"], (rule.get("Condition") or {}).get("KeyPrefixEquals") or ""
    if said.get("ReplaceKeyWith") is not None:
        path = quote(said["ReplaceKeyWith"], safe=_IN_RULE)
    elif said.get("ReplaceKeyPrefixWith") is not None:
        replaced = quote(said["ReplaceKeyPrefixWith"], safe=_IN_RULE)
        path = replaced + quote(asked.key.removeprefix(prefix), safe=_IN_PATH)
    else:
        path = quote(asked.key, safe=_IN_PATH)
    host, scheme = said.get("HostName") or asked.host, said.get("Protocol") or asked.scheme
    return f"{scheme}://{host}/{path.removeprefix('/')}", int(said.get("HttpRedirectCode") or 301)


def elsewhere(said: Mapping[str, Any], asked: Asked) -> str:
    """Return where a site that sends all its visitors to another host sends this one."""
    return f"{said.get('Protocol') or asked.scheme}://{said['HostName']}{asked.target}"
