"""Regular expressions as processors use them: RE2 over UTF-8, with a bound on the work for one event."""

from typing import Any

import re2

from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed

MEMORY = 1 << 23
"""Bytes that one expression may take, compiled and with its automata."""

GREATEST_WORK = 1_000_000_000
"""Instructions of a program times bytes of text: RE2 at its worst takes this many steps, about a second."""

MOST_BYTES = 1_048_576
"""What an event may have, before and after its transformation."""


def compiled(source: str, *, whole: bool = False) -> Any:
    """Return an expression over bytes of UTF-8; raises InvalidTransformer for what RE2 cannot run in linear time."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    text = rf"\A(?:{source})\z" if whole else source
    try:
        return re2.compile(text.encode("utf-8", "surrogatepass"), options)
    except re2.error as error:
        raise InvalidTransformer(f"the regular expression {source[:128]!r}: {_reason(error)}") from error


def refuse_long(expression: Any, data: bytes) -> None:
    """Raise TransformationFailed for a text on which an expression could take too long."""
    if expression.programsize * len(data) > GREATEST_WORK:
        raise TransformationFailed("the event is too long for the pattern")


def replaced_at_most(size: int) -> None:
    """Raise TransformationFailed when a replacement has made more bytes than an event may have."""
    if size > MOST_BYTES:
        raise TransformationFailed(f"the transformed event would have more than {MOST_BYTES} bytes")


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
