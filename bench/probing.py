"""How long a database takes to answer a probe on a machine that is far too busy: what the deadlines of supervision rest on.

Run: python -m bench.probing [--busy 20] [--probes 60]. `--busy` processes for each processor compute, two write and sync all
the time; prints the median and the longest of the probes of each engine.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.engines.databases.kits import KITS, MASTER

_SYNCING = (
    "import os, sys\n"
    "while True:\n"
    "    with open(sys.argv[1], 'wb') as file:\n"
    "        for _ in range(64): file.write(bytes(1 << 20))\n"
    "        file.flush(); os.fsync(file.fileno())"
)


@contextlib.contextmanager
def busy(folder: Path, count: int) -> Iterator[None]:
    """Have processes compute, `count` for each processor, and two write."""
    programs = [["python3", "-c", "while True: pass"]] * (count * (os.cpu_count() or 1))
    programs += [["python3", "-c", _SYNCING, str(folder / f"fill{number}")] for number in range(2)]
    started = [subprocess.Popen(words) for words in programs]
    try:
        yield
    finally:
        for each in started:
            each.kill()
            each.wait()


def main() -> None:
    """Print a line for each engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--busy", type=int, default=20)
    parser.add_argument("--probes", type=int, default=60)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coldframe-probing-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        stack.enter_context(busy(folder, wanted.busy))
        for kind in sorted(KITS):
            kit = KITS[kind]()
            spec = kit.spec(folder, kind)
            kit.engine.create(spec, MASTER, "app")
            kit.engine.start(spec)
            took = []
            for _ in range(wanted.probes):
                began = time.monotonic()
                kit.engine.activities.probe(spec, answer=60, write=60)
                took.append(time.monotonic() - began)
            kit.engine.stop(spec, at_once=True)
            kit.engine.destroy(spec)
            print(f"{kind}: median {statistics.median(took):.2f} s, longest {max(took):.2f} s")


if __name__ == "__main__":
    main()
