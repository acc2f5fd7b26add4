"""Checks of health numbers: insurance cards, providers, prescribers."""

from coldframe.engines.detector.checks.digits import compact, luhn, weighted

# ISO 3166-1 numeric codes of the countries that issue the European Health Insurance Card.
_EHIC_COUNTRIES = frozenset(
    [
        "040",
        "056",
        "100",
        "191",
        "196",
        "203",
        "208",
        "233",
        "246",
        "250",
        "276",
        "300",
        "348",
        "352",
        "372",
        "380",
        "428",
        "438",
        "440",
        "442",
        "470",
        "528",
        "578",
        "616",
        "620",
        "642",
        "703",
        "705",
        "724",
        "752",
        "756",
        "826",
    ]
)
_NINO_UNUSED = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def dea(value: str) -> bool:
    """A DEA registration: odd digits plus twice the even ones end in the seventh digit."""
    digits = [int(digit) for digit in value[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def ehic(value: str) -> bool:
    """A European Health Insurance Card: 80 and the numeric code of an issuing country."""
    return compact(value)[2:5] in _EHIC_COUNTRIES


def kvnr(value: str) -> bool:
    """A German health insurance number: the letter as two digits, products by 1 and 2, their digit sums modulo 10."""
    digits = f"{ord(value[0]) - 64:02d}{value[1:9]}"
    total = 0
    for index, digit in enumerate(digits):
        product = int(digit) * (1 + index % 2)
        total += product // 10 + product % 10
    return total % 10 == int(value[9])


def npi(value: str) -> bool:
    """A US national provider identifier: Luhn after the prefix 80840."""
    return luhn("80840" + value)


def nhs(value: str) -> bool:
    """A British NHS number: modulo 11, no number has the check digit ten."""
    digits = compact(value)
    return weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 and digits != "0000000000"


def nino(value: str) -> bool:
    """A British national insurance number: its prefix is in use."""
    return value[:2] not in _NINO_UNUSED


def bc_phn(value: str) -> bool:
    """A personal health number of British Columbia: the products' remainders modulo 11."""
    digits = compact(value)
    weights = (2, 4, 8, 5, 10, 9, 7, 3)
    total = sum(int(digit) * weight % 11 for digit, weight in zip(digits[1:9], weights, strict=True))
    return (11 - total) % 11 == int(digits[9])
