"""Arithmetic on strings of digits that several check-digit schemes share."""

import re

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def compact(value: str) -> str:
    """The value without separators: its ASCII letters and digits only."""
    if value.isalnum():
        return value
    return _NOT_ALPHANUMERIC.sub("", value)


def luhn(digits: str) -> bool:
    """Whether a string of digits ends in its Luhn check digit (ISO/IEC 7812-1)."""
    numbers = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of digits times weights, as far as the weights go."""
    return sum((ord(digit) - 48) * weight for digit, weight in zip(digits, weights, strict=False))


def one_digit_repeated(digits: str) -> bool:
    """Whether all digits are the same one: such numbers are placeholders in every scheme."""
    return digits == digits[0] * len(digits)
