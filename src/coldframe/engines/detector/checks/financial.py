"""Checks of payment cards and bank accounts."""

import re

from coldframe.engines.detector.checks.digits import compact, luhn
from coldframe.engines.detector.identifiers import reserved_cards

# Issuer ranges by the first six digits, and the lengths an issuer uses: Amex, Dankort, Diners Club, Discover,
# JCB, Mastercard, UnionPay and Visa (with Electron), from ISO/IEC 7812 and the issuers' published ranges.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (222100, 272099, frozenset({16})),
    (300000, 305999, frozenset({14, 16, 17, 18, 19})),
    (309500, 309599, frozenset({14, 16, 17, 18, 19})),
    (340000, 349999, frozenset({15})),
    (352800, 358999, frozenset({16, 17, 18, 19})),
    (360000, 369999, frozenset({14, 15, 16, 17, 18, 19})),
    (370000, 379999, frozenset({15})),
    (380000, 399999, frozenset({14, 16, 17, 18, 19})),
    (400000, 499999, frozenset({13, 16, 19})),
    (501900, 501999, frozenset({16})),
    (510000, 559999, frozenset({16})),
    (601100, 601199, frozenset({16, 17, 18, 19})),
    (620000, 629999, frozenset({16, 17, 18, 19})),
    (644000, 659999, frozenset({16, 17, 18, 19})),
)
_LETTER_VALUES = {ord("A") + index: str(10 + index) for index in range(26)}
_PAN = re.compile("[0-9]{13,19}")


def _issued(digits: str) -> bool:
    prefix = int(digits[:6])
    return any(low <= prefix <= high and len(digits) in lengths for low, high, lengths in _ISSUERS)


def card(value: str) -> bool:
    """A payment card number of a known issuer with its Luhn digit, and not one reserved for public testing."""
    digits = compact(value)
    return _issued(digits) and luhn(digits) and digits not in reserved_cards()


def card_stripe(value: str) -> bool:
    """Track 1 or track 2 of a card's magnetic stripe (ISO/IEC 7813): the card number in it has its Luhn digit."""
    number = _PAN.search(value)
    return number is not None and luhn(number[0])


def iban(value: str) -> bool:
    """An IBAN whose remainder modulo 97 is one (ISO 13616). The pattern has seen to country and length."""
    letters = compact(value)
    return int((letters[4:] + letters[:4]).translate(_LETTER_VALUES)) % 97 == 1
