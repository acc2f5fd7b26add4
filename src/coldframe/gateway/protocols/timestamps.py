"""Timestamps in the formats that the protocols know: iso8601, rfc822 and unixTimestamp."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(value: Any) -> datetime:
    """Read a timestamp (epoch seconds, ISO 8601, RFC 822 or epoch seconds as text) into UTC; ValueError if none."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        if isinstance(value, str):
            return _parse_text(value.strip())
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{value!r} is no timestamp")
        return EPOCH + timedelta(microseconds=round(value * 1_000_000))
    except (OverflowError, TypeError, IndexError) as error:
        raise ValueError("the timestamp is out of range") from error


def _parse_text(text: str) -> datetime:
    if not text:
        raise ValueError("an empty text is no timestamp")
    head = text.removeprefix("-")
    if head.replace(".", "", 1).isdecimal() and head.isascii() and len(text) <= 32:
        return parse(float(text) if "." in text else int(text))
    if text[0].isdigit() and "-" in text:
        moment = datetime.fromisoformat(text)
    else:
        moment = parsedate_to_datetime(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=4096, typed=True)
def to_iso8601(value: Any) -> str:
    """Write `2020-01-02T03:04:05Z`, with milliseconds or microseconds where there are any.

    Remembered, because the series of one answer have the same times.
    """
    moment = parse(value)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    micro = moment.microsecond
    if not micro:
        return text + "Z"
    return f"{text}.{micro // 1000:03d}Z" if micro % 1000 == 0 else f"{text}.{micro:06d}Z"


def to_milliseconds(value: Any) -> str:
    """Write `2020-01-02T03:04:05.000Z`: the milliseconds also where there are none."""
    text = to_iso8601(value)
    return text if "." in text else f"{text[:-1]}.000Z"


def to_rfc822(value: Any) -> str:
    """Write `Thu, 02 Jan 2020 03:04:05 GMT`."""
    return format_datetime(parse(value), usegmt=True)


def to_epoch(value: Any) -> int | float:
    """Write seconds since 1970: a whole number where it is one, else with its microseconds."""
    if type(value) is int:
        return value
    since = parse(value) - EPOCH
    seconds = since.days * 86_400 + since.seconds
    return (seconds * 1_000_000 + since.microseconds) / 1_000_000 if since.microseconds else seconds


WRITERS: dict[str, Callable[[Any], str | int | float]] = {
    "iso8601": to_iso8601,
    "milliseconds": to_milliseconds,
    "rfc822": to_rfc822,
    "unixtimestamp": to_epoch,
}


def writer(shape: Any, default: str) -> Callable[[Any], str | int | float]:
    """Choose the writer for a timestamp shape: its own timestampFormat, else the location's default."""
    return WRITERS[shape.serialization.get("timestampFormat", default).lower()]
