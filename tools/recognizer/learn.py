"""Learns the weights of a linear model by logistic regression over hashed features, and rounds them to bytes."""

from array import array
from collections.abc import Sequence
from math import exp, sqrt
from random import Random
from zlib import crc32

from coldframe.engines.detector.recognizer.model import Weights

Example = tuple[tuple[int, ...], bool]


def hashed(features: Sequence[str], size: int) -> tuple[int, ...]:
    """Return where in a table of `size` weights (a power of two) the features are."""
    return tuple(crc32(feature.encode()) & (size - 1) for feature in features)


def fit(
    examples: Sequence[Example],
    size: int,
    random: Random,
    *,
    rounds: int = 3,
    rate: float = 0.25,
    shrink: float = 2e-6,
) -> Weights:
    """Return weights fitted with AdaGrad; the order of examples is shuffled by `random` alone."""
    weights = [0.0] * size
    squares = [1e-2] * size
    order = list(range(len(examples)))
    for _ in range(rounds):
        random.shuffle(order)
        for index in order:
            features, label = examples[index]
            score = 0.0
            for at in features:
                score += weights[at]
            error = 1.0 / (1.0 + exp(-score if -35 < score < 35 else (-35 if score > 0 else 35))) - label
            if -0.002 < error < 0.002:
                continue
            square = error * error
            for at in features:
                squares[at] += square
                weights[at] -= rate * (error + shrink * weights[at]) / sqrt(squares[at])
    return quantised(weights)


def quantised(weights: Sequence[float]) -> Weights:
    """Return `weights` as signed bytes of a common scale."""
    largest = max(map(abs, weights)) or 1.0
    scale = min(largest, 6.0) / 127
    return Weights(array("b", (max(-127, min(127, round(weight / scale))) for weight in weights)), scale)
