"""Types that are known to msgspec as a whole before anybody decodes to them.

What msgspec finds out about a struct at its first use it writes into the class piece by piece, and it runs Python meanwhile
for the structs within. Another thread that decodes to that class just then reads what is not there yet, and the process ends.
"""

from threading import Lock
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_LOCK = Lock()
_KNOWN: set[Any] = set()


def whole(kind: T) -> T:
    """Return the type once msgspec knows all of it; every type with structs in it is decoded to by way of this."""
    if kind not in _KNOWN:
        with _LOCK:
            if kind not in _KNOWN:
                msgspec.msgpack.Decoder(kind)
                _KNOWN.add(kind)
    return kind
