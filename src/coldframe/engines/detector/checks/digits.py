"""Arithmetic on strings of digits that several check-digit schemes share."""

import re
from operator import mul

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")
# The Luhn scheme's doubled digits, as digits.
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def compact(value: str) -> str:
    """The value without separators: its ASCII letters and digits only."""
    if value.isalnum():
        return value
    return _NOT_ALPHANUMERIC.sub("", value)


def luhn(digits: str) -> bool:
    """Whether a string of digits ends in its Luhn check digit (ISO/IEC 7812-1)."""
    data = digits.encode("ascii")
    # Each byte is 48 more than its digit.
    return (sum(data[::-2]) + sum(data[-2::-2].translate(_DOUBLED)) - 48 * len(data)) % 10 == 0


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of digits times weights, as far as the weights go."""
    return sum(map(mul, map(int, digits), weights))


def one_digit_repeated(digits: str) -> bool:
    """Whether all digits are the same one: such numbers are placeholders in every scheme."""
    return digits == digits[0] * len(digits)
