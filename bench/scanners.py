"""Times another scanner on messages from stdin; runs in an environment of its own, which has the scanner and not coldframe.

Run: python bench/scanners.py presidio|scrubadub < messages.json; prints JSON: the version and MB/s of processor time.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Sequence

Scanner = Callable[[Sequence[str]], object]


def scrubadub() -> Scanner:
    """scrubadub with its default detectors."""
    import scrubadub as package

    return lambda messages: [package.clean(message) for message in messages]


def presidio() -> Scanner:
    """Presidio's own English pattern recognisers, without a language model."""
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    recognizers = [found for found in registry.recognizers if isinstance(found, PatternRecognizer)]
    return lambda messages: [
        recognizer.analyze(message, recognizer.supported_entities)
        for message in messages
        for recognizer in recognizers
    ]


SCANNERS = {"presidio": ("presidio-analyzer", presidio), "scrubadub": ("scrubadub", scrubadub)}


def main() -> None:
    """Scan everything twice and print the better rate."""
    package, make = SCANNERS[sys.argv[1]]
    messages = json.load(sys.stdin)
    size = sum(len(message.encode()) for message in messages) / 1e6
    scan = make()
    scan(messages[:5])
    rates = []
    for _ in range(2):
        begun = time.process_time()
        scan(messages)
        rates.append(size / (time.process_time() - begun))
    print(json.dumps({"version": importlib.metadata.version(package), "rate": max(rates)}))


if __name__ == "__main__":
    main()
