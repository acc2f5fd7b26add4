"""Checksums: the published check values, and long messages against the plain bit-by-bit definition."""

import random

import pytest

from coldframe.core.checksums import combined, running

# The check values of the catalogue of CRC algorithms: the checksum of the ASCII digits 1 to 9.
CHECKS = {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


# XXH64, XXH3_64bits and XXH3_128bits of nothing with seed 0, from the test suite of xxHash.
EMPTY = {
    "XXHASH64": "ef46db3751d8e999",
    "XXHASH3": "2d06800538d394c2",
    "XXHASH128": "99aa06d3014798d86001c324468d497f",
}


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_hash_of_nothing(name: str) -> None:
    assert running(name).digest().hex() == EMPTY[name]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_check_value(name: str) -> None:
    found = running(name)
    found.update(b"123456789")
    assert found.digest().hex() == CHECKS[name]


def plain(data: bytes, polynomial: int, bits: int) -> bytes:
    register = (1 << bits) - 1
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ polynomial if register & 1 else register >> 1
    return (register ^ ((1 << bits) - 1)).to_bytes(bits // 8, "big")


@pytest.mark.parametrize(
    "name, polynomial, bits", [("CRC32C", 0x82F63B78, 32), ("CRC64NVME", 0x9A6C9329AC4BC9B5, 64)]
)
def test_long_messages_in_any_cut(name: str, polynomial: int, bits: int) -> None:
    rng = random.Random(1)
    for size in (0, 1, 255, 256, 257, 258, 511, 512, 513, 1000, 4096, 9999):
        data = rng.randbytes(size)
        found, cut = running(name), running(name)
        found.update(data)
        at = 0
        while at < size:
            step = rng.choice((1, 3, 255, 300, 2000))
            cut.update(data[at : at + step])
            at += step
        assert found.digest() == cut.digest() == plain(data, polynomial, bits)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_two_checksums_make_the_one_of_both_messages(name: str) -> None:
    data = random.Random(2).randbytes(5000)
    for cut in (0, 1, 300, 4999, 5000):
        first, second, whole = running(name), running(name), running(name)
        first.update(data[:cut])
        second.update(data[cut:])
        whole.update(data)
        assert combined(name, first.digest(), second.digest(), len(data) - cut) == whole.digest()
