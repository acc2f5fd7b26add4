"""Milliseconds since 1970, which records hold, as the times that answers and conditions have."""

from datetime import UTC, datetime
from email.utils import format_datetime

DAY = 86_400_000


def moment(milliseconds: int) -> datetime:
    """Return a time as an answer's document has it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def whole_second(milliseconds: int) -> datetime:
    """Return a time as headers have it, which know no fractions."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def http_date(milliseconds: int) -> str:
    """Return a time as HTTP writes it."""
    return format_datetime(whole_second(milliseconds), usegmt=True)


def written(milliseconds: int) -> str:
    """Return a time as event messages have it."""
    return f"{moment(milliseconds):%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def milliseconds(value: datetime) -> int:
    """Return a time as records hold it."""
    return round(value.timestamp() * 1000)
