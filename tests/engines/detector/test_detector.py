"""Scanning: distance of keywords, offsets, selections, custom patterns, threads, start-up."""

import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from coldframe.engines.detector import BadPattern, Detector, RecognizerMissing, UnknownKind, mask
from coldframe.engines.detector.identifiers import RECOGNISED, load, reserved_cards

SSN = "536-22-1234"


def found(detector: Detector, text: str, *kinds: str) -> list[tuple[str, str]]:
    findings = detector.scan([text], detector.select(kinds))[0]
    return [(finding.kind, text[finding.start : finding.end]) for finding in findings or ()]


@pytest.mark.parametrize("gap", [1, 15, 30])
def test_keyword_within_thirty_characters_counts(detector: Detector, gap: int):
    assert found(detector, f"ssn{'.' * gap}{SSN}", "Ssn-US") == [("Ssn-US", SSN)]
    assert found(detector, f"{SSN}{'.' * gap}ssn:", "Ssn-US") == [("Ssn-US", SSN)]


def test_keyword_at_thirty_one_characters_does_not_count(detector: Detector):
    assert not found(detector, f"ssn{'.' * 31}{SSN}", "Ssn-US")
    assert not found(detector, f"{SSN}{'.' * 31}ssn:", "Ssn-US")


def test_distance_is_counted_in_characters_not_bytes(detector: Detector):
    assert found(detector, f"ssn{'é' * 29} {SSN}", "Ssn-US") == [("Ssn-US", SSN)]
    assert found(detector, f"ssn{'中' * 29} {SSN}", "Ssn-US") == [("Ssn-US", SSN)]
    assert not found(detector, f"ssn{'中' * 30} {SSN}", "Ssn-US")


def test_keyword_of_another_message_does_not_count(detector: Detector):
    selection = detector.select(["Ssn-US"])
    assert detector.scan(["my ssn:", SSN, f"ssn {SSN}"], selection)[:2] == [None, None]


def test_data_is_not_put_together_from_two_messages(detector: Detector):
    selection = detector.select(["Ssn-US", "EmailAddress", "IpAddress"])
    assert detector.scan(["ssn 536-22-", "1234 a@", "b.com 10.1.", "2.3"], selection) == [None] * 4
    assert detector.scan(["ssn 536", "22", "1234"], selection) == [None] * 3
    assert detector.scan(["", "", "ssn", "", SSN, ""], selection) == [None] * 6


@pytest.mark.parametrize("text", ["SINCE 123456782", "since 123456782", "singular: 123456782"])
def test_short_keyword_does_not_run_on(detector: Detector, text: str):
    assert not found(detector, text, "SocialInsuranceNumber-CA")


@pytest.mark.parametrize(
    "text", ["sin 123456782", "sinNumber=123456782", "sin_number=123456782", '"SIN":"123456782"']
)
def test_short_keyword_at_the_end_of_a_word_counts(detector: Detector, text: str):
    assert found(detector, text, "SocialInsuranceNumber-CA") == [("SocialInsuranceNumber-CA", "123456782")]


def test_keyword_is_open_to_the_right_and_closed_to_the_left(detector: Detector):
    kind = "NationalIdentificationNumber-IT"
    assert found(detector, "codice fiscale RSSMRA85T10A562S", kind)
    assert not found(detector, "xcodice fiscale RSSMRA85T10A562S", kind)


def test_json_line_end_bounds_words(detector: Detector):
    assert found(detector, f'{{"m":"a\\nssn\\n{SSN}\\n"}}', "Ssn-US") == [("Ssn-US", SSN)]


def test_case_of_other_scripts(detector: Detector):
    for keyword in ("άδεια οδήγησης", "ΆΔΕΙΑ ΟΔΉΓΗΣΗΣ"):
        assert found(detector, f"{keyword} 123456789012", "DriversLicense-CY")
    assert found(detector, "ШОФЬОРСКА_КНИЖКА 123456789", "DriversLicense-BG")
    assert found(detector, "FÜHRERSCHEIN B072RRE2I55", "DriversLicense-DE")


def test_typographic_apostrophe(detector: Detector):
    assert found(detector, "driver’s license D1234567", "DriversLicense-US")


def test_offsets_are_characters(detector: Detector):
    text = f"😀ß中 ssn {SSN} 😀 a@b.org"
    assert found(detector, text, "Ssn-US", "EmailAddress") == [("Ssn-US", SSN), ("EmailAddress", "a@b.org")]


def test_all_kinds_of_one_span_are_reported(detector: Detector):
    kinds = {
        kind
        for kind, _ in found(detector, "passport number 123456789", "PassportNumber-US", "PassportNumber-GB")
    }
    assert kinds == {"PassportNumber-US", "PassportNumber-GB"}


def test_only_selected_kinds_are_reported(detector: Detector):
    assert found(detector, f"ssn {SSN} a@b.org", "EmailAddress") == [("EmailAddress", "a@b.org")]
    assert detector.scan([f"ssn {SSN}"], detector.select([])) == [None]


def test_published_test_cards_are_not_reported(detector: Detector):
    selection = detector.select(["CreditCardNumber"])
    texts = [f"credit card number: {number}" for number in reserved_cards()]
    assert detector.scan(texts, selection) == [None] * 55


def test_a_finding_inside_a_wider_one_of_its_kind_is_dropped(detector: Detector):
    stripe = "%B4539578763621486^DOE/JOHN^2709101123456789?"
    assert found(detector, f"magstripe {stripe}", "CreditCardMagneticStripe") == [
        ("CreditCardMagneticStripe", stripe)
    ]


def test_order_and_batches(detector: Detector):
    messages = [f"ssn {SSN}" if number % 700 == 0 else f"line {number}" for number in range(2500)]
    results = detector.scan(messages, detector.select(["Ssn-US"]))
    assert [number for number, findings in enumerate(results) if findings] == [0, 700, 1400, 2100]
    assert detector.scan([], detector.select(["Ssn-US"])) == []


def test_selections_are_kept(detector: Detector):
    assert detector.select(["Ssn-US", "LatLong"]) is detector.select(["LatLong", "Ssn-US"])


def test_unknown_kind_is_named(detector: Detector):
    with pytest.raises(UnknownKind, match="Nonsense"):
        detector.select(["Ssn-US", "Nonsense"])


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("(", "missing"), ("(a)", "group"), ("(?<=a)b", "perl|invalid|group"), ("[z-a]", "range")],
)
def test_bad_custom_pattern_is_named(detector: Detector, pattern: str, reason: str):
    with pytest.raises(BadPattern, match=f"(?i)Employee.*({reason})"):
        detector.select([], [("Employee", pattern)])


def test_more_custom_patterns_than_of_two_policies_are_refused(detector: Detector):
    with pytest.raises(BadPattern, match="21"):
        detector.select([], [(f"n{number}", "a") for number in range(21)])


def test_two_custom_patterns_may_have_one_name(detector: Detector):
    selection = detector.select([], [("Employee", r"A\d"), ("Employee", r"A\d{4}"), ("Employee", "B")])
    (found,) = detector.scan(["A1234 B"], selection)
    assert [(each.start, each.end) for each in found] == [(0, 5), (6, 7)]


def test_custom_patterns_may_be_larger_together_than_one_may_be(detector: Detector):
    large = [(f"n{number}", rf"{number:02}\pL{{100}}") for number in range(20)]
    (found,) = detector.scan(["19" + "é" * 100], detector.select([], large))
    assert [each.kind for each in found] == ["n19"]


def test_custom_patterns_need_no_keyword(detector: Detector):
    selection = detector.select(["Ssn-US"], [("Employee", r"EMP-\d{4}"), ("Start", "^go"), ("Empty", "x*")])
    texts = ["id EMP-1234, EMP-9999", "no go", "gone \ud800 EMP-0001", f"é EMP-0002 ssn {SSN}"]
    results = detector.scan(texts, selection)
    assert [(found.start, found.end, found.kind) for found in results[0]] == [
        (3, 11, "Employee"),
        (13, 21, "Employee"),
    ]
    assert results[1] is None
    assert {found.kind for found in results[2]} == {"Start", "Employee"}
    assert [(found.start, found.kind) for found in results[3]] == [(2, "Employee"), (15, "Ssn-US")]


@dataclass
class Spotted:
    start: int
    end: int
    kind: str


class Spotter:
    """A recogniser that knows one name."""

    def find_in_batch(self, texts: list[str], kinds: frozenset[str]) -> list[list[Spotted]]:
        return [[found for found in self._find(text) if found.kind in kinds] for text in texts]

    def _find(self, text: str) -> list[Spotted]:
        position = text.find("Ada Lovelace")
        return [Spotted(position, position + 12, "Name"), Spotted(0, 1, "Address")] if position >= 0 else []


def test_recogniser_is_asked_for_its_kinds_only():
    detector = Detector("re2", recognizer=Spotter)
    results = detector.scan(["from Ada Lovelace", "nobody"], detector.select(["Name"]))
    assert [[tuple(found) for found in findings or ()] for findings in results] == [[(5, 17, "Name")], []]


def test_without_recogniser_its_kinds_are_refused(detector: Detector):
    with pytest.raises(RecognizerMissing, match="Name"):
        detector.select(["Name"])


def test_two_threads_find_what_one_finds(detector: Detector):
    selection = detector.select(load().keys() - RECOGNISED)
    messages = [f"ssn {SSN} card 4539578763621486 user{number}@example.org" for number in range(3000)]
    expected = detector.scan(messages, selection)
    results: dict[int, object] = {}

    def work(number: int) -> None:
        results[number] = detector.scan(messages, selection)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == expected
    assert results[1] == expected


def test_importing_the_detector_loads_no_engine():
    code = (
        "import sys, coldframe.engines.detector as d; d.Detector(); "
        "print([name for name in ('hyperscan', 're2') if name in sys.modules])"
    )
    source = Path(__file__).parents[3] / "src"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(source)},
    )
    assert run.stdout.strip() == "[]"


def test_mask_covers_the_union_and_keeps_the_length():
    masked, spans = mask("abcdefghij", [(1, 3, "A"), (2, 5, "B"), (5, 6, "C"), (8, 9, "D")])
    assert masked == "a*****gh*j"
    assert spans == [(1, 6), (8, 9)]
    assert mask("abc", []) == ("abc", [])
