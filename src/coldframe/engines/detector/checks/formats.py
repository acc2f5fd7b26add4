"""Checks of things that have no check digit: addresses of hosts, dates, coordinates, vehicles, secret keys."""

import re
import socket
from collections import Counter
from math import log2

_NUMBERS = re.compile("[0-9]+")
_COORDINATES = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_HEXADECIMAL = re.compile("[0-9a-f]+|[0-9A-F]+")
# What ends the name of a picture for twice the resolution, or of a package: no domain of the Internet does.
_ENDINGS_OF_FILES = frozenset(
    [
        "avif",
        "bmp",
        "css",
        "csv",
        "gif",
        "gz",
        "html",
        "ico",
        "jpeg",
        "jpg",
        "js",
        "json",
        "log",
        "map",
        "png",
        "svg",
        "tar",
        "tgz",
        "txt",
        "webp",
        "xml",
    ]
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Random text of 40 characters from 64 has about 4.7 bits a character; words and paths stay below 4.
_LEAST_ENTROPY = 4.0


def email(value: str) -> bool:
    """An e-mail address, and not the name of a file such as `logo@2x.png`."""
    return value.rpartition(".")[2].lower() not in _ENDINGS_OF_FILES


def ipv4(value: str) -> bool:
    """Four octets up to 255 without leading zeros."""
    octets = value.split(".")
    return all(int(octet) < 256 and (octet[0] != "0" or octet == "0") for octet in octets)


def ipv6(value: str) -> bool:
    """An IPv6 address in any of its spellings (RFC 4291), other than the unspecified one."""
    try:
        return any(socket.inet_pton(socket.AF_INET6, value))
    except OSError:
        return False


def _day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


def date(value: str) -> bool:
    """A date in numbers that exists: year first, or day and month in either order before the year."""
    numbers = _NUMBERS.findall(value)
    if len(numbers[0]) >= 8:
        return _day(int(numbers[0][4:6]), int(numbers[0][6:8]))
    first, second, third = (int(number) for number in numbers[:3])
    if len(numbers[0]) == 4:
        return _day(second, third)
    return _day(first, second) or _day(second, first)


def lat_long(value: str) -> bool:
    """A latitude within 90 degrees and a longitude within 180."""
    pair = _COORDINATES.findall(value)
    return len(pair) == 2 and abs(float(pair[0])) <= 90 and abs(float(pair[1])) <= 180


def vin(value: str) -> bool:
    """A vehicle number (ISO 3779): a letter among the first thirteen; the check digit is North American only."""
    return any(character.isalpha() for character in value[:13])


def secret_key(value: str) -> bool:
    """A secret access key: both cases, as random as a key is, and not a hash in hexadecimal."""
    if value.islower() or value.isupper() or _HEXADECIMAL.fullmatch(value):
        return False
    size = len(value)
    entropy = -sum(count / size * log2(count / size) for count in Counter(value).values())
    return entropy >= _LEAST_ENTROPY
