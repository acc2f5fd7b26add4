"""`coldframe backup DIR`: a consistent copy of the data directory, while the server runs or not."""

import argparse
import sys
import time
from pathlib import Path

from coldframe.cli.data_option import data_option
from coldframe.cli.progress import Progress


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("destination", type=Path, help="a directory that does not exist yet, or is empty")
    data_option(parser)
    parser.add_argument("--store", default="", help="SQLAlchemy URL of the store, if it is not in --data")
    parser.add_argument("--verify", action="store_true", help="check a backup instead of making one")


def run(chosen: argparse.Namespace) -> int:
    """Copy, then check the copy; returns 1 when it cannot be made or is not whole."""
    from coldframe.core.backup import BackupError
    from coldframe.server.backup import back_up, check

    begun = time.perf_counter()
    data = chosen.data.expanduser().absolute()
    try:
        with Progress() as progress:
            if not chosen.verify:
                back_up(data, chosen.destination.absolute(), progress.tell, store_url=chosen.store)
            manifest, absent = check(chosen.destination, progress.tell)
    except BackupError as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1
    size = sum((chosen.destination / name).stat().st_size for name in manifest.sha256)
    done = "checked" if chosen.verify else "copied and checked"
    print(f"{done} {len(manifest.sha256)} files, {size / 1e6:.1f} MB in {time.perf_counter() - begun:.1f} s")
    if absent:
        print(
            f"not in it: the data of {', '.join(absent)}: KMS did not give their keys; or an older version made it, with snapshots alone"
        )
    print(
        f"to restore it: end the server and its databases (coldframe engines stop), and start one with --data {chosen.destination} or with a copy of it"
    )
    return 0
