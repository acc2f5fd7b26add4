"""Waiting until something is so that tells nobody when it becomes so."""

import threading
import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float, *, every: float = 0.005) -> bool:
    """Ask again and again, at most `seconds`; answers whether it became so."""
    never = threading.Event()
    end = time.monotonic() + seconds
    while not condition():
        left = end - time.monotonic()
        if left <= 0:
            return False
        never.wait(min(every, left))
    return True
