"""Runs tests/kernel on Linux kernels of their own, each in a QEMU machine: `./coldframe test kernel` and tests/kernel.

It never skips: a machine that does not start, or does not end in time, is a failure.
"""

import compileall
import sys
import tempfile
import threading
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.core import process
from coldframe.core.config import default_cache_dir
from coldframe.engines import machine
from tools.patched_ssh import build

ROOT = Path(__file__).resolve().parents[1]
TESTS = "tests/kernel"
# The suite takes some minutes on a quiet machine. Everything is emulated: with twenty processes waiting for two cores it
# took a quarter of an hour.
SECONDS = 1800
_KEY_BITS = (1024, 2048, 2048, 3072, 4096)
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
        environment = {
            "COLDFRAME_SSH_FILES": str(machine.ssh_server_files(default_cache_dir())),
            "COLDFRAME_PATCHED_SSH": str(build.build(default_cache_dir())),
        }
    except (machine.MachineFailed, process.ProgramFailed, process.ProgramMissing) as problem:
        print(f"kernel: {problem}", file=sys.stderr)
        return 1
    results = dict.fromkeys(chosen, 1)
    with tempfile.TemporaryDirectory(prefix="coldframe-kernels-") as keys:
        _make_keys(Path(keys))
        environment["COLDFRAME_KERNEL_KEYS"] = keys
        # Compiled here, once, and not in the machines, slowly, for each process that starts there.
        compileall.compile_dir(ROOT / "src", quiet=2)

        def test(series: str) -> None:
            results[series] = _test(kernels[series], words, environment, show=len(chosen) == 1)

        threads = [threading.Thread(target=test, args=(series,)) for series in chosen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return 1 if any(results.values()) else 0


def _make_keys(folder: Path) -> None:
    """Make the private keys of this run: in the machine, where every instruction is emulated, it would take minutes."""
    for number, bits in enumerate(_KEY_BITS):
        key = rsa.generate_private_key(65537, bits)
        content = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / f"rsa{bits}-{number}"
        path.write_bytes(content)
        path.chmod(0o600)


def _test(kernel: machine.DebianKernel, words: list[str], environment: dict[str, str], *, show: bool) -> int:
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--confcutdir={TESTS}"]
    if not any(word.startswith(TESTS) for word in words):
        words = [*words, TESTS]
    errand = machine.Errand([*pytest, *words], ROOT, {**_ENVIRONMENT, **environment}, SECONDS)
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
