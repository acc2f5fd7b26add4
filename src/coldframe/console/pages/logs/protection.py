"""The editor of a log group's data protection policy: identifiers by family, where findings go, and a box to try it."""

import json
from typing import Any

from coldframe.console import refusals
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, as_json, redirect
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse
from coldframe.engines.detector import Detector
from coldframe.engines.detector.findings import mask
from coldframe.engines.detector.identifiers import load
from coldframe.engines.detector.selection import BadPattern
from coldframe.services.logs.data_protection_documents import MOST_CUSTOM

_ARN = "arn:aws:dataprotection::aws:data-identifier/"
_LONGEST_TRIAL = 20_000
_BLANK = 1
"""How many empty rows there are for identifiers of one's own; what is saved makes room for more."""


def show(visit: Visit) -> WireResponse:
    """Show the policy of a group."""
    group = visit.asked("group")
    try:
        answer = visit.client("logs").get_data_protection_policy(logGroupIdentifier=group)
    except ClientError as error:
        return visit.problem(*refusals.refused(error))
    return _page(visit, group, answer.get("policyDocument", ""), "")


def save(visit: Visit) -> WireResponse:
    """Put the policy that the form describes, or take the policy away when nothing is chosen."""
    group, kinds, custom = visit.asked("group"), visit.form.get("kind", []), _custom(visit)
    client, document = visit.client("logs"), ""
    try:
        if kinds or custom:
            before = client.get_data_protection_policy(logGroupIdentifier=group).get("policyDocument", "")
            document = _document(group, kinds, custom, json.loads(before or "{}"), visit)
        if document:
            client.put_data_protection_policy(logGroupIdentifier=group, policyDocument=document)
        else:
            client.delete_data_protection_policy(logGroupIdentifier=group)
    except ClientError as error:
        status, text = refusals.refused(error)
        return _page(visit, group, document or _document(group, kinds, custom, {}, visit), text, status)
    return redirect(visit.address())


def attempt(visit: Visit) -> WireResponse:
    """Say what of a text the chosen kinds would mask; nothing of it is kept."""
    text = visit.sent("text")[:_LONGEST_TRIAL]
    detector = visit.installation.parts.get(Detector)
    try:
        selection = detector.select(set(visit.form.get("kind", [])) & detector.kinds, _custom(visit))
    except BadPattern as bad:
        return as_json({"problem": str(bad)}, 400)
    lines = text.splitlines()
    found = detector.scan(lines, selection)
    masked = [line if each is None else mask(line, each)[0] for line, each in zip(lines, found, strict=True)]
    kinds = sorted({finding.kind for each in found if each is not None for finding in each})
    return as_json({"text": "\n".join(masked), "kinds": kinds})


def _page(visit: Visit, group: str, document: str, refusal: str, status: int = 200) -> WireResponse:
    families: dict[str, list[str]] = {}
    for identifier in load().values():
        families.setdefault(identifier.family.capitalize(), []).append(identifier.kind)
    chosen, custom, destinations = _read(document)
    return visit.page(
        "logs/protection.html",
        status=status,
        group=group,
        families={name: sorted(kinds) for name, kinds in sorted(families.items())},
        chosen=chosen,
        custom=[*custom, *[("", "")] * min(_BLANK, MOST_CUSTOM - len(custom))],
        destinations=destinations,
        document=document,
        refusal=refusal,
    )


def _read(document: str) -> tuple[set[str], list[tuple[str, str]], dict[str, str]]:
    """Return the kinds that a policy looks for, its own identifiers, and its destinations by the form's names."""
    if not document:
        return set(), [], {}
    policy = json.loads(document)
    kinds: set[str] = set()
    destinations: dict[str, str] = {}
    for statement in policy.get("Statement", []):
        kinds.update(str(each).rpartition("/")[2] for each in statement.get("DataIdentifier", []))
        findings = statement.get("Operation", {}).get("Audit", {}).get("FindingsDestination", {})
        destinations |= (
            {
                "log_group": findings.get("CloudWatchLogs", {}).get("LogGroup", ""),
                "bucket": findings.get("S3", {}).get("Bucket", ""),
                "stream": findings.get("Firehose", {}).get("DeliveryStream", ""),
            }
            if findings
            else {}
        )
    entries = policy.get("Configuration", {}).get("CustomDataIdentifier", [])
    return kinds, [(each["Name"], each["Regex"]) for each in entries], destinations


def _custom(visit: Visit) -> list[tuple[str, str]]:
    """Return the identifiers of the form's own rows: names and expressions, without the rows that are empty."""
    names, expressions = (visit.form.get(name, []) for name in ("custom_name", "custom_regex"))
    rows = zip(names, expressions, strict=False)
    return [(name.strip(), expression) for name, expression in rows if name.strip() or expression]


def _document(
    group: str, kinds: list[str], custom: list[tuple[str, str]], before: dict[str, Any], visit: Visit
) -> str:
    """Return the policy of a form; the name and the description of the policy before it stay."""
    identifiers = [*(_ARN + kind for kind in kinds), *(name for name, _ in custom)]
    findings: dict[str, Any] = {}
    if visit.sent("log_group"):
        findings["CloudWatchLogs"] = {"LogGroup": visit.sent("log_group")}
    if visit.sent("bucket"):
        findings["S3"] = {"Bucket": visit.sent("bucket")}
    if visit.sent("stream"):
        findings["Firehose"] = {"DeliveryStream": visit.sent("stream")}
    own = [{"Name": name, "Regex": expression} for name, expression in custom]
    return json.dumps(
        {
            "Name": before.get("Name", "data-protection-policy"),
            "Description": before.get("Description", f"Made in the console for {group}"[:200]),
            "Version": "2021-06-01",
            **({"Configuration": {"CustomDataIdentifier": own}} if own else {}),
            "Statement": [
                {
                    "Sid": "audit-policy",
                    "DataIdentifier": identifiers,
                    "Operation": {"Audit": {"FindingsDestination": findings}},
                },
                {
                    "Sid": "redact-policy",
                    "DataIdentifier": identifiers,
                    "Operation": {"Deidentify": {"MaskConfig": {}}},
                },
            ],
        }
    )


ROUTES = (
    Route("GET", "/console/logs/protection", show),
    Route("POST", "/console/logs/protection", save),
    Route("POST", "/console/logs/protection/try", attempt),
)
