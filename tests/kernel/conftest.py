"""These tests run on a kernel of their own, in the machine that `./coldframe test tests/kernel` starts, and only there."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from coldframe.engines.keyring import PROCESS, USER, Kernel

INSIDE = os.environ.get("COLDFRAME_KERNEL_MACHINE") == "1"
collect_ignore_glob = [] if INSIDE else ["test_*.py"]


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """The kernel, in a new session and with nothing in the keyrings of process and user."""
    made = Kernel()
    made.join_session()
    for ring in (PROCESS, USER):
        made.clear(ring)
    yield made
    made.join_session()


@pytest.fixture
def tick() -> Callable[[], None]:
    """Let a moment pass."""
    return lambda: threading.Event().wait(0.05) and None
