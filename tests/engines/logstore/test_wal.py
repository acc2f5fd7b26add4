"""The log after a crash: the torn tail is cut at any byte, damage inside is named and passed over."""

from pathlib import Path

import pytest

from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.wal import Record, WalWriter, found, frame, records, wal_path


def written(directory: Path, payloads: list[bytes]) -> bytes:
    writer = WalWriter(directory, Disk(), 1, None)
    for payload in payloads:
        writer.commit(frame(payload))
    writer.close()
    return wal_path(directory, 1).read_bytes()


def read(directory: Path) -> list[bytes | str]:
    return [
        item.payload if isinstance(item, Record) else "damage"
        for file in found(directory)
        for item in records(file)
    ]


@pytest.mark.parametrize("tail", [b"", bytes(300), b"\xff" * 300])
def test_a_record_torn_at_any_byte_is_cut_and_those_before_it_stay(tmp_path, tail: bytes) -> None:
    whole = written(tmp_path, [b"first", b"second", b"third" * 20])
    without = len(written(tmp_path, [b"first", b"second"]))
    for length in range(without, len(whole)):
        wal_path(tmp_path, 1).write_bytes(whole[:length] + tail)
        assert read(tmp_path) == [b"first", b"second"], length
    wal_path(tmp_path, 1).write_bytes(whole + tail)
    assert read(tmp_path) == [b"first", b"second", b"third" * 20]


def test_any_flipped_byte_of_a_middle_record_is_named_and_the_rest_is_read(tmp_path) -> None:
    before = len(written(tmp_path, [b"first"]))
    after = len(written(tmp_path, [b"first", b"second"]))
    whole = written(tmp_path, [b"first", b"second", b"third"])
    for at in range(before, after):
        damaged = bytearray(whole)
        damaged[at] ^= 0x41
        wal_path(tmp_path, 1).write_bytes(damaged)
        got = read(tmp_path)
        assert got[0] == b"first", at
        assert got[-1] == b"third", at
        assert "damage" in got, at
        assert b"second" not in got, at


def test_the_next_file_says_how_much_of_the_one_before_counts(tmp_path) -> None:
    writer = WalWriter(tmp_path, Disk(), 1, None)
    writer.commit(frame(b"kept"))
    valid = wal_path(tmp_path, 1).stat().st_size
    writer.rotate()
    writer.commit(frame(b"next"))
    writer.close()
    refused = (
        written(tmp_path / "other", [b"kept", b"refused"]) if (tmp_path / "other").mkdir() is None else b""
    )
    wal_path(tmp_path, 1).write_bytes(refused)
    assert len(refused) > valid
    assert read(tmp_path) == [b"kept", b"next"]


def test_a_refused_sync_ends_the_file_and_the_record_does_not_come_back(tmp_path) -> None:
    class Failing(Disk):
        refuse = False

        def sync(self, descriptor: int) -> None:
            if self.refuse:
                raise OSError(5, "Input/output error")
            super().sync(descriptor)

        def truncate(self, descriptor: int, length: int) -> None:
            raise OSError(5, "Input/output error")

    disk = Failing()
    writer = WalWriter(tmp_path, disk, 1, None)
    writer.commit(frame(b"kept"))
    disk.refuse = True
    with pytest.raises(OSError, match="Input/output"):
        writer.commit(frame(b"refused"))
    disk.refuse = False
    writer.commit(frame(b"after"))
    writer.close()
    assert b"refused" in wal_path(tmp_path, 1).read_bytes()
    assert read(tmp_path) == [b"kept", b"after"]


def test_a_file_with_a_torn_header_counts_as_empty(tmp_path) -> None:
    written(tmp_path, [b"first"])
    wal_path(tmp_path, 2).write_bytes(b"CFWAL")
    assert read(tmp_path) == [b"first"]


def test_a_record_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="larger"):
        frame(bytes(64 * 1024 * 1024 + 1))


def test_damage_is_told_with_file_and_offset(tmp_path) -> None:
    before = len(written(tmp_path, [b"first"]))
    whole = bytearray(written(tmp_path, [b"first", b"second", b"third"]))
    whole[before + 30] ^= 1
    wal_path(tmp_path, 1).write_bytes(whole)
    damage = [item for item in records(found(tmp_path)[0]) if isinstance(item, CorruptBlock)]
    assert (damage[0].file, damage[0].offset) == (wal_path(tmp_path, 1).name, before)
