"""Trains the recogniser on generated log lines and writes its model file; the same seed gives the same bytes."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from time import perf_counter
from zlib import crc32

from coldframe.engines.detector.recognizer import addresses, names
from coldframe.engines.detector.recognizer.model import Model, Weights, dump, word_hash
from tools.recognizer import people, prose
from tools.recognizer.learn import Example, fit, hashed
from tools.recognizer.lines import Line, Lines
from tools.recognizer.places import Places, known_places

MODEL = Path(__file__).parents[2] / "src/coldframe/engines/detector/recognizer/model.bin"
NAME_WEIGHTS = 1 << 17
ADDRESS_WEIGHTS = 1 << 14
NAME_LINES, KEYED_LINES, ADDRESS_LINES, CLEAN_LINES = 30_000, 6_000, 12_000, 40_000
PROSE_LINES = 60_000
_UNKNOWN_SHARE = 3


def _known(word: str) -> bool:
    """Say whether the word sets show `word` during training: some stay hidden, or the model would trust them blindly."""
    return crc32(b"hide" + word.lower().encode()) % _UNKNOWN_SHARE != 0


def word_sets(
    lists: dict[str, people.Lists], common: Iterable[str], *, all_names: bool
) -> dict[str, frozenset[int]]:
    """Return the hashes of given names, family names and common words."""
    given = {word for names_ in lists.values() for word in names_.given}
    family = {part for names_ in lists.values() for word in names_.family for part in word.split()}
    keep = (lambda _: True) if all_names else _known
    return {
        "given": frozenset(word_hash(word) for word in given if keep(word)),
        "family": frozenset(word_hash(word) for word in family if keep(word)),
        "common": frozenset(map(word_hash, common)),
        "place": frozenset(word_hash(place) for place in known_places() if keep(place)),
    }


def _forgetful(features: list[str], random: Random) -> list[str]:
    """Drop what stands beside, or whole words, now and then: the world has more of both than the lists here."""
    draw = random.random()
    hidden = "LRX" if draw < 0.2 else "LX" if draw < 0.35 else "R" if draw < 0.45 else ""
    kept = [feature for feature in features if feature[0] not in hidden or feature[1:2] in {"c", "x"}]
    if random.random() < 0.3:
        kept = [feature for feature in kept if feature[1:2] != "="]
    return kept


def examples(model: Model, lines: Iterable[Line], random: Random) -> tuple[list[Example], list[Example]]:
    """Return what `lines` teach about names and about addresses: every candidate, and whether it is one exactly."""
    about_names: list[Example] = []
    about_addresses: list[Example] = []
    for line in lines:
        gold = set(line.names)
        for group in names.windows(line.text):
            for window in group:
                found = names.features(model, line.text, window)
                found = _forgetful(found, random)
                about_names.append((hashed(found, NAME_WEIGHTS), (window.start, window.end) in gold))
        gold = set(line.addresses)
        for candidates in addresses.candidates(line.text):
            for candidate in candidates:
                found = addresses.features(model, line.text, candidate)
                found = _forgetful(found, random)
                about_addresses.append(
                    (hashed(found, ADDRESS_WEIGHTS), (candidate.start, candidate.end) in gold)
                )
    return about_names, about_addresses


def prose_lines(texts: list[str], model: Model, random: Random) -> list[Line]:
    """Return lines of documentation in which no words stand together that the lists know as a full name."""
    chosen = []
    for text in random.sample(texts, min(PROSE_LINES, len(texts))):
        windows = [window for group in names.windows(text) for window in group]
        if windows and not any(
            model.knows("given", w.words[0])
            and not model.knows("common", w.words[0])
            and model.knows("family", w.words[-1])
            for w in windows
        ):
            chosen.append(Line(text, "prose"))
    return chosen


def train(seed: int, *, withhold: bool) -> Model:
    """Return a trained model; with `withhold`, one that has not seen the names, templates and phrases for testing."""
    random = Random(seed)
    lists = people.load_all()
    if withhold:
        lists = people.part(lists, test=False)
    part = False if withhold else None
    texts = [text for text in prose.texts() if 8 < len(text) < 400]
    common = prose.common_words(texts)
    partial = Model(word_sets(lists, common, all_names=False), {})
    lines = Lines(people.People(lists, random), Places(random, part), random, part, common)
    material = [lines.name_line() for _ in range(NAME_LINES)]
    material += [lines.keyed_line() for _ in range(KEYED_LINES)]
    material += [lines.address_line() for _ in range(ADDRESS_LINES)]
    material += [lines.clean_line() for _ in range(CLEAN_LINES)]
    material += prose_lines(texts, partial, random)
    about_names, about_addresses = examples(partial, material, random)
    weights: dict[str, Weights] = {
        "name": fit(about_names, NAME_WEIGHTS, random),
        "address": fit(about_addresses, ADDRESS_WEIGHTS, random),
    }
    print(
        f"{len(material)} lines, {len(about_names)} name candidates ({sum(e[1] for e in about_names)} are names), "
        f"{len(about_addresses)} address candidates ({sum(e[1] for e in about_addresses)} are addresses)",
        file=sys.stderr,
    )
    return Model(word_sets(lists, common, all_names=True), weights)


def main() -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, default=MODEL)
    parser.add_argument(
        "--withhold", action="store_true", help="keep the names for testing out (for measure.py)"
    )
    arguments = parser.parse_args()
    began = perf_counter()
    data = dump(train(arguments.seed, withhold=arguments.withhold))
    arguments.output.write_bytes(data)
    print(f"{arguments.output}: {len(data)} bytes in {perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
