"""What begins an entry in a log of a database, and when it was written: a pattern for each form that logs have.

An entry is a line that the form knows and every line after it that it does not know: the rest of a statement, a stack, and
with PostgreSQL also the lines DETAIL, HINT, CONTEXT, STATEMENT, which are dated and belong to the line before.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UTC = ZoneInfo("UTC")
_SEVERITIES = rb"DEBUG[1-5]|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC"
_CONTINUED = frozenset((b"DETAIL", b"HINT", b"QUERY", b"CONTEXT", b"LOCATION", b"BACKTRACE", b"STATEMENT"))
_POSTGRESQL = re.compile(
    rb"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?)"
    rb"(?: [^\n]{0,1000}?(" + _SEVERITIES + rb"|" + b"|".join(sorted(_CONTINUED)) + rb"):  )?",
    re.MULTILINE,
)
# What was said when the process ended by a signal has the short form of the date.
_MARIADB_ERROR = re.compile(
    rb"^(?:(\d{4}-\d\d-\d\d {1,2}\d{1,2}:\d\d:\d\d) \d+ \[|(\d{6} [ \d]\d:\d\d:\d\d) \[)", re.MULTILINE
)
# The time is there when it is another second than that of the line before.
_MARIADB_GENERAL = re.compile(
    rb"^(?:(\d{6} [ \d]\d:\d\d:\d\d)\t|\t\t) *\d+ [A-Z][A-Za-z ]*(?:\t|$)", re.MULTILINE
)
_MARIADB_SLOW = re.compile(rb"^(?:# Time: (\d{6} [ \d]\d:\d\d:\d\d)\n)?# User@Host: ", re.MULTILINE)
_NOTED = re.compile(rb"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC ", re.MULTILINE)
_UNTABBED = re.compile(rb"^(?!\t)", re.MULTILINE)
_EVERY = re.compile(rb"^", re.MULTILINE)


class Begin(NamedTuple):
    """Where an entry begins, in bytes, and when it was written, in milliseconds since 1970; None where that is not said."""

    offset: int
    at: int | None


class Form(Protocol):
    """How the entries of a log look."""

    def begins(self, data: bytes) -> Iterator[Begin]:
        """Give the entries that begin in a piece of a log, which itself begins with a line."""


class _Patterned:
    def __init__(self, pattern: re.Pattern[bytes], when: Callable[[bytes], int] | None) -> None:
        self._pattern, self._when = pattern, when

    def begins(self, data: bytes) -> Iterator[Begin]:
        """Give the entries that begin in a piece of a log."""
        for found in self._pattern.finditer(data):
            if found.start() == len(data):
                return
            said = next((text for text in found.groups() if text is not None), None)
            yield Begin(found.start(), self._when(said) if said and self._when else None)


class _PostgreSQL:
    def __init__(self, when: Callable[[bytes], int]) -> None:
        self._when = when

    def begins(self, data: bytes) -> Iterator[Begin]:
        """Give the entries that begin in a piece of a log."""
        for found in _POSTGRESQL.finditer(data):
            if found[2] not in _CONTINUED:
                yield Begin(found.start(), self._when(found[1]))


@lru_cache(maxsize=64)
def postgresql(prefix: str, zone: str) -> Form:
    """Return the form of PostgreSQL's log with this log_line_prefix and log_timezone.

    Lines that do not begin with the time have none; the server puts a tabulator before the further lines of a text.
    """
    if not prefix.startswith(("%t", "%m")):
        return _Patterned(_UNTABBED, None)
    try:
        return _PostgreSQL(_reader(ZoneInfo(zone)))
    except (ZoneInfoNotFoundError, ValueError):
        # A zone that the server alone knows: its times are taken for UTC.
        return _PostgreSQL(_reader(_UTC))


@lru_cache(maxsize=8)
def mariadb(kind: str) -> Form:
    """Return the form of MariaDB's error, general or slowquery log, whose times are those of the machine's zone."""
    pattern = {"error": _MARIADB_ERROR, "general": _MARIADB_GENERAL, "slowquery": _MARIADB_SLOW}[kind]
    return _Patterned(pattern, _reader(machine_zone()))


@lru_cache(maxsize=1)
def noted() -> Form:
    """Return the form of a log that coldframe writes: the time, UTC and the text."""
    return _Patterned(_NOTED, _reader(_UTC))


@lru_cache(maxsize=1)
def plain() -> Form:
    """Return the form of a log whose every line is an entry without a time."""
    return _Patterned(_EVERY, None)


@lru_cache(maxsize=1)
def machine_zone() -> tzinfo:
    """Return the zone of the machine, which processes have that are told of no other."""
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return _UTC


def _reader(zone: tzinfo) -> Callable[[bytes], int]:
    @lru_cache(maxsize=4096)
    def read(text: bytes) -> int:
        date, _, clock = text.decode("ascii").partition(" ")
        if "-" in date:
            year, month, day = (int(part) for part in date.split("-"))
        else:
            year, month, day = 2000 + int(date[:2]), int(date[2:4]), int(date[4:6])
        whole, _, rest = clock.strip().partition(".")
        hour, minute, second = (int(part) for part in whole.split(":"))
        try:
            moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        except ValueError:
            return 0
        return round(moment.timestamp()) * 1000 + int(f"{rest:0<3}"[:3] if rest else 0)

    return read
