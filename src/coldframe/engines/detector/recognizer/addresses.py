"""Finds postal addresses: anchored at a postal code beside a place, grown over street and city, and scored by a model."""

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from coldframe.engines.detector.recognizer.letters import ANY, LOWER, UPPER
from coldframe.engines.detector.recognizer.model import Model, probability
from coldframe.engines.detector.recognizer.names import select

# One space of every address stands beside its postal code: "10115 Berlin", "IL 62704", "SW1A 2AA", "SP 01310-100".
_HIT = re.compile(
    rf" (?:[{UPPER}](?:(?:(?<=\d\d\d\d\d [{UPPER}])|(?<=\d-\d\d\d [{UPPER}]))(?!TTP)|\d[A-Z]\d[A-Z]\d)"
    r"|\d(?:(?<=[\dA-Z] \d)|(?<=[A-Z][,:] \d)|(?<=[A-Z] - \d))(?:\d\d\d\b|\d\d\d\d\b|[A-Z]))"
)
_REACH_LEFT = 120
_REACH_RIGHT = 72

_GAP = r"(?:,? ?(?:\\[nr]|\r?\n){1,2} ?|, ?| [-–] |\s)"
_NUMBER = r"\d{1,5}(?:[ -]?[A-Za-z](?![\w]))?(?:[-/]\d{1,4}[A-Za-z]?)?"
_NAMED = rf"(?:[{UPPER}][\w.'’-]*|[{LOWER}]{{1,4}}['’][{UPPER}][\w'’-]*)"
_JOIN = r"(?:of|the|and|upon|on|under|de|des|du|la|le|les|los|las|del|della|delle|dei|degli|di|da|do|dos|das|am|an|der|dem|den|zum|zur|im|in|von|y|e|et|sur|sous|en|lès|aux|al)"
_TOWN = rf"{_NAMED}(?: (?:{_JOIN} ){{0,2}}{_NAMED}| {_JOIN} {_NAMED}){{0,3}}"
_STATES = "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]"
_PROVINCES = "AB|BC|MB|N[BLSTU]|ON|PE|QC|SK|YT"
_UF = "A[CLMP]|BA|CE|DF|ES|GO|M[AGST]|P[ABEIR]|R[JNORS]|S[CEP]|TO"
_UNIT = r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Rm|Room|Bldg|#)\.? ?#?\w{1,5}|#\w{1,5})"
_FLOOR = r"(?:\d{1,2}[ºª°]|[A-Z](?!\w)|Esc\. ?\w|Piso \d+|bajo|izq\.?|dcha\.?|int\. ?\d+|[Aa]p(?:to|t|\.)?\.? ?\d+|[Ss]ala \d+|[Bb]loco \w)"
_STREET_LED = r"(?:rue|avenue|av\.?|boulevard|bd\.?|blvd|place|allée|allées|chemin|impasse|quai|route|cours|square|passage|faubourg|voie|villa|résidence)"

_ENGLISH_STREET = rf"(?:{_UNIT}(?:, | |/))?{_NUMBER}(?:,? (?:{_NAMED}|\d{{1,3}}(?:st|nd|rd|th))|,? {_JOIN}){{1,6}}(?:,? {_UNIT})?"
_CODES = (
    ("US", rf"(?P<region>{_STATES}),? \d{{5}}(?:-\d{{4}})?(?![\w-])"),
    ("CA", rf"(?P<region>{_PROVINCES}),? [A-Z]\d[A-Z] ?\d[A-Z]\d(?!\w)"),
    ("AU", r"(?P<region>NSW|VIC|QLD|SA|WA|TAS|ACT|NT),? \d{4}(?!\w)"),
    ("GB", r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?!\w)"),
)
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    *(
        (
            name,
            re.compile(
                rf"(?P<street>{_ENGLISH_STREET}){_GAP}(?:{_TOWN}{_GAP}){{0,2}}(?P<city>{_TOWN}){_GAP}{code}"
            ),
        )
        for name, code in _CODES
    ),
    (
        "FR",
        re.compile(
            rf"(?P<street>{_NUMBER}(?: ?(?:bis|ter|quater))?,? (?i:{_STREET_LED})(?: (?:{_JOIN}|{_NAMED}|\d{{1,2}})){{1,7}}){_GAP}(?:F-|CS \d+ ?)?\d{{5}} (?P<city>{_TOWN})"
        ),
    ),
    (
        "EU",
        re.compile(
            rf"(?P<street>(?:{_NAMED}|[Cc]/ ?{_NAMED}|(?:via|calle|viale|corso|piazza|plaza|paseo|avenida|largo|strada|vicolo|rua) )"
            rf"(?:[ /]?(?:{_JOIN} ){{0,2}}(?:{_NAMED}|\d{{1,2}}(?= [{UPPER}]))){{0,5}},? (?:n[º°.]? ?)?{_NUMBER}(?:,? {_FLOOR}){{0,3}}){_GAP}"
            rf"(?:(?:D|DE|E|I|IT|ES)-)?\d{{5}} (?P<city>{_TOWN}(?: \([A-Z]{{2}}\)|,? (?-i:[A-Z]{{2}})(?!\w))?)"
        ),
    ),
    (
        "BR",
        re.compile(
            rf"(?P<street>{_NAMED}(?: (?:{_JOIN} )?(?:{_NAMED}|\d{{1,2}}(?= ))){{1,6}}(?:, ?| )(?:n[º°.]? ?)?{_NUMBER}(?:(?:,? | - ){_FLOOR}){{0,2}}){_GAP}"
            rf"(?:{_TOWN}{_GAP}){{0,2}}(?:(?P<city>{_TOWN})(?: ?[-/] ?|, )(?P<region>{_UF}){_GAP}(?:CEP:? )?\d{{5}}-?\d{{3}}(?!\w)"
            rf"|\d{{5}}-?\d{{3}} (?P<city2>{_TOWN})(?: ?[-/] ?|, )(?:{_UF})(?!\w))"
        ),
    ),
)
_START = re.compile(
    rf"(?<![\w.:/@$%&=+-])(?=[\d{UPPER}CcavrRlps])|(?<=[=:/&])(?=[\d{UPPER}])|(?<=\\n)(?=[\d{UPPER}])"
)
_WORD = re.compile(rf"[{ANY}]+|\d+")
_DIGIT = re.compile(r"\d")
_AFTER = re.compile(r"(?![\w@(=]|\.\w)")
_STARTS = 12
_CROWD = 4
_SUBWORD = re.compile(rf"[A-Z]?[{LOWER}]+|[A-Z]+")


class Candidate(NamedTuple):
    """A span that has the form of an address, the form's name, and its street and city as written."""

    start: int
    end: int
    form: str
    street: str
    city: str


def candidates(text: str) -> Iterator[list[Candidate]]:
    """Give the candidates of `text` in groups; those of a group overlap."""
    done = 0
    failed: deque[int] = deque([-_REACH_LEFT] * _CROWD, _CROWD)
    for hit in _HIT.finditer(text):
        at = hit.start()
        forms = _plausible_forms(text, at) if at >= done else ()
        if not forms:
            continue
        # Codes close together that no street leads to are a table of codes: look less far, or time would be lost on it.
        begin = text.rfind("\0", max(0, at - _REACH_LEFT), at)
        crowded = failed[0] > max(begin, at - _REACH_LEFT)
        reach, most = (_REACH_LEFT // 2, 2) if crowded else (_REACH_LEFT, _STARTS)
        low = max(done, at - reach, begin + 1)
        cut = text.find("\0", at, at + _REACH_RIGHT)
        high = cut if cut >= 0 else min(len(text), at + _REACH_RIGHT)
        group = list(_grown(text, at, (low, high), forms, most)) if _DIGIT.search(text, low, at) else []
        if group:
            done = max(candidate.end for candidate in group)
            yield group
        else:
            failed.append(at)


_BESIDE = tuple(
    (re.compile(left), re.compile(right), forms)
    for left, right, forms in (
        (r"", r" \d{5}-?\d{3}(?!\w)", ("BR",)),
        (r"(?:[A-Z]{2},?)\Z", r" \d{5}(?![\w/:.])", ("US",)),
        (r"(?:\b[A-Z]{2,3},?)\Z", r" \d{4}(?![\w/:.-])", ("AU",)),
        (r"\b[A-Z]{1,2}\d[A-Z\d]?\Z", r" \d[A-Z]{2}\b", ("GB",)),
        (r"\b[A-Z]\d[A-Z]\Z|\b[A-Z]{2},?\Z", r" (?:[A-Z]\d[A-Z])?\d[A-Z]\d\b", ("CA",)),
        (r"\d{5}-?\d{3}\Z", rf" [{UPPER}]", ("BR",)),
        (
            r"(?<![\w/.:=#+-])(?:(?:DE?|F|I|IT|ES?)-)?\d{5}\Z|\\n\d{5}\Z",
            rf" [{UPPER}](?:[{ANY}]| [{UPPER}])",
            ("FR", "EU"),
        ),
    )
)


def _plausible_forms(text: str, at: int) -> tuple[str, ...]:
    low = max(0, at - 10)
    for left, right, forms in _BESIDE:
        if right.match(text, at) and left.search(text, low, at):
            return forms
    return ()


def _grown(
    text: str, at: int, bounds: tuple[int, int], names: tuple[str, ...], most: int
) -> Iterator[Candidate]:
    low, high = bounds
    starts = [match.start() for match in _START.finditer(text, low, at)][-3 * _STARTS :]
    for form, pattern in _FORMS:
        if form not in names:
            continue
        tried = 0
        for start in reversed(starts):
            if form not in {"EU", "BR"} and not _starts_with_number(text, start):
                continue
            tried += 1
            if tried > most:
                break
            match = pattern.match(text, start, high)
            if match is None or match.end() <= at:
                continue
            groups = match.groupdict()
            city = groups["city"] or groups.get("city2") or ""
            ends = {match.end(): city}
            if match.end("city") == match.end() and " " in city:
                # Capitalised words after the city may begin a new phrase: the model chooses.
                first = city.split(" ", 1)[0]
                ends[match.start("city") + len(first)] = first
            for end, town in ends.items():
                if _AFTER.match(text, end):
                    yield Candidate(start, end, form, match["street"], town)


def _starts_with_number(text: str, start: int) -> bool:
    return text[start].isdigit() or text[start] in "FUASR#"


def features(model: Model, text: str, candidate: Candidate) -> list[str]:
    """Return the features of a candidate: its words, their shape and number, and the key or word before it."""
    form = candidate.form
    street = [word.lower() for word in _WORD.findall(candidate.street)]
    letters = [word for word in street if not word.isdigit()]
    found = ["B", f"F{form}", f"n{form}{min(len(letters), 7)}", f"d{sum(map(str.isdigit, street))}{form}"]
    found += [f"s={word}" for word in letters]
    found += [f"s>{word[-size:]}" for word in letters for size in (3, 4, 5) if len(word) > size]
    if letters:
        found += [f"s0{form}={letters[0]}", f"s9{form}={letters[-1]}"]
    city = _WORD.findall(candidate.city)
    found += [f"c={word.lower()}" for word in city]
    found += [f"c>{word.lower()[-size:]}" for word in city for size in (2, 3, 4)]
    found += [f"cn{len(city)}{form}", f"cu{candidate.city.isupper():d}"]
    common = sum(model.knows("common", word) for word in (*letters, *city))
    found += [f"w{min(common, 5)}", f"wr{4 * common // max(1, len(letters) + len(city))}"]
    middle = text[candidate.start + len(candidate.street) : candidate.end]
    found += [f"m,{min(middle.count(','), 3)}{form}", f"mn{chr(92) in middle or chr(10) in middle:d}"]
    left = text[max(0, candidate.start - 32) : candidate.start].rpartition("\0")[2]
    gap = re.search(r"\W*\Z", left)
    cut = gap.start() if gap else len(left)
    words = _SUBWORD.findall(left[:cut])[-2:]
    found += [f"Xg{left[cut:][-3:]}", f"Xl={''.join(words[-1:]).lower()}", f"X2={''.join(words).lower()}"]
    found.append(f"X#{left[max(0, cut - 1) : cut].isdigit():d}{left[-1:]}")
    after = text[candidate.end : candidate.end + 2].partition("\0")[0]
    found += [f"Xr{after[:1]}", f"xr{after[:1]}{after[1:].isupper():d}{min(len(city), 3)}"]
    return found


class AddressFinder:
    """Scores the candidates of a text with a model and keeps the best of those that overlap."""

    def __init__(self, model: Model, threshold: float) -> None:
        self._model = model
        self._weights = model.weights["address"]
        self._threshold = threshold

    def find(self, text: str) -> list[tuple[int, int, float]]:
        """Return the addresses of `text` as start, end and probability, in order, not overlapping."""
        scored: list[tuple[float, int, int]] = []
        for group in candidates(text):
            for candidate in group:
                score = probability(self._weights.sum(features(self._model, text, candidate)))
                if score >= self._threshold:
                    scored.append((score, candidate.start, candidate.end))
        return select(scored)
