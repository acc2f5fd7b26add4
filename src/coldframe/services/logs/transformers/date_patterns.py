"""The letters of date patterns, as java.time.format.DateTimeFormatter has them: how each is read and written."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from coldframe.services.logs.transformers.errors import InvalidTransformer
from coldframe.services.logs.transformers.locale_names import Names
from coldframe.services.logs.transformers.zones import OFFSET, offset_text

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'")
_NUMBERS = {
    "M": ("month", 2),
    "L": ("month", 2),
    "d": ("day", 2),
    "D": ("day_of_year", 3),
    "H": ("hour", 2),
    "k": ("hour_of_24", 2),
    "h": ("hour_of_12", 2),
    "K": ("hour_of_half", 2),
    "m": ("minute", 2),
    "s": ("second", 2),
}


class Token(NamedTuple):
    """A piece of a pattern: a letter with how often it is repeated, or literal text (0 times)."""

    text: str
    repeats: int = 0


class Reading(NamedTuple):
    """How a letter is read: an expression for its text, and what that text means (a part's name)."""

    expression: str
    part: str


def tokens(pattern: str) -> list[Token]:
    """Return the pieces of a pattern; raises InvalidTransformer for letters that have no meaning here."""
    found = []
    for match in _TOKEN.finditer(pattern):
        quoted, letter = match[1], match[2]
        if letter:
            _check(letter, len(match[0]), pattern)
            found.append(Token(letter, len(match[0])))
        elif match[0] == "'":
            raise InvalidTransformer(f"the date pattern {pattern!r} has an opening ' without a closing one")
        elif quoted is not None:
            found.append(Token(quoted.replace("''", "'") or "'"))
        elif set(match[0]) & set("[]{}#"):
            raise InvalidTransformer(f"the date pattern {pattern!r} has one of [ ] {{ }} # outside of quotes")
        else:
            found.append(Token(match[0]))
    return found


def _check(letter: str, count: int, pattern: str) -> None:
    if letter in _NUMBERS:
        # Text for months (MMM, MMMM), numbers for the others.
        most = 4 if letter in "ML" else _NUMBERS[letter][1]
    else:
        most = {"y": 9, "u": 9, "E": 4, "a": 1, "S": 9, "n": 9, "z": 3, "V": 2, "O": 4}.get(letter, 0)
        most = {"X": 3, "x": 3, "Z": 5}.get(letter, most)
    if not 1 <= count <= most or (letter == "V" and count != 2):
        raise InvalidTransformer(f"the date pattern {pattern!r}: {letter * count} is not supported")


def reading(token: Token, following: Token | None, names: Names) -> Reading:
    """Return how a letter is read; a number next to another one has exactly as many digits as letters."""
    letter, count = token
    adjacent = following is not None and following.repeats > 0 and _is_number(following)
    if letter in "yu":
        return _year(count, adjacent=adjacent)
    if letter in "ML" and count > 2:
        return Reading(names.any_of("short_months" if count == 3 else "months"), f"name_of_month_{count}")
    if letter in _NUMBERS:
        part, width = _NUMBERS[letter]
        exact = adjacent or count > 1
        return Reading(f"[0-9]{{{count}}}" if exact else f"[0-9]{{1,{width}}}", part)
    if letter == "E":
        return Reading(names.any_of("days" if count == 4 else "short_days"), "name_of_day")
    if letter == "a":
        return Reading(names.any_of("halves"), "half")
    if letter in "Sn":
        return Reading(
            f"[0-9]{{{count}}}" if letter == "S" else "[0-9]{1,9}", "fraction" if letter == "S" else "nano"
        )
    if letter in "zV":
        return Reading(r"[A-Za-z][A-Za-z0-9_+:/-]{0,63}|[+-][0-9:]{2,9}", "zone")
    return Reading(OFFSET, "offset")


def _year(count: int, *, adjacent: bool) -> Reading:
    if count == 2:
        return Reading("[0-9]{2}", "year_of_century")
    return Reading(
        f"[0-9]{{{max(count, 1)}}}" if adjacent else "[0-9]{1,9}" if count < 4 else "[0-9]{4,9}", "year"
    )


def _is_number(token: Token) -> bool:
    return token.text in "yuSn" or (token.text in _NUMBERS and not (token.text in "ML" and token.repeats > 2))


def written(token: Token, moment: datetime, names: Names) -> str:
    """Return a piece of a pattern as text, for a moment with its zone."""
    letter, count = token
    if count == 0:
        return letter
    if letter in "yu":
        return f"{moment.year % 100:02}" if count == 2 else f"{moment.year:0{count}}"
    if letter in "ML" and count > 2:
        return (names.short_months if count == 3 else names.months)[moment.month - 1]
    if letter in _NUMBERS:
        return f"{_number(letter, moment):0{count}}"
    if letter == "E":
        return (names.days if count == 4 else names.short_days)[moment.weekday()]
    if letter == "a":
        return names.halves[moment.hour // 12]
    if letter in "Sn":
        nano = moment.microsecond * 1000
        return f"{nano:09}"[:count] if letter == "S" else f"{nano:0{count}}"
    return _zone(letter, count, moment)


def _number(letter: str, moment: datetime) -> int:
    return {
        "D": moment.timetuple().tm_yday,
        "M": moment.month,
        "L": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "k": moment.hour or 24,
        "h": moment.hour % 12 or 12,
        "K": moment.hour % 12,
        "m": moment.minute,
        "s": moment.second,
    }[letter]


def _zone(letter: str, count: int, moment: datetime) -> str:
    zone: tzinfo | None = moment.tzinfo
    if letter == "z":
        return moment.tzname() or "UTC"
    if letter == "V":
        return str(getattr(zone, "key", None) or moment.tzname() or "UTC")
    return offset_text(letter, count, moment.utcoffset() or timedelta(0))
