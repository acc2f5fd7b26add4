"""The recogniser's model file: word sets as hashes and weights as signed bytes, with a version and a checksum."""

import hashlib
import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import exp
from zlib import crc32

MAGIC = b"CFRECOG\0"
VERSION = 1
_HEADER = struct.Struct("<8sHH32s")  # magic, version, sections, SHA-256 of the sections' number and bytes
_SECTION = struct.Struct("<8scfI")  # name, type (I: hashes, b: weights), scale of a weight, bytes


class ModelError(ValueError):
    """The model file is not one, is of another version, or is damaged."""


@dataclass(frozen=True)
class Weights:
    """One linear model: a weight is `table[crc32(feature) & mask] * scale`."""

    table: "array[int]"
    scale: float

    def sum(self, features: Sequence[str]) -> float:
        """Return the summed weight of `features`."""
        table = self.table
        mask = len(table) - 1
        return self.scale * sum(table[crc32(feature.encode()) & mask] for feature in features)


@dataclass(frozen=True)
class Model:
    """All that training made: `words` by name as sets of word hashes, `weights` by name."""

    words: Mapping[str, frozenset[int]]
    weights: Mapping[str, Weights]

    def knows(self, name: str, word: str) -> bool:
        """Say whether the set `name` holds `word`, whatever its case."""
        return word_hash(word) in self.words[name]


def word_hash(word: str) -> int:
    """Return the 32-bit hash under which the word sets hold `word`, whatever its case."""
    return crc32(word.lower().encode("utf-8", "surrogatepass"))


def probability(score: float) -> float:
    """Return the logistic function of `score`, safe for any size."""
    return 1.0 / (1.0 + exp(-max(-40.0, min(40.0, score))))


def _little_endian(values: "array[int]") -> "array[int]":
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        values = values[:]
        values.byteswap()
    return values


def _digest(count: int, body: bytes | bytearray | memoryview) -> bytes:
    checksum = hashlib.sha256(count.to_bytes(2, "little"))
    checksum.update(body)
    return checksum.digest()


def dump(model: Model) -> bytes:
    """Return `model` as the bytes of a model file; the same model gives the same bytes."""
    body = bytearray()
    for name, hashes in sorted(model.words.items()):
        data = _little_endian(array("I", sorted(hashes))).tobytes()
        body += _SECTION.pack(name.encode(), b"I", 0.0, len(data)) + data
    for name, weights in sorted(model.weights.items()):
        data = weights.table.tobytes()
        body += _SECTION.pack(name.encode(), b"b", weights.scale, len(data)) + data
    count = len(model.words) + len(model.weights)
    return _HEADER.pack(MAGIC, VERSION, count, _digest(count, body)) + body


def parse(data: bytes) -> Model:
    """Return the model in `data`. Raises ModelError when it is no model file of this version, or is damaged."""
    if len(data) < _HEADER.size or not data.startswith(MAGIC):
        raise ModelError("not a recogniser model: the file does not start with its magic bytes")
    _, version, count, digest = _HEADER.unpack_from(data)
    if version != VERSION:
        raise ModelError(f"recogniser model of version {version}, expected {VERSION}: train it again")
    if _digest(count, memoryview(data)[_HEADER.size :]) != digest:
        raise ModelError("recogniser model is damaged: its checksum does not match")
    words: dict[str, frozenset[int]] = {}
    weights: dict[str, Weights] = {}
    at = _HEADER.size
    for _ in range(count):
        raw_name, kind, scale, size = _SECTION.unpack_from(data, at)
        at += _SECTION.size
        name = raw_name.rstrip(b"\0").decode()
        values: array[int] = array("I" if kind == b"I" else "b")
        values.frombytes(data[at : at + size])
        if kind == b"I":
            words[name] = frozenset(_little_endian(values))
        else:
            weights[name] = Weights(values, scale)
        at += size
    return Model(words, weights)


@cache
def shipped() -> Model:
    """Return the model that is part of the package, read once."""
    return parse((resources.files(__package__) / "model.bin").read_bytes())
