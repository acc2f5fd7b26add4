"""Prints recall and precision of the recogniser: on generated lines, and on the hand-written lines of the tests."""

import argparse
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import process_time

from coldframe.engines.detector.recognizer import ADDRESS, KINDS, NAME, Recognizer
from coldframe.engines.detector.recognizer.model import parse
from tools.recognizer import people, prose, train
from tools.recognizer.lines import Line, Lines
from tools.recognizer.places import COUNTRIES, Places

HAND_WRITTEN = Path(__file__).parents[2] / "tests/engines/detector/recognizer/lines.toml"
_PER_GROUP = 300


@dataclass
class Tally:
    """Counts for one kind and group; a name must be exact, an address must overlap by four fifths."""

    gold: int = 0
    found: int = 0
    right: int = 0

    def row(self) -> str:
        """Return recall, precision and the counts."""
        recall = f"{self.right / self.gold:.3f}" if self.gold else "-"
        precision = f"{self.right / self.found:.3f}" if self.found else "-"
        return f"recall {recall:>6}  precision {precision:>6}  ({self.right} right of {self.gold}, {self.found} found)"


def agrees(kind: str, gold: tuple[int, int], found: tuple[int, int]) -> bool:
    """Say whether `found` counts as `gold`."""
    if kind == NAME:
        return gold == found
    shared = min(gold[1], found[1]) - max(gold[0], found[0])
    return shared >= 0.8 * (max(gold[1], found[1]) - min(gold[0], found[0]))


def tally(recognizer: Recognizer, lines: Iterable[Line], show: bool = False) -> dict[tuple[str, str], Tally]:
    """Return the counts by kind and group, and by kind over all groups ("all")."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for line in lines:
        found = recognizer.find(line.text)
        for kind, gold in ((NAME, line.names), (ADDRESS, line.addresses)):
            spans = [(one.start, one.end) for one in found if one.kind == kind]
            right = sum(any(agrees(kind, one, other) for other in spans) for one in gold)
            for group in (line.group, "all"):
                count = tallies[kind, group]
                count.gold += len(gold)
                count.found += len(spans)
                count.right += right
            if show and (right < len(gold) or right < len(spans)):
                missed = [line.text[a:b] for a, b in gold if not any(agrees(kind, (a, b), s) for s in spans)]
                wrong = [line.text[a:b] for a, b in spans if not any(agrees(kind, g, (a, b)) for g in gold)]
                print(f"  {kind} [{line.group}] missed {missed} wrong {wrong}: {line.text[:160]!r}")
    return tallies


def hand_written() -> list[Line]:
    """Return the hand-written lines; in the file, names stand between ⟦ ⟧ and addresses between ⟪ ⟫."""
    lines = []
    for group, texts in tomllib.loads(HAND_WRITTEN.read_text(encoding="utf-8")).items():
        for marked in texts["lines"]:
            line = Line("", group)
            opened = 0
            for char in marked:
                if char in "⟦⟪":
                    opened = len(line.text)
                elif char in "⟧⟫":
                    (line.names if char == "⟧" else line.addresses).append((opened, len(line.text)))
                else:
                    line.text += char
            lines.append(line)
    return lines


def generated(lists: dict[str, people.Lists], seed: int) -> list[Line]:
    """Return test lines: other templates and phrases than in training, names from `lists`."""
    random = Random(seed)
    texts = [text for text in prose.texts() if 8 < len(text) < 400]
    made = Lines(people.People(lists, random), Places(random, True), random, True, prose.common_words(texts))
    lines = []
    for locale in ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "pl_PL", "nl_NL", "en_IN"):
        for _ in range(_PER_GROUP):
            line = made.name_line(locale)
            line.group = f"name {locale}"
            lines.append(line)
    lines.extend(made.name_line() for _ in range(4 * _PER_GROUP))
    lines.extend(made.keyed_line() for _ in range(2 * _PER_GROUP))
    for country in COUNTRIES:
        lines += [made.address_line(country) for _ in range(_PER_GROUP)]
    lines += [made.clean_line() for _ in range(20 * _PER_GROUP)]
    return lines


def report(title: str, tallies: dict[tuple[str, str], Tally]) -> None:
    """Print one table."""
    print(f"\n{title}")
    for (kind, group), count in sorted(tallies.items()):
        if count.gold or count.found:
            print(f"  {kind:8} {group:20} {count.row()}")


def speed(recognizer: Recognizer, share: float, named: list[Line]) -> None:
    """Print megabytes a second of CPU time on JSON, nginx and Java lines of which `share` hold a name."""
    random = Random(3)
    plain = [_service_line(random) for _ in range(40_000)]
    texts = [random.choice(named).text if random.random() < share else text for text in plain]
    size = sum(len(text.encode()) for text in texts) / 1e6
    best = 1e9
    for _ in range(3):
        began = process_time()
        for at in range(0, len(texts), 1000):
            recognizer.find_in_batch(texts[at : at + 1000], KINDS)
        best = min(best, process_time() - began)
    print(f"  {share:4.0%} with names: {size / best:6.1f} MB/s ({size:.1f} MB, batches of 1000)")


def _service_line(random: Random) -> str:
    draw = random.random()
    number = random.randrange
    if draw < 0.5:
        return (
            f'{{"timestamp":"2026-11-23T10:22:{number(60):02}.123Z","level":"INFO","logger":"com.acme.OrderService","thread":"http-nio-8080-exec-{number(99)}",'
            f'"message":"Order {number(99999)} processed for tenant blue","name":"order-{number(999)}","duration_ms":{number(999)}}}'
        )
    if draw < 0.9:
        return (
            f'10.0.{number(256)}.{number(256)} - - [23/Nov/2026:10:22:33 +0000] "GET /api/v1/items/{number(99999)} HTTP/1.1" 200 512 "-" '
            '"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"'
        )
    return (
        "2026-11-23 10:22:33,123 ERROR [main] org.springframework.boot.SpringApplication - Application run failed\n"
        f"\tat java.base/java.lang.Thread.run(Thread.java:{number(999)})\nCaused by: java.net.ConnectException: Connection refused"
    )


def main() -> None:
    """Measure the shipped model, or another, or one trained without the names for testing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=train.MODEL)
    parser.add_argument(
        "--unseen", action="store_true", help="train a model without the names for testing, and measure that"
    )
    parser.add_argument(
        "--show", action="store_true", help="print every hand-written line that is judged wrongly"
    )
    parser.add_argument(
        "--show-generated", action="store_true", help="print every generated line that is judged wrongly"
    )
    arguments = parser.parse_args()
    model = train.train(7, withhold=True) if arguments.unseen else parse(arguments.model.read_bytes())
    recognizer = Recognizer(model)
    everybody = people.load_all()
    parts = {
        "every name word unseen": people.part(everybody, test=True),
        "one name word in five unseen": everybody,
    }
    if not arguments.unseen:
        parts = {"names known": everybody}
    for title, lists in parts.items():
        lines = generated(lists, seed=99)
        report(f"generated lines, {title}", tally(recognizer, lines, arguments.show_generated))
    if HAND_WRITTEN.exists():
        report("hand-written lines", tally(recognizer, hand_written(), arguments.show))
    print("\nspeed, CPU time")
    for share in (0.0, 0.01, 0.1):
        speed(recognizer, share, [line for line in lines if line.names])


if __name__ == "__main__":
    main()
