"""Checks of personal and tax numbers of France, Germany, Italy, the United Kingdom, Finland and Sweden."""

from collections import Counter

from coldframe.engines.detector.checks.digits import compact, luhn, weighted

_ODD = {letter: index for index, letter in enumerate("BAKPLCQDREVOSFTGUHMINJWZYX")}
_ODD |= {str(value): _ODD[chr(65 + value)] for value in range(10)}
_EVEN = {letter: value for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {
    str(value): value for value in range(10)
}
_OMOCODIA = str.maketrans("LMNPQRSTUV", "0123456789")
_ITALIAN_MONTHS = "ABCDEHLMPRST"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def nir(value: str) -> bool:
    """A French INSEE number of 15 characters: 97 less the remainder of the first 13 (Corsica 2A is 19, 2B is 18)."""
    number = compact(value)
    number = number[:5] + number[5:7].replace("2A", "19").replace("2B", "18") + number[7:]
    return 97 - int(number[:13]) % 97 == int(number[13:])


def spi(value: str) -> bool:
    """A French tax number: ten digits and their remainder modulo 511 in three."""
    digits = compact(value)
    return int(digits[:10]) % 511 == int(digits[10:])


def steuer_id(value: str) -> bool:
    """A German tax number: one digit occurs two or three times among the first ten, ISO 7064 mod 11,10."""
    digits = compact(value)
    repeated = [count for count in Counter(digits[:10]).values() if count > 1]
    if len(repeated) != 1 or repeated[0] > 3:
        return False
    check = 5
    for digit in digits[:10]:
        check = ((check or 10) * 2 % 11 + int(digit)) % 10
    return ((check or 10) * 2 % 11 + int(digits[10])) % 10 == 1


def id_card_de(value: str) -> bool:
    """A German identity card or passport: at least one digit; with a tenth one, the ICAO 7-3-1 check digit."""
    number = compact(value)
    if number[-1] == "D" and len(number) == 11:
        number = number[:-1]
    if not any(character.isdigit() for character in number[:9]):
        return False
    if len(number) < 10:
        return True
    weights = (7, 3, 1) * 3
    total = sum(int(character, 36) * weight for character, weight in zip(number, weights, strict=False))
    return total % 10 == int(number[9])


def codice_fiscale(value: str) -> bool:
    """An Italian codice fiscale: month and day of birth exist, and the last letter is the control letter."""
    number = compact(value)
    day = int(number[9:11].translate(_OMOCODIA))
    if number[8] not in _ITALIAN_MONTHS or not (1 <= day <= 31 or 41 <= day <= 71):
        return False
    total = sum(_ODD[letter] for letter in number[:15:2]) + sum(_EVEN[letter] for letter in number[1:15:2])
    return chr(65 + total % 26) == number[15]


def utr(value: str) -> bool:
    """A British taxpayer reference: the first digit is the check digit of the other nine."""
    digits = compact(value).rstrip("K")
    return digits[0] == "21987654321"[weighted(digits[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11]


def licence_gb(value: str) -> bool:
    """A British driving licence: the month (plus 50 for women) and the day of birth in it exist."""
    number = compact(value)
    return 1 <= int(number[6:8]) % 50 <= 12 and number[6] in "0156" and 1 <= int(number[8:10]) <= 31


def hetu(value: str) -> bool:
    """A Finnish personal code, which is the licence number: day, month, and the character modulo 31."""
    day, month = int(value[:2]), int(value[2:4])
    return 1 <= day <= 31 and 1 <= month <= 12 and _HETU[int(value[:6] + value[7:10]) % 31] == value[10]


def personnummer(value: str) -> bool:
    """A Swedish personal number, which is the licence number, with or without the century: month, day and the Luhn digit."""
    digits = compact(value)[-10:]
    return 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31 and luhn(digits)
