"""Every kind against its documented examples, with both prefilters."""

import tomllib
from pathlib import Path

import pytest

from coldframe.engines.detector import Detector, identifiers
from coldframe.engines.detector.identifiers import RECOGNISED

EXAMPLES = {
    entry["name"]: entry
    for entry in tomllib.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))["kind"]
}


def test_all_hundred_kinds_are_known_and_have_examples():
    assert len(identifiers()) == 100
    assert set(EXAMPLES) == set(identifiers()) - RECOGNISED
    assert all(len(entry["found"]) >= 3 and len(entry["not_found"]) >= 3 for entry in EXAMPLES.values())


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_found(detector: Detector, kind: str):
    selection = detector.select([kind])
    texts = [text for text, _ in EXAMPLES[kind]["found"]]
    results = detector.scan(texts, selection)
    for (text, value), findings in zip(EXAMPLES[kind]["found"], results, strict=True):
        assert findings is not None, text
        assert value in {text[found.start : found.end] for found in findings}, (text, findings)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_not_found(detector: Detector, kind: str):
    selection = detector.select([kind])
    texts = EXAMPLES[kind]["not_found"]
    for text, findings in zip(texts, detector.scan(texts, selection), strict=True):
        assert findings is None, (text, findings)
