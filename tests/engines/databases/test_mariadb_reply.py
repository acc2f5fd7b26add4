"""Following replies of MariaDB: whatever pieces they come in, the end is found and the client gets the same bytes."""

import itertools
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint.reply import Phase, Reply
from coldframe.engines.mariadb.endpoint.statements import Leaves, leaves

CAPABILITIES = wire.PROTOCOL_41 | wire.SESSION_TRACK
EOF = b"\xfe\0\0"


def packets(*payloads):
    return b"".join(wire.framed(payload, number + 1) for number, payload in enumerate(payloads))


def result(rows, status=2):
    """A result set of one column, with rows of these lengths."""
    end = EOF + struct.pack("<H", status)
    values = [wire.counted(bytes((number % 256,)) * length) for number, length in enumerate(rows)]
    return [b"\x01", b"\x03def" + b"x" * 40, end, *values, end]


def fed(data, cuts, *, strip=False, phase=Phase.FIRST):
    reply = Reply(CAPABILITIES, strip=strip)
    reply.expect(phase)
    out = b""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for begin, end in itertools.pairwise(places):
        assert not reply.done, "it ended before its end"
        out += reply.feed(data[begin:end])
    return reply, out


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 300) | st.just(70000), max_size=12),
    st.lists(st.integers(0, 1 << 20), max_size=30),
    st.sampled_from([2, 3, 0x22]),
)
def test_a_result_is_passed_on_as_it_is_and_its_end_is_seen(rows, cuts, status):
    data = packets(*result(rows, status))
    reply, out = fed(data, cuts)
    assert out == data
    assert reply.done
    assert reply.status == status


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=20))
def test_several_results_are_one_reply(cuts):
    payloads = [
        *result([3, 5], 2 | wire.MORE_RESULTS),
        b"\0\x01\0" + struct.pack("<HH", 2 | wire.MORE_RESULTS, 0),
    ]
    data = packets(*payloads, *result([], 2 | wire.IN_TRANSACTION))
    reply, out = fed(data, cuts)
    assert out == data
    assert reply.done
    assert reply.status & wire.IN_TRANSACTION


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=20))
def test_changes_of_state_are_kept_from_clients_that_did_not_ask_for_them(cuts):
    change = wire.counted(b"time_zone") + wire.counted(b"+01:00")
    tracked = wire.counted(b"\0" + wire.counted(change))
    ok = b"\0\0\0" + struct.pack("<HH", 2 | wire.STATE_CHANGED, 0) + wire.counted(b"") + tracked
    reply, out = fed(packets(ok), cuts, strip=True)
    assert reply.done
    assert reply.changes == [(0, change)]
    assert out == packets(b"\0\0\0" + struct.pack("<HH", 2, 0))
    kept, out = fed(packets(ok), cuts)
    assert (kept.changes, out) == ([(0, change)], packets(ok))


@settings(deadline=None, max_examples=8)
@given(st.lists(st.integers(0, 1 << 25), max_size=6))
def test_a_value_of_more_than_16_mebibytes_is_several_packets_of_one_row(cuts):
    # Its continuation begins with the bytes of an end, and is none.
    row = b"\xfe" + (0xFFFFFF + 1000).to_bytes(8, "little")
    first = row + b"v" * (0xFFFFFF - len(row))
    rest = EOF + b"\x02\0" + b"v" * 1000
    head, end = result([])[:3], result([])[-1]
    data = packets(*head) + wire.framed(first, 4) + wire.framed(rest, 5) + wire.framed(end, 6)
    reply, out = fed(data, cuts)
    assert reply.done
    assert out == data


@settings(deadline=None)
@given(st.lists(st.integers(0, 500), max_size=10), st.integers(0, 3), st.integers(0, 3))
def test_a_prepared_statement_ends_with_its_definitions(cuts, columns, parameters):
    definition, end = b"\x03def" + b"y" * 30, EOF + b"\x02\0"
    head = b"\0" + struct.pack("<IHHBH", 7, columns, parameters, 0, 0)
    payloads = [head]
    for count in (parameters, columns):
        payloads += [definition] * count + [end] * bool(count)
    data = packets(*payloads)
    reply, out = fed(data, cuts, phase=Phase.PREPARED)
    assert reply.done
    assert out == data
    assert reply.prepared == head


def test_an_error_in_the_midst_of_rows_ends_a_reply():
    data = packets(*result([1, 2])[:-1], wire.error(1317, "70100", "Query execution was interrupted"))
    reply, out = fed(data, [])
    assert reply.done
    assert reply.failed
    assert out == data


def test_what_a_statement_leaves_is_seen_wherever_it_says_so():
    for text, what in (
        (b"SELECT 1", Leaves.NOTHING),
        (b"insert into t values ('temporary; prepare')", Leaves.NOTHING),
        (b"SET @a = 1", Leaves.VARIABLES),
        (b"select Get_Lock('x', 1)", Leaves.NAMED_LOCK),
        (b"-- note\ncreate TEMPORARY table t (i int)", Leaves.TEMPORARY_TABLE),
        (b"select 1 /*!50000 ; lock tables t read */", Leaves.TABLE_LOCKS),
        (b"FLUSH TABLES WITH READ LOCK", Leaves.TABLE_LOCKS),
        (b"XA START 'x'", Leaves.GLOBAL_TRANSACTION),
        (b"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", Leaves.ONE_SHOT),
        (b"call p()", Leaves.OPAQUE),
    ):
        assert leaves(text, several=False) == what, text
    assert leaves(b"select 1; handler t open", several=True) == Leaves.HANDLER


def test_a_proof_gives_the_digest_that_signs_in_elsewhere():
    salt, half = b"0123456789abcdefghij", wire.half("secret")
    proof = wire.prove(half, salt)
    assert wire.unwrap(proof, salt, wire.stored(half)) == half
    assert wire.unwrap(proof, salt, wire.stored(wire.half("other"))) is None
    assert wire.prove(b"", salt) == b""


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 300), max_size=12),
    st.integers(0, 5000),
    st.sampled_from([2, 3, 2 | wire.MORE_RESULTS, 2 | wire.CURSOR_EXISTS]),
    st.booleans(),
)
def test_a_whole_result_is_known_at_a_glance_and_a_part_of_one_is_not(rows, cut, status, modern):
    capabilities = CAPABILITIES | (wire.DEPRECATE_EOF if modern else 0)
    payloads = result(rows, status)
    if modern:
        del payloads[2]
        payloads[-1] = b"\xfe\0\0" + struct.pack("<HH", status, 0)
    data = packets(*payloads)
    reply = Reply(capabilities, strip=True)
    assert reply.whole_result(data) == (status in {2, 3})
    assert reply.done == (status in {2, 3})
    if reply.done:
        assert reply.status == status
    part = Reply(capabilities, strip=True)
    cut %= len(data)
    assert not part.whole_result(data[:cut])
    # What it did not know it has not begun to follow.
    part.feed(data[:cut])
    assert part.feed(data[cut:]) is not None
    assert part.done == (status != 2 | wire.MORE_RESULTS)


def test_an_error_amid_rows_is_not_taken_for_a_result():
    payloads = [*result([5, 5])[:-1], wire.error(1317, "70100", "Query execution was interrupted")]
    reply = Reply(CAPABILITIES, strip=False)
    assert not reply.whole_result(packets(*payloads))
    reply.feed(packets(*payloads))
    assert reply.done
    assert reply.failed
