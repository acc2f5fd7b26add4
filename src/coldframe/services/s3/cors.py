"""Cross-origin resource sharing: which rule of a bucket fits a browser's request, and what it lets it see.

Source: Amazon S3 User Guide, Using cross-origin resource sharing (CORS).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.services.s3.refusals import invalid_request, malformed_xml

_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
_MOST_RULES = 100


def check_rules(rules: Sequence[Mapping[str, Any]]) -> None:
    """Raise MalformedXML or InvalidRequest for rules that cannot be."""
    if not 0 < len(rules) <= _MOST_RULES:
        raise malformed_xml()
    for rule in rules:
        for method in rule.get("AllowedMethods") or []:
            if method not in _METHODS:
                raise invalid_request(
                    f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                )
        for name in ("AllowedOrigins", "AllowedHeaders"):
            for value in rule.get(name) or []:
                if value.count("*") > 1:
                    kind = name.removesuffix("s")
                    raise invalid_request(f'{kind} "{value}" can not have more than one wildcard.')


def allowed(
    rules: Sequence[Mapping[str, Any]], origin: str, method: str, asked: Sequence[str] = ()
) -> dict[str, str] | None:
    """Return the headers of the first rule that fits; None when the browser may not do this."""
    for rule in rules:
        if method not in (rule.get("AllowedMethods") or []):
            continue
        if not any(_fits(pattern, origin) for pattern in rule.get("AllowedOrigins") or []):
            continue
        permitted = [pattern.lower() for pattern in rule.get("AllowedHeaders") or []]
        if not all(any(_fits(pattern, name) for pattern in permitted) for name in asked):
            continue
        return _headers(rule, origin, asked)
    return None


def _headers(rule: Mapping[str, Any], origin: str, asked: Sequence[str]) -> dict[str, str]:
    anybody = "*" in (rule.get("AllowedOrigins") or [])
    headers = {
        "access-control-allow-origin": "*" if anybody else origin,
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    if not anybody:
        headers["access-control-allow-credentials"] = "true"
    if asked:
        headers["access-control-allow-headers"] = ", ".join(asked)
    if rule.get("ExposeHeaders"):
        headers["access-control-expose-headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        headers["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return headers


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
