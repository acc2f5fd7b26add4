"""Measures masking through Python on one core: MB/s of clean, 1 % hit, hostile and all-hit logs, for both prefilters.

Run: python -m bench.masking [events]. Presidio, scrubadub and plain `re` are measured where they are installed.
"""

import importlib.util
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.corpus import events
from coldframe.engines.detector import Detector, identifiers, mask

MIXES = {
    "clean": (0.0, 0.0),
    "1 % hits": (0.01, 0.0),
    "hostile (10 % hits, 22 % decoys)": (0.10, 0.22),
    "100 % hits": (1.0, 0.0),
}
GOALS = {"clean": 300, "1 % hits": 150, "hostile (10 % hits, 22 % decoys)": 60}
Masker = Callable[[Sequence[str]], list[str]]


def machine() -> str:
    """The processor, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    return f"{model}, Python {platform.python_version()}, load {', '.join(Path('/proc/loadavg').read_text().split()[:3])}"


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


def scrubadub_masker() -> Masker:
    """scrubadub with its default detectors."""
    import scrubadub

    return lambda messages: [scrubadub.clean(message) for message in messages]


def presidio_masker() -> Masker:
    """Presidio's own pattern recognisers, without a language model."""
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    recognizers = [found for found in registry.recognizers if isinstance(found, PatternRecognizer)]

    def run(messages: Sequence[str]) -> list[str]:
        for message in messages:
            for recognizer in recognizers:
                recognizer.analyze(message, recognizer.supported_entities)
        return list(messages)

    return run


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
    print(f"machine: {machine()}")
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
    others = {"plain re": (None, plain_masker, 1000), "scrubadub": ("scrubadub", scrubadub_masker, 500)}
    others["presidio"] = ("presidio_analyzer", presidio_masker, 300)
    hostile = corpora["hostile (10 % hits, 22 % decoys)"]
    for name, (package, make, sample) in others.items():
        if package is None or importlib.util.find_spec(package) is not None:
            best, _ = rate(make(), hostile[:sample], 2)
            print(
                f"{name:10} {'hostile':34} {best:7.3f} MB/s; the detector is {reference / best:.0f} times as fast"
            )


if __name__ == "__main__":
    main()
