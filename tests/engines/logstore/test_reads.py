"""What is appended comes back: in order, from any place, whatever is in memory and whatever in segments."""

import random

import pytest

from coldframe.engines.logstore.errors import StoreLocked, WrongMasterKey
from coldframe.engines.logstore.rows import Event, Position
from coldframe.engines.logstore.store import LogStore


def fill(store: LogStore, seed: int, batches: int, flushes: float = 0.03) -> list[tuple]:
    """Append random batches to three streams, flushing now and then, and return the rows expected."""
    draw = random.Random(seed)
    expected = []
    for _ in range(batches):
        stream = draw.choice("abc")
        at = draw.randrange(5000)
        events = [
            Event(at + draw.randrange(50), draw.randrange(9), f"m{draw.random()}")
            for _ in range(draw.randrange(1, 9))
        ]
        first = store.append("g", stream, events).first_sequence
        expected += [(e.timestamp, first + i, stream, e.message, e.ingestion) for i, e in enumerate(events)]
        if draw.random() < flushes:
            store.flush()
    return sorted(expected)


def plain(rows) -> list[tuple]:
    return [(row.timestamp, row.sequence, row.stream, row.message, row.ingestion) for row in rows]


@pytest.mark.parametrize(
    ("seed", "flushes"), [(0, 0.0), (1, 0.03), (2, 0.3)], ids=["memory", "mixed", "merged"]
)
def test_any_read_gives_what_a_sorted_list_gives(open_store, seed: int, flushes: float) -> None:
    store = open_store()
    expected = fill(store, seed, 150, flushes)
    draw = random.Random(seed)
    for _ in range(60):
        start, end = sorted((draw.randrange(5100), draw.randrange(5100)))
        streams = draw.choice((None, {"a"}, {"b", "c"}, {"nowhere"}))
        descending = draw.random() < 0.5
        after = Position(*draw.choice(expected)[:2]) if draw.random() < 0.5 else None
        wanted = [
            row
            for row in expected
            if start <= row[0] < end
            and (streams is None or row[2] in streams)
            and (after is None or (row[:2] < after if descending else row[:2] > after))
        ]
        rows = store.scan("g", streams=streams, start=start, end=end, after=after, descending=descending)
        assert plain(rows) == (wanted[::-1] if descending else wanted)
    assert len(store.problems()) == 0


def test_reopening_gives_the_same_rows(open_store) -> None:
    store = open_store()
    expected = fill(store, 7, 60)
    store.append("other", "s", [Event(1, 1, "elsewhere")])
    for _ in range(3):
        store.close()
        store = open_store()
        assert plain(store.scan("g")) == expected
        assert [row.message for row in store.scan("other")] == ["elsewhere"]
    first = store.append("g", "a", [Event(1, 1, "later")]).first_sequence
    assert first > max(row[1] for row in expected)


def test_a_token_goes_on_exactly_where_it_stood_while_events_come_in(open_store, event) -> None:
    store = open_store()
    for at in range(100):
        store.append("g", "s", [event(at, f"old {at}")])
    page = [row for _, row in zip(range(40), store.scan("g"), strict=False)]
    store.append("g", "s", [event(5, "late for the page"), event(70, "in time")])
    store.flush()
    rest = list(store.scan("g", after=page[-1].position))
    assert [row.timestamp for row in page + rest] == sorted([*range(100), 70])
    assert "late for the page" not in [row.message for row in rest]


def test_contains_gives_the_rows_with_the_text_from_memory_and_segments(open_store, event) -> None:
    store = open_store()
    for at in range(50):
        store.append("g", "s", [event(at, f"line {at} {'ERROR' if at % 7 == 0 else 'fine'}")])
        if at == 25:
            store.flush()
    found = [ts for part in store.scan_batches("g", contains="ERROR", descending=True) for ts in part.ts]
    assert found == [at for at in range(49, -1, -1) if at % 7 == 0]


def test_spans_and_unicode_survive_the_log_and_a_segment(open_store) -> None:
    store = open_store()
    spans = ((0, 2, 5), (3, 4, 99))
    store.append("g", "s", [Event(-5, 2, "日本 💧 \x00 tab\t", spans), Event(0, 2, "")])
    for _ in range(2):
        rows = list(store.scan("g"))
        assert [(row.timestamp, row.message, row.spans) for row in rows] == [
            (-5, "日本 💧 \x00 tab\t", spans),
            (0, "", ()),
        ]
        store.flush()


def test_stream_facts_agree_before_and_after_flush_and_restart(open_store, event) -> None:
    store = open_store()
    store.append("g", "s", [event(10, "abc", ingestion=70), event(30, "é", ingestion=70)])
    store.append("g", "s", [event(20, "abcd", ingestion=80)])
    store.append("g", "t", [event(5, "x")])
    for step in range(3):
        assert store.streams("g")["s"] == (10, 30, 80, 9, 3)
        assert store.group_bytes("g") == 10
        assert store.streams("none") == {}
        if step == 0:
            store.flush()
        else:
            store.close()
            store = open_store()


def test_a_second_open_is_refused_and_names_the_directory(open_store, tmp_path) -> None:
    open_store()
    with pytest.raises(StoreLocked, match=str(tmp_path)):
        open_store()


def test_another_master_key_is_refused_and_changes_nothing(open_store, event) -> None:
    store = open_store()
    store.append("g", "s", [event(1)])
    store.close()
    with pytest.raises(WrongMasterKey):
        open_store(master=b"x" * 32)
    assert len(list(open_store().scan("g"))) == 1


def test_a_lone_surrogate_is_refused_before_anything_is_stored(open_store) -> None:
    store = open_store()
    with pytest.raises(ValueError, match="Unicode"):
        store.append("g", "s", [Event(1, 1, "\ud800")])
    assert list(store.scan("g")) == []
