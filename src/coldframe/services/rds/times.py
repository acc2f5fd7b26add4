"""Moments as records keep them (milliseconds since 1970) and as answers have them (dates in UTC)."""

from datetime import UTC, datetime


def moment(milliseconds: int) -> datetime:
    """Return a moment as an answer has it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(value: datetime | float) -> int:
    """Return a moment of a request as records keep it."""
    seconds = value.timestamp() if isinstance(value, datetime) else value
    return int(seconds * 1000)
