"""Everything that a change must pass: `./coldframe test`, for people and CI alike.

Without arguments it runs all checks and all tests. `./coldframe test lint types layers structure kernel` runs some checks;
further words and options go to pytest (`./coldframe test tests/core -k cached`). What is said of tests/kernel runs on
Linux kernels of its own, in QEMU machines (`tools/kernels.py`).
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# Tests start servers and databases: more workers than these gain little and make slow machines slower.
WORKERS = "2"

# Where what only tests use lies, and the Debian package that brings it; what the product itself uses stands in engine.toml files.
PROGRAMS = {
    "/usr/bin/chromium": "chromium",
    "/usr/bin/gcc": "gcc",
    "/usr/bin/make": "make",
    "/usr/bin/patch": "patch",
    "/usr/bin/ssh": "openssh-client",
    "/usr/include/openssl/ssl.h": "libssl-dev",
    "/usr/include/stdlib.h": "libc6-dev",
}

CHECKS = {
    "lint": [[str(BIN / "ruff"), "check", "."], [str(BIN / "ruff"), "format", "--check", "."]],
    "types": [[str(BIN / "mypy")]],
    "layers": [[str(BIN / "lint-imports"), "--no-cache"]],
    "structure": [[sys.executable, "-m", "tools.structure"]],
}
KERNEL = "kernel"
KERNEL_TESTS = "tests/kernel"


def main(words: list[str]) -> int:
    """Run the checks that are named, or all, then the tests; returns 1 when any of them failed, after running all."""
    chosen = [word for word in words if word in CHECKS]
    rest = [word for word in words if word not in CHECKS and word != KERNEL]
    on_kernels = [word for word in rest if word.startswith(KERNEL_TESTS)]
    elsewhere = [word for word in rest if word not in on_kernels]
    everything = not words
    failed: list[str] = []
    for name in CHECKS if everything else chosen:
        failed.extend(name for command in CHECKS[name] if not _run(name, command))
    if (everything or KERNEL in words) and not _engines():
        failed.append("engines")
    machines = everything or KERNEL in words or bool(on_kernels)
    # First, so that the last line is the one of all the other tests.
    if machines and not _run(KERNEL, [sys.executable, "-m", "tools.kernels", *_options(rest), *on_kernels]):
        failed.append(KERNEL)
    if everything or (elsewhere and not (machines and elsewhere == _options(rest))):
        workers = ["-n", WORKERS, "--dist", "loadgroup"] if everything else []
        if not _run("tests", [sys.executable, "-m", "pytest", *workers, *elsewhere]):
            failed.append("tests")
    if failed:
        print(f"\nfailed: {', '.join(dict.fromkeys(failed))}", file=sys.stderr)
    return 1 if failed else 0


def _options(words: list[str]) -> list[str]:
    """Return the words that are no paths of tests: options of pytest and their values."""
    return [word for word in words if not word.startswith("tests")]


def _engines() -> bool:
    """Install the engines that the tests use, so that none is skipped for being away."""
    return _run("engines", [str(BIN / "coldframe"), "engines", "install", "--for-tests"]) and _programs()


def _programs() -> bool:
    """Install the programs that only tests use, as root on Debian and Ubuntu; elsewhere say what to do."""
    missing = [package for path, package in PROGRAMS.items() if not Path(path).exists()]
    if not missing:
        return True
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"the tests need this, or what your system has in its place: sudo {' '.join(command)}")
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return _run("programs", ["apt-get", "update", "-qq"]) and _run("programs", command)


def _run(name: str, command: list[str]) -> bool:
    print(
        f"== {name}: {' '.join(Path(word).name if index == 0 else word for index, word in enumerate(command))}"
    )
    sys.stdout.flush()
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, check=False)
    print(f"== {name}: {'ok' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - begun:.1f} s\n")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
