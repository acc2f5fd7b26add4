"""Waiting within a step for what tells nobody when it becomes so."""

import threading
import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> bool:
    """Ask again and again, at most `seconds`; tells whether it became so."""
    never, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        never.wait(every)
    return True
