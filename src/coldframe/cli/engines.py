"""`coldframe engines`: lists and installs engines, and stops the databases that a server has left running."""

import argparse
import os
import sys
from pathlib import Path

from coldframe.cli.data_option import data_option
from coldframe.cli.progress import Progress
from coldframe.core import process
from coldframe.core.config import Settings, default_cache_dir
from coldframe.engines import unpacked
from coldframe.engines.catalog import Engine, UnknownEngine, engine, engine_version, engines, probe


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("action", choices=["install", "list", "stop"], help="what to do")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="engines, or versions of them (see: coldframe engines list)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=default_cache_dir(),
        help="where versions are unpacked (default: %(default)s)",
    )
    data_option(parser, "whose databases `stop` ends (default: %(default)s)")
    parser.add_argument("--for-tests", action="store_true", help="all engines that the test suite starts")


def run(chosen: argparse.Namespace) -> int:
    """Install packages as root on Debian and Ubuntu; elsewhere print the command to run. Returns 1 when it cannot."""
    if chosen.action == "list":
        for known in engines():
            print(f"{known.name:<14} {known.does}")
            for version in known.versions:
                print(
                    f"{known.name}-{version.name:<{13 - len(known.name)}} version {version.name} of it, unpacked beside the system"
                )
        return 0
    if chosen.action == "stop":
        return _stop(chosen.data.expanduser().absolute())
    if not chosen.names and not chosen.for_tests:
        print("coldframe: say which engine; see: coldframe engines list", file=sys.stderr)
        return 2
    known_names = {known.name for known in engines()}
    try:
        beside = [engine_version(name) for name in chosen.names if name not in known_names and "-" in name]
        if chosen.for_tests:
            beside += [(known, version) for known in engines() for version in known.versions if version.tests]
        named = [f"{of.name}-{version.name}" for of, version in beside]
        wanted = (
            _of_tests() if chosen.for_tests else [engine(name) for name in chosen.names if name not in named]
        )
        for of, version in beside:
            print(f"{of.name} {version.name} lies in {unpacked.unpack(chosen.cache, of, version)}")
    except (UnknownEngine, unpacked.NotUnpacked) as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1
    if beside and not wanted:
        return 0
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


def _stop(data: Path) -> int:
    """End the databases of a data directory whose server has ended; returns 1 when one runs, or it cannot be done."""
    from coldframe.core.store import StoreError
    from coldframe.engines.database import DatabaseError
    from coldframe.services.rds.stopping import stop_all

    if not (data / "coldframe.sqlite3").exists():
        print(f"coldframe: {data} is no data directory", file=sys.stderr)
        return 1
    try:
        with Progress() as progress:
            ran = stop_all(Settings(data_dir=data), progress.tell)
    except (StoreError, DatabaseError) as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1
    print(f"stopped {ran} database{'' if ran == 1 else 's'} of {data}; the next server starts them again")
    return 0


def _of_tests() -> list[Engine]:
    return [known for known in engines() if known.tests]
