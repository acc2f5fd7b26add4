"""Checks of personal numbers of the United States, Canada and Brazil."""

from coldframe.engines.detector.checks.digits import compact, luhn, one_digit_repeated, weighted

# Numbers that were printed in advertisements and are therefore nobody's.
_PUBLIC_SSNS = frozenset({"078051120", "219099999", "457555462"})
_ITIN_GROUPS = frozenset({*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)})


def ssn(value: str) -> bool:
    """A US Social Security number: area not 000, 666 or 9xx, group not 00, serial not 0000."""
    digits = compact(value)
    if digits[0] == "9" or digits[:3] in {"000", "666"}:
        return False
    return digits[3:5] != "00" and digits[5:] != "0000" and digits not in _PUBLIC_SSNS


def itin(value: str) -> bool:
    """A US individual taxpayer number: the group is in the ranges the IRS has assigned (50-65, 70-88, 90-92, 94-99)."""
    digits = compact(value)
    return digits[0] == "9" and int(digits[3:5]) in _ITIN_GROUPS


def sin(value: str) -> bool:
    """A Canadian social insurance number: Luhn, and no first digit 8, which is of business numbers."""
    digits = compact(value)
    return digits[0] != "8" and not one_digit_repeated(digits) and luhn(digits)


def cpf(value: str) -> bool:
    """A Brazilian CPF: two check digits modulo 11."""
    digits = compact(value)
    if one_digit_repeated(digits):
        return False
    first = weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(digits, (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}"


def cnpj(value: str) -> bool:
    """A Brazilian CNPJ: two check digits modulo 11."""
    digits = compact(value)
    if one_digit_repeated(digits):
        return False
    first = weighted(digits, (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(digits, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return digits[12:] == f"{first}{second}"
