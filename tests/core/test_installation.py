"""The parts of an installation: each is made once, also when many threads ask for it first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from coldframe.core.installation import Parts


class Engine:
    made = 0

    def __init__(self):
        time.sleep(0.05)
        type(self).made += 1


class Owner:
    def __init__(self, engine):
        self.engine = engine


def test_a_part_is_made_once():
    parts, gate = Parts(), threading.Barrier(8)
    parts.provide(Engine, Engine)
    parts.provide(Owner, lambda: Owner(parts.get(Engine)))

    def ask(which):
        gate.wait(10)
        return parts.get(Owner if which % 2 else Engine)

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(ask, range(8)))
    assert Engine.made == 1
    assert len(set(map(id, got))) == 2
