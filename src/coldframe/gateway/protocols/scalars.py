"""Scalars as text, in forms, headers, paths and XML: text into values, strictly, and values into text."""

import binascii
import math
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from coldframe.gateway.protocols import timestamps
from coldframe.gateway.protocols.shapes import Shape
from coldframe.gateway.protocols.typed import BOUNDS, SPECIAL_FLOATS


def read_scalar(shape: Shape) -> Callable[[str], Any]:
    """Make the function that reads a scalar from text; it raises ValueError."""
    kind = shape.type_name
    if kind in BOUNDS:
        return lambda text: _read_integer(text, *BOUNDS[kind])
    readers: dict[str, Callable[[str], Any]] = {
        "boolean": _read_boolean,
        "float": _read_float,
        "double": _read_float,
        "timestamp": timestamps.parse,
        "blob": read_blob,
    }
    return readers.get(kind, str)


def _read_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in {"true", "false", "1", "0"}:
        raise ValueError("no boolean")
    return word in {"true", "1"}


def _read_integer(text: str, low: int, high: int) -> int:
    if len(text) > 40 or not text.isascii() or "_" in text:
        raise ValueError("no integer")
    number = int(text)
    if not low <= number <= high:
        raise ValueError("out of range")
    return number


def _read_float(text: str) -> float:
    if len(text) > 400 or "_" in text or not text.isascii():
        raise ValueError("no number")
    word = text.strip()
    return SPECIAL_FLOATS[word] if word in SPECIAL_FLOATS else float(word)


def read_blob(text: str) -> bytes:
    """Read base64; ValueError when it is none."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("no base64") from error


def write_scalar(shape: Shape, timestamp_format: str = "iso8601") -> Callable[[Any], str]:
    """Make the function that writes a scalar as text, not yet escaped."""
    kind = shape.type_name
    if kind == "timestamp":
        write = timestamps.writer(shape, timestamp_format)
        return lambda value: str(write(value))
    writers: dict[str, Callable[[Any], str]] = {
        "boolean": lambda value: "true" if value else "false",
        "float": _write_float,
        "double": _write_float,
        "blob": lambda value: b64encode(value.encode() if isinstance(value, str) else value).decode(),
    }
    return writers.get(kind, str)


def _write_float(value: Any) -> str:
    number = float(value)
    if math.isfinite(number):
        return str(value)
    return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
