"""A process killed at any moment: every acknowledged message is there exactly once after the next start."""

import os
import random
import select
import signal
from pathlib import Path

import pytest

from coldframe.engines.queue import MessageStore, New, Reading

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def test_what_was_acknowledged_is_kept_exactly_once(tmp_path: Path) -> None:
    draw = random.Random(7)
    path = tmp_path / "messages.sqlite3"
    told: list[str] = []
    for round_ in range(6):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                store = MessageStore(path)
                for number in range(100_000):
                    store.send("q", [New(f"{round_}-{number}", b"x" * 300, 0)], 0)
                    os.write(writing, f"{round_}-{number}\n".encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            text = b""
            for _ in range(draw.randrange(3, 60)):
                assert select.select([pipe], [], [], 20)[0]
                text += pipe.read(1 << 16) or b""
            os.kill(pid, signal.SIGKILL)
            text += b"".join(iter(lambda: pipe.read(1 << 16) or b"", b""))
        os.waitpid(pid, 0)
        told += text.decode().split("\n")[:-1]
    assert len(told) > 20
    store = MessageStore(path)
    found: list[str] = []
    while messages := store.receive("q", Reading(now=1, hidden_until=10, limit=100)):
        found += [message.id for message in messages]
    store.close()
    assert set(told) <= set(found)
    assert len(found) == len(set(found))
    assert len(found) <= len(told) + 6
