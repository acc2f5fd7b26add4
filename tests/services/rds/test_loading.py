"""Engines are loaded when they are first needed, by whichever threads need them, several at the same time."""

import subprocess
import sys

import pytest

# Each thread takes a turn after few instructions, so that they meet in the midst of it.
LOAD = """
import sys, threading
from pathlib import Path
from coldframe.services.rds import engines

sys.setswitchinterval(1e-5)
name, makers = sys.argv[1], [engines.makers(Path(sys.argv[2])), engines.door_makers()] * 3
together, made = threading.Barrier(len(makers)), []

def load(maker):
    together.wait()
    made.append(maker())

threads = [threading.Thread(target=load, args=(each[name],)) for each in makers]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(made) == len(makers), made
"""


@pytest.mark.parametrize("engine", ["mariadb", "postgresql"])
def test_several_threads_may_load_an_engine_at_the_same_time(engine, tmp_path):
    for _ in range(3):
        command = [sys.executable, "-c", LOAD, engine, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
