"""`coldframe engines install NAME`: an engine's system packages, by the system's own package manager."""

import argparse
import os
import sys

from coldframe.core import process
from coldframe.engines.catalog import Engine, UnknownEngine, engine, engines, probe


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("action", choices=["install", "list"], help="what to do")
    parser.add_argument("names", nargs="*", metavar="NAME", help="engines (see: coldframe engines list)")
    parser.add_argument("--for-tests", action="store_true", help="all engines that the test suite starts")


def run(chosen: argparse.Namespace) -> int:
    """Install packages as root on Debian and Ubuntu; elsewhere print the command to run. Returns 1 when it cannot."""
    if chosen.action == "list":
        for known in engines():
            print(f"{known.name:<14} {known.does}")
        return 0
    if not chosen.names and not chosen.for_tests:
        print("coldframe: say which engine; see: coldframe engines list", file=sys.stderr)
        return 2
    try:
        wanted = _of_tests() if chosen.for_tests else [engine(name) for name in chosen.names]
    except UnknownEngine as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1
    packages = sorted({name for known in wanted if probe(known).version is None for name in known.packages})
    if not packages:
        print("nothing to install: all of it is here")
        return 0
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or process.find("apt-get") is None:
        print(f"run this, or what your system has in its place: sudo {' '.join(command)}", file=sys.stderr)
        return 1
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return process.run_attached(["apt-get", "update", "-qq"], environment=quiet) or process.run_attached(
        command, environment=quiet
    )


def _of_tests() -> list[Engine]:
    return [known for known in engines() if known.tests]
