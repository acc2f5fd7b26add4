"""Checks of telephone numbers against the numbering plans, with or without the country code."""

import re

_PLUS = re.compile("^%2[Bb]")
_TRUNK = re.compile(r"\(0\)")
_NOT_DIGIT = re.compile("[^0-9]+")


def _national(value: str, code: str) -> str:
    """The digits after country code or trunk prefix."""
    value = _PLUS.sub("+", value)
    digits = _NOT_DIGIT.sub("", _TRUNK.sub("", value))
    if value.startswith("+"):
        return digits[len(code) :]
    if value.startswith("00"):
        return digits[2 + len(code) :]
    return digits


def brazil(value: str) -> bool:
    """An area code without zeros (or none), and nine digits from 9 or eight from 2 to 5."""
    digits = _national(value, "55").lstrip("0")
    if len(digits) >= 10:
        if "0" in digits[:2]:
            return False
        digits = digits[2:]
    return (len(digits) == 9 and digits[0] == "9") or (len(digits) == 8 and digits[0] in "2345")


def germany(value: str) -> bool:
    """Seven to thirteen digits after the trunk prefix (E.164 allows Germany up to 13)."""
    digits = _national(value, "49").removeprefix("0")
    return 7 <= len(digits) <= 13 and digits[0] != "0"


def spain(value: str) -> bool:
    """Nine digits from 6, 7, 8 or 9."""
    digits = _national(value, "34")
    return len(digits) == 9 and digits[0] in "6789"


def france(value: str) -> bool:
    """Nine digits after the trunk prefix, the first not zero."""
    digits = _national(value, "33").removeprefix("0")
    return len(digits) == 9 and digits[0] != "0"


def united_kingdom(value: str) -> bool:
    """Nine or ten digits after the trunk prefix, in a range that is in use."""
    digits = _national(value, "44").removeprefix("0")
    return len(digits) in {9, 10} and digits[0] in "1235789"


def italy(value: str) -> bool:
    """A mobile number from 3 of nine or ten digits, or a fixed one of six to eleven with its zero."""
    digits = _national(value, "39")
    if digits[0] == "3":
        return len(digits) in {9, 10}
    return 6 <= len(digits) <= 11 and digits[0] == "0"


def united_states(value: str) -> bool:
    """Ten digits of the North American plan: area and exchange from 2, neither of the form N11."""
    digits = _NOT_DIGIT.sub("", value)[-10:]
    return (
        len(digits) == 10
        and digits[0] > "1"
        and digits[1:3] != "11"
        and digits[3] > "1"
        and digits[4:6] != "11"
    )
