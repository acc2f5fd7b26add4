"""Finds sensitive data in text and masks it: kinds as data files, exact checks, one prefilter over whole batches.

A `Detector` is opened once, a `Selection` says which kinds and custom patterns are wanted, `scan`
reports spans in characters and `mask` replaces them by asterisks. It knows kinds such as "Ssn-US" and nothing of AWS.
"""

from coldframe.engines.detector.detector import Detector, RecognizerMissing
from coldframe.engines.detector.findings import Finding, Findings, mask, merge
from coldframe.engines.detector.identifiers import load as identifiers
from coldframe.engines.detector.recognition import Recognizer
from coldframe.engines.detector.selection import BadPattern, Selection, UnknownKind

__all__ = [
    "BadPattern",
    "Detector",
    "Finding",
    "Findings",
    "Recognizer",
    "RecognizerMissing",
    "Selection",
    "UnknownKind",
    "identifiers",
    "mask",
    "merge",
]
