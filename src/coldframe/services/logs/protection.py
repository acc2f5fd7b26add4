"""What the data protection policies of a log group come to: what to look for, what to mask, whom to tell."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from coldframe.core.struct_types import whole
from coldframe.engines.detector import Detector, Findings, Selection

_KIND_PREFIX = ":dataprotection::aws:data-identifier/"


class Audit(NamedTuple):
    """Where the findings of one policy are reported; empty where it names no such destination."""

    log_group: str
    bucket: str
    delivery_stream: str


class Protection(NamedTuple):
    """The union of the policies in force: kinds to look for, those to mask, and each policy's audit."""

    selection: Selection
    masked: frozenset[str]
    audited: frozenset[str]
    audits: tuple[tuple[frozenset[str], Audit], ...]


class _Destination(msgspec.Struct):
    LogGroup: str = ""
    Bucket: str = ""
    DeliveryStream: str = ""


class _FindingsDestination(msgspec.Struct):
    CloudWatchLogs: _Destination | None = None
    S3: _Destination | None = None
    Firehose: _Destination | None = None


class _Audit(msgspec.Struct):
    FindingsDestination: _FindingsDestination = msgspec.field(default_factory=_FindingsDestination)


class _Deidentify(msgspec.Struct):
    MaskConfig: dict[str, str] = {}


class _Operation(msgspec.Struct):
    Audit: _Audit | None = None
    Deidentify: _Deidentify | None = None


class _Statement(msgspec.Struct):
    DataIdentifier: list[str]
    Operation: _Operation


class _Custom(msgspec.Struct):
    Name: str
    Regex: str


class _Configuration(msgspec.Struct):
    CustomDataIdentifier: list[_Custom] = []


class _Document(msgspec.Struct):
    Statement: list[_Statement]
    Configuration: _Configuration = msgspec.field(default_factory=_Configuration)


@lru_cache(maxsize=1024)
def protection_of(detector: Detector, documents: tuple[str, ...]) -> Protection | None:
    """Return what policy documents come to together; they were validated when they were stored. None for none."""
    if not documents:
        return None
    audits = []
    masked: set[str] = set()
    audited: set[str] = set()
    managed: set[str] = set()
    # Two policies may call different patterns the same: both count.
    custom: set[tuple[str, str]] = set()
    for text in documents:
        document = msgspec.json.decode(text, type=whole(_Document))
        own = {one.Name: one.Regex for one in document.Configuration.CustomDataIdentifier}
        for statement in document.Statement:
            kinds = frozenset(map(kind_of, statement.DataIdentifier))
            managed |= kinds - own.keys()
            custom |= {(name, own[name]) for name in kinds & own.keys()}
            if statement.Operation.Deidentify is not None:
                masked |= kinds
            if statement.Operation.Audit is not None:
                audited |= kinds
                audits.append((kinds, _audit(statement.Operation.Audit)))
    selection = detector.select(sorted(managed), tuple(sorted(custom)))
    return Protection(selection, frozenset(masked), frozenset(audited), tuple(audits))


def kind_of(identifier: str) -> str:
    """Return the kind that a data identifier names: the end of a managed one's ARN, or a custom one's name."""
    _, found, name = identifier.partition(_KIND_PREFIX)
    return name if found else identifier


def of_kinds(findings: Findings, kinds: Iterable[str]) -> Findings:
    """Return the findings whose kind is one of `kinds`."""
    return [finding for finding in findings if finding.kind in kinds]


def _audit(audit: _Audit) -> Audit:
    to = audit.FindingsDestination
    return Audit(
        to.CloudWatchLogs.LogGroup if to.CloudWatchLogs else "",
        to.S3.Bucket if to.S3 else "",
        to.Firehose.DeliveryStream if to.Firehose else "",
    )
