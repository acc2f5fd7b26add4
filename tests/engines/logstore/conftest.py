"""A store in a temporary directory, opened as often as a test asks, and closed at its end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore, Settings

MASTER = bytes(range(32))
NOON = 1_700_000_000_000


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., LogStore]]:
    opened: list[LogStore] = []

    def open_one(
        directory: Path | None = None, *, master: bytes = MASTER, disk=None, **settings: int
    ) -> LogStore:
        store = LogStore.open(
            directory or tmp_path / "store",
            master_key=master,
            now=lambda: NOON,
            disk=disk,
            settings=Settings(**{"log": 0, **settings}),
        )
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def event() -> Callable[..., Event]:
    def make(
        timestamp: int, message: str = "a line", secret: str | None = None, ingestion: int = NOON
    ) -> Event:
        """An event; the secret, when there is one, stood where the message has asterisks."""
        if secret is None:
            return Event(timestamp, ingestion, message)
        masked = f"{message} {'*' * len(secret)} end"
        start = len(message) + 1
        return Event(
            timestamp, ingestion, masked, ((start, start + len(secret), 3),), f"{message} {secret} end"
        )

    return make
