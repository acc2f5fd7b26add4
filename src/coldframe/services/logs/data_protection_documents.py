"""Data protection policies as text: the schema and the limits that a document must keep to be stored.

Sources: PutDataProtectionPolicy and PutAccountPolicy in the API reference; Data protection policy, Managed data
identifiers and Custom data identifiers in the CloudWatch Logs user guide.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import msgspec

from coldframe.core.faults import NotBuilt
from coldframe.engines.detector import BadPattern, Detector
from coldframe.services.logs.lookup import invalid

MOST_CHARACTERS = 30_720
VERSION = "2021-06-01"
MOST_CUSTOM = 10

_MANAGED = re.compile(r"arn:aws[a-z-]*:dataprotection::aws:data-identifier/(.+)")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_CUSTOM_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CUSTOM_REGEX = re.compile(r"[A-Za-z0-9_#=@/;,\- ^$?\[\]{}|\\*+.]{1,200}")
_NAMES = {"CloudWatchLogs": (_GROUP_NAME, "a log group"), "S3": (_BUCKET_NAME, "a bucket")}
_NOT_BUILT = {
    "Firehose": "Findings to Amazon Data Firehose are not built in coldframe yet; send them to a log group (CloudWatchLogs).",
}


class Document(NamedTuple):
    """What of a valid document its caller still has to look at: where findings go, empty for no such destination."""

    findings_log_group: str
    findings_bucket: str


def check(text: str, detector: Detector) -> Document:
    """Hold a policy against schema and limits; raises InvalidParameterException naming the statement and the reason.

    Raises NotBuilt for findings to Firehose.
    """
    if len(text) > MOST_CHARACTERS:
        _refuse(f"it has {len(text)} characters; at most {MOST_CHARACTERS} are possible")
    document = _load(text)
    _members(
        document,
        "the document",
        {"Name", "Description", "Version", "Statement", "Configuration"},
        {"Statement"},
    )
    for member in ("Name", "Description"):
        if not isinstance(document.get(member, ""), str):
            _refuse(f"{member} must be text")
    if document.get("Version", VERSION) != VERSION:
        _refuse(f"Version must be {VERSION}, not {document['Version']!r}")
    custom = _custom(document.get("Configuration", {}), detector)
    statements = document["Statement"]
    if not isinstance(statements, list) or len(statements) != 2:
        _refuse(
            "Statement must be a list of two: one with an Audit operation and one with a Deidentify operation"
        )
    audits = [
        _audits(each, f"statement {number}", detector, custom) for number, each in enumerate(statements, 1)
    ]
    if audits[0] == audits[1]:
        kind = "Audit" if audits[0] else "Deidentify"
        _refuse(f"both statements have a {kind} operation; one must have Audit and the other Deidentify")
    if statements[0]["DataIdentifier"] != statements[1]["DataIdentifier"]:
        _refuse("statement 2: its DataIdentifier array must be the same as that of statement 1")
    _compile(custom, detector)
    found = _destinations(statements[audits.index(True)], f"statement {audits.index(True) + 1}")
    return Document(found.get("CloudWatchLogs", ""), found.get("S3", ""))


def _audits(statement: Any, place: str, detector: Detector, custom: Mapping[str, str]) -> bool:
    """Check a statement by itself; returns whether it audits rather than masks."""
    _members(statement, place, {"Sid", "DataIdentifier", "Operation"}, {"DataIdentifier", "Operation"})
    if not isinstance(statement.get("Sid", ""), str):
        _refuse(f"{place}: Sid must be text")
    identifiers = statement["DataIdentifier"]
    if not isinstance(identifiers, list) or not identifiers:
        _refuse(f"{place}: DataIdentifier must be a list of at least one")
    for identifier in identifiers:
        _check_identifier(identifier, place, detector, custom)
    repeated = next((each for index, each in enumerate(identifiers) if each in identifiers[:index]), None)
    if repeated is not None:
        _refuse(f"{place}: data identifier {repeated} is there twice")
    operation = statement["Operation"]
    _members(operation, f"{place}: Operation", {"Audit", "Deidentify"}, set())
    if len(operation) != 1:
        _refuse(f"{place}: Operation must have exactly one of Audit and Deidentify")
    if "Deidentify" in operation:
        _members(operation["Deidentify"], f"{place}: Deidentify", {"MaskConfig"}, {"MaskConfig"})
        if operation["Deidentify"]["MaskConfig"] != {}:
            _refuse(f"{place}: MaskConfig must be an empty object")
    return "Audit" in operation


def _check_identifier(identifier: Any, place: str, detector: Detector, custom: Mapping[str, str]) -> None:
    if not isinstance(identifier, str):
        _refuse(f"{place}: a data identifier must be text")
    if identifier in custom:
        return
    managed = _MANAGED.fullmatch(identifier)
    if managed is None:
        _refuse(
            f"{place}: {identifier!r} is neither the ARN of a managed data identifier"
            " (arn:aws:dataprotection::aws:data-identifier/Name) nor a name from Configuration.CustomDataIdentifier"
        )
    if managed[1] not in detector.kinds:
        _refuse(f"{place}: there is no managed data identifier {managed[1]!r}")


def _destinations(statement: Mapping[str, Any], place: str) -> dict[str, str]:
    """Return the names of what findings go to, by kind of destination; empty where the policy names none."""
    audit, place = statement["Operation"]["Audit"], f"{place}: Audit"
    _members(audit, place, {"FindingsDestination"}, {"FindingsDestination"})
    destination, place = audit["FindingsDestination"], f"{place}: FindingsDestination"
    members = {"CloudWatchLogs": "LogGroup", "S3": "Bucket", "Firehose": "DeliveryStream"}
    _members(destination, place, set(members), set())
    found = {}
    for kind, member in members.items():
        if kind not in destination:
            continue
        _members(destination[kind], f"{place}: {kind}", {member}, {member})
        if not isinstance(destination[kind][member], str) or not destination[kind][member]:
            _refuse(f"{place}: {kind}: {member} must be text")
        if kind in _NOT_BUILT:
            raise NotBuilt(_NOT_BUILT[kind])
        pattern, what = _NAMES[kind]
        if not pattern.fullmatch(destination[kind][member]):
            _refuse(f"{place}: {kind}: {destination[kind][member]!r} is not the name of {what}")
        found[kind] = destination[kind][member]
    return found


def _custom(configuration: Any, detector: Detector) -> dict[str, str]:
    """Return the custom identifiers, name to regular expression."""
    _members(configuration, "Configuration", {"CustomDataIdentifier"}, set())
    entries = configuration.get("CustomDataIdentifier", [])
    if not isinstance(entries, list):
        _refuse("Configuration: CustomDataIdentifier must be a list")
    if len(entries) > MOST_CUSTOM:
        _refuse(f"Configuration: {len(entries)} custom data identifiers; at most {MOST_CUSTOM} are possible")
    found: dict[str, str] = {}
    managed = {kind.lower() for kind in detector.kinds}
    for number, entry in enumerate(entries, 1):
        place = f"custom data identifier {number}"
        _members(entry, place, {"Name", "Regex"}, {"Name", "Regex"})
        name, regex = entry["Name"], entry["Regex"]
        if not isinstance(name, str) or not _CUSTOM_NAME.fullmatch(name):
            _refuse(f"{place}: Name must have 1 to 128 characters, only letters, digits, _ and -")
        if name.lower() in managed:
            _refuse(f"{place}: {name} is the name of a managed data identifier")
        if name in found:
            _refuse(f"{place}: the name {name} is there twice")
        if not isinstance(regex, str) or not 1 <= len(regex) <= 200:
            _refuse(f"{place}: Regex must have 1 to 200 characters")
        if not _CUSTOM_REGEX.fullmatch(regex):
            _refuse(f"{place}: Regex {regex!r} has characters that are not supported")
        found[name] = regex
    return found


def _compile(custom: Mapping[str, str], detector: Detector) -> None:
    try:
        detector.select((), tuple(sorted(custom.items())))
    except BadPattern as error:
        _refuse(str(error))


def _load(text: str) -> Mapping[str, Any]:
    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) != len(members):
            names = [name for name, _ in members]
            raise ValueError(f"the member {next(n for n in names if names.count(n) > 1)!r} is there twice")
        return found

    try:
        document = json.loads(text, object_pairs_hook=pairs)
        # The way in reads it with msgspec, which is stricter about numbers and surrogates: both must take it.
        msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        _refuse(f"it is not valid JSON: {error}")
    if not isinstance(document, dict):
        _refuse("it must be a JSON object")
    return document


def _members(value: Any, place: str, known: set[str], needed: set[str]) -> None:
    """Refuse what is no object, has members that the schema does not know, or lacks one that it needs."""
    if not isinstance(value, dict):
        _refuse(f"{place} must be a JSON object")
    for member in value:
        if member not in known:
            _refuse(f"{place}: unknown member {member!r}")
    for member in sorted(needed):
        if member not in value:
            _refuse(f"{place}: {member} is missing")


def _refuse(reason: str) -> NoReturn:
    raise invalid(f"Invalid data protection policy: {reason}.")
