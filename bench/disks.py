"""What one client waits for a PutLogEvents beside one fdatasync, on a disk as it is and on one whose syncs take longer.

Run: python -m bench.disks [--rounds 3] [--seconds 3] [--directory DIR]

The slower disk is an ext4 on a loop device whose file lies on the first one, thinly provisioned, so that each sync of a
growing file passes two journals: nothing is simulated. It takes root to make one; without, the first disk is measured alone.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench import gateway, machine, servers

SIZE = 2 << 30


@contextlib.contextmanager
def looped(directory: Path) -> Iterator[Path]:
    """A directory on an ext4 in a file of `directory`; it is unmounted and removed afterwards."""
    image, mount = directory / "disk.img", directory / "disk"
    mount.mkdir()
    with image.open("wb") as file:
        # Reserved and not written, as on a thin volume: the first write of a block is one to the outer file's table, too.
        os.posix_fallocate(file.fileno(), 0, SIZE)
        os.fsync(file.fileno())
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", str(mount)], check=True)
        image.unlink()


def measured(directory: Path, rounds: int, seconds: float) -> list[list[str]]:
    """A row for each kind of log group on this disk."""
    results: gateway.Results = defaultdict(list)
    syncs: list[float] = []
    for number in range(rounds):
        syncs += machine.sync_times(directory, gateway.put_body("g", "s"), 200, allocated=False)
        place = directory / f"data-{number}"
        place.mkdir()
        with servers.coldframe(place) as server:
            gateway.measure(server, results, seconds)
        shutil.rmtree(place)
    sync = machine.median(syncs)
    rows = []
    for label in gateway.variants("coldframe"):
        p50 = machine.median(
            [machine.percentile(one.latencies, 0.5) for one in results["coldframe", label, 1]]
        )
        rows.append([label, f"{sync:.2f}", f"{p50:.2f}", f"{p50 / sync:.2f}", "<= 1.5"])
    return rows


def main() -> None:
    """Measure both disks and print one table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    options.add_argument("--directory", type=Path, help="a directory on the disk to be measured")
    chosen = options.parse_args()
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-disks-"))
    print(*machine.facts(directory), "", sep="\n")
    try:
        rows = [
            ["the disk: " + row[0], *row[1:]] for row in measured(directory, chosen.rounds, chosen.seconds)
        ]
        if os.geteuid() == 0:
            with looped(directory) as mount:
                slower = measured(mount, chosen.rounds, chosen.seconds)
            rows += [["a file system in a file of it: " + row[0], *row[1:]] for row in slower]
    finally:
        shutil.rmtree(directory)
    print(machine.table(["one client", "fdatasync ms", "p50 ms", "p50 / fdatasync", "goal"], rows))


if __name__ == "__main__":
    main()
