"""Checks of Spanish numbers: DNI, NIE, NIF, CIF and the social security number."""

from coldframe.engines.detector.checks.digits import compact, luhn

_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CIF_LETTERS = "JABCDEFGHI"


def dni(value: str) -> bool:
    """Eight digits and the letter of their remainder modulo 23."""
    number = compact(value)
    return _LETTERS[int(number[:-1]) % 23] == number[-1]


def nie(value: str) -> bool:
    """X, Y or Z counted as 0, 1 or 2 before seven digits, and the letter modulo 23."""
    number = compact(value)
    return dni(str("XYZ".index(number[0])) + number[1:])


def nif(value: str) -> bool:
    """A NIF of a person without a DNI: K, L or M, seven digits, and the letter modulo 23."""
    return dni(compact(value)[1:])


def cif(value: str) -> bool:
    """A company's number: a letter, seven digits, and a Luhn digit, which may be written as a letter."""
    number = compact(value)
    last = number[-1]
    check = last if last.isdigit() else str(_CIF_LETTERS.index(last))
    return luhn(number[1:-1] + check)


def nuss(value: str) -> bool:
    """A social security number: province, number, and the remainder of both modulo 97."""
    digits = compact(value)
    province, number, check = int(digits[:2]), int(digits[2:10]), int(digits[10:])
    scale = 10_000_000 if number < 10_000_000 else 100_000_000
    return (province * scale + number) % 97 == check
