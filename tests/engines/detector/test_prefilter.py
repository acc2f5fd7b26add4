"""Both prefilters lead to the same findings, the database on disk is used, and no input breaks the scan or leaks."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldframe.engines.detector import Detector, mask
from coldframe.engines.detector.charset import Charset
from coldframe.engines.detector.identifiers import RECOGNISED, load
from coldframe.engines.detector.lexicon import lexicon
from coldframe.engines.detector.prefilter import open_prefilter

KEYWORDS = sorted({keyword for identifier in load().values() for keyword in identifier.keywords})
VALUES = [
    "4539578763621486", "536-22-1234", "DE89370400440532013000", "a.b@example.com", "10.1.2.3", "fe80::1", "+44 20 7946 0018",
    "M5V 3L9", "1980-03-12", "41.948614,-87.655311", "RSSMRA85T10A562S", "98109", "123", "09/27", "1HGCM82633A004352", "D1234567",
    "-----BEGIN PRIVATE KEY-----", "PuTTY-User-Key-File-2: x", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "é", "\\n", "\0",
]  # fmt: skip
GLUE = [" ", ": ", "=", "_", "-", "", "\n", '":"', " " * 29, "." * 30, "x", "中", "\ud800"]


@pytest.fixture(scope="module")
def everything(both: tuple[Detector, Detector]):
    return tuple((detector, detector.select(load().keys() - RECOGNISED)) for detector in both)


def pieces() -> st.SearchStrategy[str]:
    cased = st.sampled_from(KEYWORDS).flatmap(
        lambda word: st.sampled_from([word, word.upper(), word.replace(" ", "_")])
    )
    return st.lists(
        st.one_of(cased, st.sampled_from(VALUES), st.sampled_from(GLUE), st.text(max_size=6)), max_size=12
    ).map("".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages=st.lists(pieces(), max_size=6))
def test_prefilters_agree_and_nothing_found_leaks(everything, messages: list[str]):
    results = [detector.scan(messages, selection) for detector, selection in everything]
    assert results[0] == results[1]
    for message, findings in zip(messages, results[0], strict=True):
        masked, spans = mask(message, findings or ())
        assert len(masked) == len(message)
        for start, end in spans:
            assert masked[start:end] == "*" * (end - start)
        for finding in findings or ():
            assert set(masked[finding.start : finding.end]) == {"*"}
        assert all(left[1] < right[0] for left, right in pairwise(spans))


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_break_nothing(everything, seed: int):
    rng = random.Random(seed)
    messages = [rng.randbytes(rng.randrange(400)).decode("latin-1") for _ in range(200)]
    messages += [rng.randbytes(200).decode("utf-8", "surrogateescape") for _ in range(100)]
    messages += ["\0" * 50, "", "\ud800\udc00\udfff" * 10]
    results = [detector.scan(messages, selection) for detector, selection in everything]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "text",
    [
        "pan ",
        "ssn 536-22-1234 ",
        "a@b.co@",
        "tel 0301234567890123 ",
        "::1",
        "1.1.1.1",
        "-----BEGIN PRIVATE KEY-----",
        "dob 1 1 1 ",
        "location 1.000,1.000 ",
        "x",
    ],
)
def test_a_megabyte_of_one_thing_is_scanned(everything, text: str):
    message = (text * (1_000_000 // len(text) + 1))[:1_000_000]
    results = [detector.scan([message, "ssn 536-22-1234"], selection) for detector, selection in everything]
    assert results[0] == results[1]
    assert results[0][1] is not None


def test_the_database_is_kept_and_a_broken_one_replaced(tmp_path: Path):
    pytest.importorskip("hyperscan")
    patterns = [pattern.regex for pattern in lexicon().patterns[:20]]
    first = open_prefilter(patterns, "hyperscan", tmp_path)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    buffer = b"\0" + patterns[0].encode() + b" account number iban \0"
    again = open_prefilter(patterns, "hyperscan", tmp_path)
    assert path.stat().st_mtime_ns == written
    assert sorted(first.scan(buffer)) == sorted(again.scan(buffer))
    path.write_bytes(path.read_bytes()[:100])
    repaired = open_prefilter(patterns, "hyperscan", tmp_path)
    assert sorted(repaired.scan(buffer)) == sorted(first.scan(buffer))
    assert path.stat().st_size > 100
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_directory_that_cannot_be_written_stops_nothing(tmp_path: Path):
    pytest.importorskip("hyperscan")
    blocked = tmp_path / "file"
    blocked.write_text("")
    prefilter = open_prefilter([lexicon().patterns[0].regex], "hyperscan", blocked)
    assert prefilter.scan(b"\0nothing\0") == []


def test_unknown_prefilter_is_named():
    with pytest.raises(ValueError, match="regexp"):
        open_prefilter([], "regexp", None)  # type: ignore[arg-type]


def test_charset_keeps_one_byte_per_character():
    charset = Charset("éс")
    for text in ("abc", "é中😀\ud800", "ÉС"):
        assert len(charset.encode(text)) == len(text)
    assert charset.encode("é") != charset.encode("?") != charset.encode("с")


def test_no_keyword_shape_is_longer_than_it_says():
    from re import _parser

    for identifier in load().values():
        for shape in identifier.shapes:
            if not shape.anchor:
                assert _parser.parse(shape.pattern).getwidth()[1] <= shape.longest, (
                    identifier.kind,
                    shape.pattern,
                )
