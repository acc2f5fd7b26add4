"""Runs every benchmark in turn and writes what each printed into docs/benchmarks.md.

Run: python -m bench.all [--quick] [--directory DIR]

The text of docs/benchmarks.md stays as it is; replaced is what stands between `<!-- NAME -->` and `<!-- end -->`.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.servers import SOURCE

ROOT = SOURCE.parent
DOCUMENT = ROOT / "docs" / "benchmarks.md"
# By name: the options for a full and for a quick run, and the longest it may take in seconds.
BENCHMARKS = {
    "gateway": ("", "--rounds 1 --seconds 1", 900),
    "put_path": ("", "--times 500", 300),
    "disks": ("", "--rounds 1 --seconds 1", 600),
    "masking": ("", "20000", 900),
    "filter": ("--full", "", 1800),
    "start": ("", "--times 3", 300),
    "logstore": ("", "--events 500000", 1800),
    "protocols": ("", "", 300),
    "metrics": ("", "--seconds 1", 300),
    "s3": ("", "--megabytes 64 --small 50", 600),
    "console": ("", "--times 10", 120),
    "keys": ("", "--rounds 2 --signatures 3", 1200),
    "switchover": ("--kills", "--rounds 1 --writers 4", 1800),
    "endpoint": ("", "--seconds 1 --rounds 1", 900),
    "databases": ("", "--rounds 1 --megabytes 20", 900),
    "insights": ("", "--events 200000", 1800),
    "messages": ("", "--seconds 1", 120),
    "optimized": ("", "--rounds 1 --seconds 2", 1800),
}
ON_DISK = {
    "gateway",
    "put_path",
    "disks",
    "filter",
    "start",
    "logstore",
    "metrics",
    "s3",
    "switchover",
    "endpoint",
    "databases",
    "insights",
    "messages",
    "optimized",
}


def measure(name: str, options: str, seconds: int, directory: Path) -> str:
    """Run one benchmark and return the command and what it printed; raises when it fails or takes too long."""
    command = ["-m", f"bench.{name}", *options.split()]
    placed = [*command, "--directory", str(directory)] if name in ON_DISK else command
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{ROOT}", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, *placed],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds,
    )
    return f"$ python {' '.join(command)}\n{done.stdout.rstrip()}"


def place(document: str, name: str, output: str) -> str:
    """Return the document with the output in the place of this name; raises KeyError when it has none."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(document):
        raise KeyError(f"{DOCUMENT.name} has no place for {name}")
    return pattern.sub(lambda found: f"{found[1]}```text\n{output}\n```\n{found[2]}", document)


def main() -> None:
    """Run all, or those named, and write the document after each."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("names", nargs="*", metavar="NAME", help="the benchmarks to run (default: all)")
    options.add_argument(
        "--quick", action="store_true", help="smaller and shorter; the document is left alone"
    )
    options.add_argument(
        "--directory", type=Path, help="where data lies: a directory on the disk to be measured"
    )
    chosen = options.parse_args()
    if unknown := set(chosen.names) - BENCHMARKS.keys():
        options.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    directory = chosen.directory or Path(tempfile.gettempdir())
    for name, (full, quick, seconds) in BENCHMARKS.items():
        if chosen.names and name not in chosen.names:
            continue
        output = measure(name, quick if chosen.quick else full, seconds, directory)
        print(f"\n{output}", flush=True)
        if not chosen.quick:
            DOCUMENT.write_text(place(DOCUMENT.read_text(encoding="utf-8"), name, output), encoding="utf-8")


if __name__ == "__main__":
    main()
