"""Measures masking through Python on one core: MB/s of clean, 1 % hit, hostile and all-hit logs, for both prefilters.

Run: python -m bench.masking [events]. Plain `re` stands beside it, and Presidio and scrubadub where they are installed:
in a virtual environment of their own, by default ~/.cache/coldframe-bench/scanners (or where COLDFRAME_BENCH_SCANNERS
says).
"""

import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machine
from bench.corpus import events
from coldframe.engines.detector import Detector, identifiers, mask

MIXES = {
    "clean": (0.0, 0.0),
    "1 % hits": (0.01, 0.0),
    "hostile (10 % hits, 22 % decoys)": (0.10, 0.22),
    "100 % hits": (1.0, 0.0),
}
GOALS = {"clean": 300, "1 % hits": 150, "hostile (10 % hits, 22 % decoys)": 60}
SCANNERS = Path(
    os.environ.get("COLDFRAME_BENCH_SCANNERS", Path.home() / ".cache" / "coldframe-bench" / "scanners")
)
Masker = Callable[[Sequence[str]], list[str]]


def detector_masker(choice: str, cache: Path) -> Masker:
    """Scan and mask with all kinds but the two recognised ones."""
    detector = Detector(choice, cache)
    selection = detector.select(detector.kinds - {"Name", "Address"})

    def run(messages: Sequence[str]) -> list[str]:
        masked = []
        for message, findings in zip(messages, detector.scan(messages, selection), strict=True):
            masked.append(message if findings is None else mask(message, findings)[0])
        return masked

    return run


def plain_masker() -> Masker:
    """The same shapes and keywords with `re` alone: each kind's keywords looked for first, no checks."""
    kinds = []
    for identifier in identifiers().values():
        for shape in identifier.shapes:
            keywords = [keyword.lower() for keyword in identifier.keywords] if not shape.anchor else []
            kinds.append((keywords, re.compile(shape.pattern)))

    def run(messages: Sequence[str]) -> list[str]:
        masked = []
        for message in messages:
            lower = message.lower()
            for keywords, pattern in kinds:
                if not keywords or any(keyword in lower for keyword in keywords):
                    message = pattern.sub(lambda match: "*" * len(match[0]), message)
            masked.append(message)
        return masked

    return run


def other(name: str, messages: Sequence[str]) -> tuple[str, float] | None:
    """The version and MB/s of another scanner, from its own environment; None where it is not installed."""
    python = SCANNERS / "bin" / "python"
    if not python.exists():
        return None
    done = subprocess.run(
        [python, Path(__file__).with_name("scanners.py"), name],
        input=json.dumps(messages),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    return found["version"], found["rate"]


def rate(masker: Masker, messages: Sequence[str], repeats: int) -> tuple[float, float]:
    """MB/s of processor time: the best and the median run."""
    size = sum(len(message.encode()) for message in messages) / 1e6
    rates = []
    for _ in range(repeats):
        begun = time.process_time()
        masker(messages)
        rates.append(size / (time.process_time() - begun))
    return max(rates), statistics.median(rates)


def recall(detector: Detector, count: int) -> str:
    """How many generated secrets are found exactly, and how many findings decoys cause."""
    selection = detector.select(detector.kinds - {"Name", "Address"})
    labelled = list(events(count, hits=1.0, decoys=0.0, seed=11))
    results = detector.scan([message for message, _, _ in labelled], selection)
    exact = sum(
        any(found.kind == kind and message[found.start : found.end] == value for found in findings or ())
        for (message, kind, value), findings in zip(labelled, results, strict=True)
    )
    decoys = [message for message, _, _ in events(count, hits=0.0, decoys=0.5, seed=11)]
    wrong = sum(len(findings) for findings in detector.scan(decoys, selection) if findings)
    return f"{exact} of {count} secrets found exactly; {wrong} findings in {count} events without a secret"


def main() -> None:
    """Print one line per mix and masker, and what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(*machine.facts(Path(tempfile.gettempdir())), sep="\n")
    corpora = {
        name: [
            message for message, _, _ in events(count if hits < 1 else count // 10, hits=hits, decoys=decoys)
        ]
        for name, (hits, decoys) in MIXES.items()
    }
    reference = 0.0
    with tempfile.TemporaryDirectory() as cache:
        for choice in ("hyperscan", "re2"):
            if choice == "hyperscan" and importlib.util.find_spec("hyperscan") is None:
                continue
            masker = detector_masker(choice, Path(cache))
            masker(corpora["100 % hits"][:2000])
            for name, messages in corpora.items():
                best, median = rate(masker, messages, 5)
                goal = f"  goal {GOALS[name]}" if name in GOALS else ""
                average = sum(map(len, messages)) / len(messages)
                print(
                    f"{choice:10} {name:34} {best:7.1f} MB/s best, {median:7.1f} median, {average:.0f} B/event{goal}"
                )
                reference = best if name.startswith("hostile") and choice == "hyperscan" else reference
        print(recall(Detector("auto", Path(cache)), min(count, 20_000)))
    hostile = corpora["hostile (10 % hits, 22 % decoys)"]
    best, _ = rate(plain_masker(), hostile[:1000], 2)
    print(f"{'plain re':20} hostile {best:7.3f} MB/s; the detector is {reference / best:.0f} times as fast")
    for name, sample in (("scrubadub", 500), ("presidio", 300)):
        measured = other(name, hostile[:sample])
        if measured is None:
            print(f"{name:20} not installed")
            continue
        version, best = measured
        print(
            f"{f'{name} {version}':20} hostile {best:7.3f} MB/s; the detector is {reference / best:.0f} times as fast"
        )


if __name__ == "__main__":
    main()
