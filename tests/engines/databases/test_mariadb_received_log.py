"""What a replica may have received, read from logs that are written here as MariaDB's documentation describes them."""

import struct

import pytest

from coldframe.engines.database import DatabaseError
from coldframe.engines.mariadb.received_log import received

GTID, GTID_LIST, QUERY, XID, TABLE_MAP, ENCRYPTED = 162, 163, 2, 16, 19, 164


def event(kind, body=b"", server=7):
    return struct.pack("<IBIIIH", 0, kind, server, 19 + len(body), 0, 0) + body


def transaction(number, server=7):
    begun = event(GTID, struct.pack("<QIB6x", number, 0, 0), server)
    return begun + event(TABLE_MAP, bytes(30), server) + event(XID, bytes(8), server)


def listed(*gtids):
    entries = b"".join(struct.pack("<IIQ", *each) for each in gtids)
    return event(GTID_LIST, struct.pack("<I", len(gtids)) + entries)


@pytest.fixture
def log(tmp_path):
    def write(name, *events):
        (tmp_path / name).write_bytes(b"\xfebin" + b"".join(events))
        return tmp_path

    return write


def test_the_newest_binary_log_and_all_relay_logs_count(log):
    log("binlog.999999", transaction(90))
    log("binlog.1000000", listed((0, 7, 100), (3, 9, 4)), transaction(101))
    log("relay.000001", transaction(102))
    folder = log("relay.000002", listed((0, 7, 500)), transaction(103))
    assert received(folder) == "0-7-103,3-9-4"


def test_what_lies_beside_the_logs_is_none(log):
    folder = log("binlog.000001", transaction(5))
    for name in ("binlog.000001.idx", "binlog.index", "binlog.~rec~", "relay.index"):
        (folder / name).write_bytes(b"something else that is longer than a head of an event")
    assert received(folder) == "0-7-5"


def test_a_transaction_that_is_not_whole_was_not_acknowledged(log):
    whole = transaction(6)
    for length in range(len(whole)):
        folder = log("relay.000001", transaction(5), whole[:length])
        assert received(folder) == "0-7-5"
    (folder / "relay.000002").write_bytes(b"\xfeb")
    assert received(folder) == "0-7-5"


def test_a_statement_ends_a_transaction_at_the_latest(log):
    begun = event(GTID, struct.pack("<QIB6x", 8, 0, 0))
    assert received(log("relay.000001", begun, event(QUERY, bytes(20)))) == "0-7-8"


@pytest.mark.parametrize(
    "content", [event(ENCRYPTED, bytes(20)), struct.pack("<IBIIIH", 0, QUERY, 7, 3, 0, 0)]
)
def test_what_cannot_be_read_to_its_end_says_nothing(log, content):
    folder = log("relay.000001", transaction(5), content, transaction(6))
    with pytest.raises(DatabaseError, match=r"relay\.000001 cannot be read to its end"):
        received(folder)


def test_what_is_no_log_says_nothing(log):
    folder = log("relay.000001", transaction(5))
    (folder / "relay.000002").write_bytes(b"\xfdbinlog")
    with pytest.raises(DatabaseError, match=r"relay\.000002 is no log"):
        received(folder)
