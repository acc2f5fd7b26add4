"""Runs tests/kernel on Linux kernels of their own, each in a QEMU machine: `./coldframe test kernel` and tests/kernel.

It never skips: a machine that does not start, or does not end in time, is a failure.
"""

import sys
import threading
import time
from pathlib import Path

from coldframe.core.config import default_cache_dir
from coldframe.engines import machine

ROOT = Path(__file__).resolve().parents[1]
TESTS = "tests/kernel"
# The suite takes under a minute on a quiet machine; everything is emulated, so a loaded one needs several times that.
SECONDS = 420
_ENVIRONMENT = {"COLDFRAME_KERNEL_MACHINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def main(words: list[str]) -> int:
    """Run the tests on every kernel at once; `--kernel SERIES` chooses one. Further words go to pytest.

    With --show, what one kernel's tests print is shown as it comes. Returns 1 when any kernel's tests failed.
    """
    chosen = list(machine.SERIES)
    if "--kernel" in words:
        at = words.index("--kernel")
        chosen = words[at + 1 : at + 2]
        words = words[:at] + words[at + 2 :]
        if not chosen or chosen[0] not in machine.SERIES:
            print(f"--kernel takes one of: {', '.join(machine.SERIES)}", file=sys.stderr)
            return 2
    # Only one of the two downloads at a time: they share apt's lock.
    try:
        kernels = {series: machine.fetch(series, default_cache_dir()) for series in chosen}
    except machine.MachineFailed as problem:
        print(f"kernel: {problem}", file=sys.stderr)
        return 1
    results = dict.fromkeys(chosen, 1)

    def test(series: str) -> None:
        results[series] = _test(kernels[series], words, show=len(chosen) == 1)

    threads = [threading.Thread(target=test, args=(series,)) for series in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1 if any(results.values()) else 0


def _test(kernel: machine.DebianKernel, words: list[str], *, show: bool) -> int:
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--confcutdir={TESTS}"]
    if not any(word.startswith(TESTS) for word in words):
        words = [*words, TESTS]
    errand = machine.Errand([*pytest, *words], ROOT, _ENVIRONMENT, SECONDS)
    begun = time.monotonic()
    try:
        ended = machine.run(kernel, errand, print if show else None)
    except machine.MachineFailed as problem:
        print(f"== Linux {kernel.release}: FAILED: {problem}\n", flush=True)
        return 1
    text = "" if show else f"{ended.output}\n"
    print(
        f"{text}== Linux {kernel.release}: exit code {ended.code} in {time.monotonic() - begun:.1f} s\n",
        flush=True,
    )
    return ended.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
