"""A copy made while others write holds everything that was acknowledged before it began."""

import threading

from coldframe.engines.logstore.backup import copy


def messages(store, group="g"):
    return [row.message for row in store.scan(group)]


def test_the_copy_holds_log_and_segments(tmp_path, open_store, event):
    store = open_store(tmp_path / "store")
    store.append("g", "s", [event(1, "in a segment"), event(2, "hidden ****", secret="hidden 1234")])
    store.flush()
    store.append("g", "s", [event(3, "in the log")])
    copy(tmp_path / "store", tmp_path / "copy")
    copied = open_store(tmp_path / "copy")
    assert messages(copied) == messages(store)
    assert len(messages(copied)) == 3
    row = list(copied.scan("g"))[1]
    assert copied.unseal("g", row) == store.unseal("g", list(store.scan("g"))[1])


def test_writers_and_merges_go_on_meanwhile(tmp_path, open_store, event):
    store = open_store(tmp_path / "store", memory=20_000)
    acknowledged = 0
    stop = threading.Event()

    def write():
        nonlocal acknowledged
        while not stop.is_set():
            store.append("g", "s", [event(acknowledged, f"event {acknowledged} " + "x" * 100)])
            acknowledged += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            while acknowledged < 200 * (number + 1):
                stop.wait(0.01)
            before = acknowledged
            copy(tmp_path / "store", tmp_path / f"copy{number}")
            found = messages(open_store(tmp_path / f"copy{number}"))
            assert len(found) >= before
            assert [text.split()[1] for text in found] == [str(index) for index in range(len(found))]
    finally:
        stop.set()
        writer.join()
