"""The recogniser on hand-written lines, on any text, and on hostile text."""

import tomllib
from pathlib import Path
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldframe.engines.detector.recognizer import ADDRESS, KINDS, NAME, Recognizer

LINES = Path(__file__).parent / "lines.toml"


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load()


def marked_lines():
    """Give each hand-written line as plain text, its name spans and its address spans."""
    for group in tomllib.loads(LINES.read_text(encoding="utf-8")).values():
        for marked in group["lines"]:
            yield unmark(marked)


def unmark(marked):
    text, names, addresses, opened = "", [], [], 0
    for char in marked:
        if char in "⟦⟪":
            opened = len(text)
        elif char in "⟧⟫":
            (names if char == "⟧" else addresses).append((opened, len(text)))
        else:
            text += char
    return text, names, addresses


def spans(found, kind):
    return [(one.start, one.end) for one in found if one.kind == kind]


def found_text(recognizer, text, kind):
    return [text[one.start : one.end] for one in recognizer.find(text) if one.kind == kind]


# Slightly under what tools/recognizer/measure.py prints; see docs/services/logs-recognizer.md.
@pytest.mark.parametrize(("kind", "recall", "precision"), [(NAME, 0.95, 0.945), (ADDRESS, 0.92, 0.95)])
def test_hand_written_lines_reach_the_documented_recall_and_precision(recognizer, kind, recall, precision):
    right = gold = made = 0
    for text, names, addresses in marked_lines():
        expected = names if kind == NAME else addresses
        found = spans(recognizer.find(text), kind)
        right += len(set(expected) & set(found))
        gold += len(expected)
        made += len(found)
    assert right / gold >= recall
    assert right / made >= precision


def test_the_hand_written_set_is_large_enough_to_judge_by():
    lines = list(marked_lines())
    assert len(lines) >= 300
    assert sum(bool(names) for _, names, _ in lines) >= 100
    assert sum(bool(addresses) for _, _, addresses in lines) >= 50
    assert sum(not names and not addresses for _, names, addresses in lines) >= 150


@pytest.mark.parametrize(
    "text",
    [
        "Thread Pool",
        "Connection Reset",
        "Internal Server Error",
        "Spring Boot",
        "Mozilla Firefox",
        "New York",
        "java.lang.ThreadPoolExecutor$Worker",
        "at org.apache.Catalina.Core(StandardWrapper.java:12)",
        "Content-Type: Text/Html",
        "Monday March",
        "",
        "\0",
    ],
)
def test_what_is_no_name_is_not_reported(recognizer, text):
    assert recognizer.find(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"name":"Anna Schmidt"}', "Anna Schmidt"),
        ('{"𝔘𝔫𝔦":"😀","name":"maria garcia","x":"😀"}', "maria garcia"),
        ("😀😀 Customer José Álvarez 😀 paid", "José Álvarez"),
        ('{"msg":"line one\\nPatient Sarah Miller admitted"}', "Sarah Miller"),
        ('{\\"customer\\":\\"Laura Bianchi\\"}', "Laura Bianchi"),
    ],
)
def test_the_span_is_the_name_alone_in_characters(recognizer, text, name):
    assert found_text(recognizer, text, NAME) == [name]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"first_name": "José", "last_name": "García Márquez"}', ["José", "García Márquez"]),
        ("firstName=Mary+Ann&lastName=de+la+Cruz+Vidal&x=1", ["Mary+Ann", "de+la+Cruz+Vidal"]),
        ("first_name=Rosa last_name=Neri logged in", ["Rosa", "Neri"]),
    ],
)
def test_all_words_of_a_given_and_a_family_name_are_found(recognizer, text, names):
    assert found_text(recognizer, text, NAME) == names


def test_an_address_needs_street_city_and_postal_code(recognizer):
    whole = "Hauptstraße 12, 10115 Berlin"
    assert found_text(recognizer, f"😀 address={whole} 😀", ADDRESS) == [whole]
    for part in ("Hauptstraße 12", "10115 Berlin", "Hauptstraße 12, Berlin", "Berlin", "12, 10115"):
        assert found_text(recognizer, f"address={part} id=1", ADDRESS) == []


def test_findings_never_reach_over_two_texts(recognizer):
    texts = ["name=Anna", "Schmidt", "Customer Anna", "Schmidt Hauptstraße 12,", "10115 Berlin"]
    assert recognizer.find_in_batch(texts, KINDS) == [[], [], [], [], []]


def test_a_batch_finds_what_each_text_gives_alone(recognizer):
    texts = [text for text, _, _ in marked_lines()]
    assert recognizer.find_in_batch(texts, KINDS) == [recognizer.find(text) for text in texts]


def test_what_stands_in_other_texts_of_a_batch_does_not_matter(recognizer):
    codes = ["IL 62704", "SW1A 2AA", "10115 Berlin", "Aa 1, 12345 Bb"] * 20
    line = "ship to 350 Fifth Avenue, Suite 3300, New York, NY 10118 for Anna Schmidt"
    assert recognizer.find(line)
    assert recognizer.find_in_batch([*codes, line], KINDS)[-1] == recognizer.find(line)


def test_only_the_kinds_asked_for_are_found(recognizer):
    text = "Ship to: Markus Braun, Rosenstraße 9, 04109 Leipzig"
    assert {one.kind for one in recognizer.find(text)} == {NAME, ADDRESS}
    for kind in KINDS:
        assert {one.kind for one in recognizer.find_in_batch([text], frozenset({kind}))[0]} == {kind}
    assert recognizer.find_in_batch([text], frozenset()) == [[]]
    with pytest.raises(ValueError, match="PhoneNumber"):
        recognizer.find_in_batch([text], frozenset({"PhoneNumber"}))


def test_the_same_text_always_gives_the_same_findings(recognizer):
    texts = [text for text, _, _ in marked_lines()]
    first = recognizer.find_in_batch(texts, KINDS)
    assert recognizer.find_in_batch(texts[::-1], KINDS)[::-1] == first
    assert Recognizer.load().find_in_batch(texts, KINDS) == first


PIECES = st.sampled_from(
    ["Anna", "Schmidt", "van", "de", " ", " ", ", ", "10115", " Berlin", "name=", '"', "\\n", "\0", "O'", "Mc", "-", ".",
     "12 ", "Street", "IL 62704", "SW1A 2AA", "😀", "ß", "İ", "ſ", "first_name=", " last_name=", "%20", "+", "\n", "É", "J. "]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=20).map("".join)), max_size=5))
@example(["\ud800 Anna \udfff Schmidt", "name=\ud800 \ud801"])
def test_any_text_gives_ordered_spans_inside_it(texts):
    recognizer = Recognizer.load()
    batch = recognizer.find_in_batch(texts, KINDS)
    assert batch == [recognizer.find(text) for text in texts]
    for text, found in zip(texts, batch, strict=True):
        for kind in KINDS:
            ends = [0, *(position for span in spans(found, kind) for position in span), len(text)]
            assert ends == sorted(ends)
            assert all(start < end for start, end in spans(found, kind))


@pytest.mark.parametrize(
    "unit",
    [
        "A", "Aa", "Aaaa ", "A. ", "Anna Schmidt ", "van der ", "Aa van der ", "Aa-", "O'", "name=", "name=aa bb ", "first_name=aa,",
        "IL 62704 ", "12 Main Street, ", "1 Aa Bb Cc, IL 62704 ", "12345 Berlin ", "Aa 1, 12345 Bb ", "SW1A 2AA ", "Rua Aa, 1, ", "SP 01310-100 ",
    ],
)  # fmt: skip
def test_time_is_linear_in_the_text(recognizer, unit):
    def seconds(size):
        text = (unit * (size // len(unit) + 1))[:size]
        began = process_time()
        recognizer.find(text)
        return process_time() - began

    small = min(seconds(8_000) for _ in range(2))
    assert seconds(64_000) < 24 * small + 0.1


def test_a_megabyte_of_capitalised_words_is_done_quickly(recognizer):
    began = process_time()
    recognizer.find("Zzyzx Qwert " * 87_000)
    assert process_time() - began < 10
