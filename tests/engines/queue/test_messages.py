"""Queues of the message store: one reader at a time, order within groups, repetitions, dead letters, expiry."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldframe.engines.queue import DeadLetters, Duplicate, Message, MessageStore, New, Reading
from coldframe.engines.queue.reading import TooManyInFlight


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MessageStore]:
    opened = MessageStore(tmp_path / "messages" / "messages.sqlite3")
    yield opened
    opened.close()


def send(store: MessageStore, *bodies: str, queue: str = "q", group: str = "", now: int = 0) -> None:
    store.send(queue, [New(f"id-{body}", body.encode(), now, group) for body in bodies], now)


def read(
    store: MessageStore, now: int = 1, queue: str = "q", limit: int = 10, **more: object
) -> list[Message]:
    return store.receive(queue, Reading(now=now, hidden_until=now + 100, limit=limit, **more))  # type: ignore[arg-type]


def bodies(messages: list[Message]) -> list[str]:
    return [message.body.decode() for message in messages]


def delete(store: MessageStore, *messages: Message, queue: str = "q") -> list[bool]:
    return store.delete(queue, [(message.sequence, message.receives) for message in messages])


def test_a_message_that_is_being_read_is_hidden_until_its_time_and_gone_when_deleted(store) -> None:
    send(store, "a")
    (first,) = read(store, now=1)
    assert (first.body, first.receives, first.first_received) == (b"a", 1, 1)
    assert read(store, now=100) == []
    assert store.next_visible("q", 100) == 101
    (again,) = read(store, now=101)
    assert (again.receives, again.first_received) == (2, 1)
    assert delete(store, first) == [False], "it has been read again since"
    assert delete(store, again) == [True]
    assert read(store, now=1000) == []


def test_a_message_is_deleted_by_an_earlier_reading_where_that_is_asked_for(store) -> None:
    send(store, "a", "b")
    first, _ = read(store, now=1)
    read(store, now=200)
    place = (first.sequence, first.receives)
    assert store.delete("q", [place]) == [False]
    assert store.delete("q", [place], earlier_too=True) == [True]
    assert bodies(read(store, now=400)) == ["b"]


def test_no_two_of_eight_readers_get_the_same_message(store) -> None:
    for number in range(20):
        send(store, *(f"{number}-{i}" for i in range(20)))
    got: list[str] = []

    def work() -> None:
        while messages := read(store, limit=3):
            got.extend(bodies(messages))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 400
    assert len(set(got)) == 400


def test_each_group_keeps_its_order_under_four_readers(store) -> None:
    for number in range(60):
        send(store, str(number), group=f"g{number % 5}")
    got: list[tuple[str, int]] = []
    lock = threading.Lock()

    def work() -> None:
        while store.counts("q", 1).available + store.counts("q", 1).in_flight:
            messages = read(store, ordered=True, limit=2)
            with lock:
                got.extend((message.group, int(message.body)) for message in messages)
            delete(store, *messages)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 60
    for group in range(5):
        numbers = [number for name, number in got if name == f"g{group}"]
        assert numbers == sorted(numbers)
        assert len(numbers) == 12


def test_a_group_is_locked_while_one_of_its_messages_is_read_and_another_group_is_not(store) -> None:
    send(store, "1", "2", group="a")
    send(store, "3", group="b")
    (one,) = read(store, ordered=True, limit=1)
    assert bodies([one]) == ["1"]
    assert bodies(read(store, ordered=True)) == ["3"]
    delete(store, one)
    assert bodies(read(store, ordered=True)) == ["2"]


def test_a_delayed_message_does_not_hold_up_earlier_ones_of_its_group(store) -> None:
    send(store, "now", group="a")
    store.send("q", [New("later", b"later", 50, "a")], 0)
    (first,) = read(store, ordered=True)
    delete(store, first)
    assert read(store, now=49, ordered=True) == []
    assert bodies(read(store, now=50, ordered=True)) == ["later"]


def test_a_repetition_is_answered_with_the_first_and_not_kept(store) -> None:
    def again(now: int, scope: str = "") -> tuple[str, bool]:
        new = New(f"id-{now}", b"body", now, "g", Duplicate(scope, "d", now + 300))
        (sent,) = store.send("q", [new], now)
        return sent.id, sent.repeated

    assert again(0) == ("id-0", False)
    assert again(299) == ("id-0", True)
    assert again(10, scope="other") == ("id-10", False)
    assert again(300) == ("id-300", False)
    assert store.counts("q", 1000).available == 3


def test_what_was_read_too_often_is_moved_with_its_history(store) -> None:
    dead = DeadLetters("dead", most=2, origin="q-arn")
    send(store, "a", "b")
    for round_ in (0, 1):
        assert len(read(store, now=1 + 100 * round_, dead_letters=dead)) == 2
    assert read(store, now=201, dead_letters=dead) == []
    moved = read(store, now=202, queue="dead")
    assert sorted(bodies(moved)) == ["a", "b"]
    assert {(m.origin, m.receives, m.earlier, m.sent) for m in moved} == {("q-arn", 1, 2, 0)}
    assert store.counts("q", 202) == (0, 0, 0, 0, 0)


def test_messages_go_back_where_they_came_from(store) -> None:
    dead = DeadLetters("dead", most=1, origin="from-q")
    send(store, "a", "b", "c")
    read(store, dead_letters=dead)
    read(store, now=200, dead_letters=dead)
    assert store.move("dead", {"from-q": "q"}, 300, 2) == (2, frozenset({"q"}), 0)
    assert store.move("dead", {"from-elsewhere": "q"}, 300, 2).left == 1
    assert store.counts("q", 300).available == 2


def test_the_same_attempt_gets_the_same_messages(store) -> None:
    send(store, "1", "2", group="a")
    first = read(store, now=1, ordered=True, attempt="x", attempt_until=300)
    again = read(store, now=50, ordered=True, attempt="x", attempt_until=300)
    assert again == first
    assert read(store, now=101, ordered=True) == [], "the second try hid them anew"
    assert len(read(store, now=150, ordered=True, attempt="y", attempt_until=450)) == 2


def test_expired_messages_are_gone(store) -> None:
    send(store, "old", now=0)
    send(store, "new", now=50)
    assert bodies(read(store, now=60, expired=50)) == ["new"]
    send(store, "older", now=10)
    assert store.clear("q", before=50) == 1


def test_no_more_than_the_limit_are_in_flight(store) -> None:
    send(store, "a", "b", "c")
    read(store, limit=2, most_in_flight=2)
    with pytest.raises(TooManyInFlight):
        read(store, most_in_flight=2)
    assert len(read(store, now=101, most_in_flight=2)) == 3


def test_visibility_changes_only_for_who_reads_it(store) -> None:
    send(store, "a")
    (message,) = read(store)
    place = (message.sequence, message.receives)
    assert store.change_visibility("q", place, 1, unless_ended=1)
    assert not store.change_visibility("q", place, 500, unless_ended=1), "it is to be read by anybody"
    assert not store.change_visibility("q", (999, 1), 500)
    assert len(read(store, now=1)) == 1


def test_who_waits_is_woken_by_a_message_and_not_before(store) -> None:
    with store.watch("q") as event:
        assert not event.wait(0.05)
        send(store, "elsewhere", queue="other")
        assert not event.is_set()
        threading.Timer(0.05, send, (store, "a")).start()
        assert event.wait(5)


def test_a_failed_change_does_not_touch_those_committed_with_it(store) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            if number % 2:
                store.send("q", [New("x", None, 0)], 0)  # type: ignore[arg-type]
            else:
                send(store, str(number))
        except TypeError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 10
    assert store.counts("q", 0).available == 10


def test_a_reading_that_hides_nothing_still_gives_each_message_once(store) -> None:
    send(store, "dead", "a", "b")
    dead = DeadLetters("dead", most=1, origin="q")
    store.receive("q", Reading(now=1, hidden_until=1, limit=1))
    found = store.receive("q", Reading(now=2, hidden_until=2, limit=10, dead_letters=dead))
    assert sorted(bodies(found)) == ["a", "b"]
    assert {message.receives for message in found} == {1}


def test_senders_that_are_committed_together_are_each_told_of_their_own(store) -> None:
    told: dict[str, int] = {}

    def work(number: int) -> None:
        for turn in range(20):
            new = [New(f"{number}-{turn}-{place}", b"%d" % number, 0) for place in range(1 + turn % 10)]
            for sent in store.send(f"q{number % 3}", new, 0):
                told[sent.id] = sent.sequence

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {}
    for queue in ("q0", "q1", "q2"):
        for message in store.receive(queue, Reading(1, 1000, limit=10_000)):
            found[message.id] = message.sequence
            assert message.body == message.id.split("-")[0].encode()
    assert found == told
    assert len(told) == 8 * 110


def test_more_messages_than_one_statement_takes(store) -> None:
    new = [New(str(number), b"%d" % number, 0) for number in range(2345)]
    sent = store.send("q", new, 0)
    assert [each.id for each in sent] == [each.id for each in new]
    found = store.receive("q", Reading(1, 1000, limit=10_000))
    assert [(each.id, each.sequence) for each in found] == [(each.id, each.sequence) for each in sent]
    assert all(each.body == each.id.encode() for each in found)
