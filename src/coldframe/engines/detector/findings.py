"""What the detector reports, and the masking of it."""

from collections.abc import Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    """One span of a message, in characters, end exclusive, and the kind of data found there."""

    start: int
    end: int
    kind: str


Findings = list[Finding]
Span = tuple[int, int]


def merge(findings: Iterable[tuple[int, int, str]]) -> list[Span]:
    """The union of the spans: ascending, none touching another."""
    merged: list[Span] = []
    for start, end, _ in sorted(findings):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def outermost(found: Iterable[Finding]) -> Findings:
    """The findings without those that lie inside another one of the same kind, ascending."""
    kept: Findings = []
    reached: dict[str, int] = {}
    for finding in sorted(found, key=_widest_first):
        if finding.end > reached.get(finding.kind, -1):
            reached[finding.kind] = finding.end
            kept.append(finding)
    return kept


def _widest_first(finding: Finding) -> tuple[int, int, str]:
    return (finding.start, -finding.end, finding.kind)


def mask(message: str, findings: Iterable[tuple[int, int, str]]) -> tuple[str, list[Span]]:
    """The message with every found character replaced by an asterisk, and the merged spans that were replaced.

    The length of the message in characters does not change.
    """
    spans = merge(findings)
    if len(spans) == 1:
        start, end = spans[0]
        return message[:start] + "*" * (end - start) + message[end:], spans
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces.append(message[position:start])
        pieces.append("*" * (end - start))
        position = end
    pieces.append(message[position:])
    return "".join(pieces), spans
