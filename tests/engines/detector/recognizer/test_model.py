"""The model file: its checksum, its version, and what training and loading make of it."""

from array import array
from importlib import resources

import pytest

from coldframe.engines.detector.recognizer import model as files
from coldframe.engines.detector.recognizer.model import Model, ModelError, Weights, dump, parse, word_hash


@pytest.fixture
def small():
    return Model(
        {"given": frozenset({word_hash("anna")})}, {"name": Weights(array("b", [1, -2, 3, -4]), 0.5)}
    )


def test_the_shipped_model_is_whole_and_small():
    data = (resources.files("coldframe.engines.detector.recognizer") / "model.bin").read_bytes()
    model = parse(data)
    assert len(data) < 600_000
    assert dump(model) == data
    assert set(model.words) == {"given", "family", "common", "place"}
    assert set(model.weights) == {"name", "address"}
    assert model.knows("given", "Anna")
    assert not model.knows("given", "Kubernetes")


def test_a_model_comes_back_as_it_was_written(small):
    again = parse(dump(small))
    assert again.words == small.words
    assert again.weights["name"].table == small.weights["name"].table
    assert again.knows("given", "ANNA")


def test_each_changed_byte_is_noticed(small):
    data = dump(small)
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 1
        with pytest.raises(ModelError):
            parse(bytes(broken))


def test_a_file_cut_short_is_noticed(small):
    data = dump(small)
    for size in range(len(data)):
        with pytest.raises(ModelError):
            parse(data[:size])


def test_another_version_says_so(small, monkeypatch):
    data = dump(small)
    monkeypatch.setattr(files, "VERSION", 2)
    with pytest.raises(ModelError, match="version 1, expected 2"):
        parse(data)
