"""Event ids and the tokens of GetLogEvents and FilterLogEvents: both say where an event stands in its group."""

from coldframe.core.faults import ServiceFault
from coldframe.engines.logstore.rows import Position

_SHIFT = 1 << 80


def event_id(position: Position) -> str:
    """Return an event's id: 56 digits, as CloudWatch Logs writes it, that grow with time and arrival."""
    return f"{position.timestamp * _SHIFT + position.sequence:056d}"


def forward(position: Position) -> str:
    """Return the token that continues after a position."""
    return f"f/{event_id(position)}/s"


def backward(position: Position) -> str:
    """Return the token that continues before a position."""
    return f"b/{event_id(position)}/s"


def read(token: str) -> tuple[bool, Position]:
    """Return whether a token goes forward, and from where; raises InvalidParameterException for any other text."""
    direction, _, rest = token.partition("/")
    digits, _, end = rest.partition("/")
    if (
        direction not in {"f", "b"}
        or end != "s"
        or len(digits) != 56
        or not (digits.isascii() and digits.isdigit())
    ):
        raise ServiceFault("InvalidParameterException", "The specified nextToken is invalid.")
    return direction == "f", Position(*divmod(int(digits), _SHIFT))
