"""Ending sessions at the database itself, so that nothing of them goes on there."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from coldframe.engines.database import DatabaseError
from coldframe.engines.mariadb.client import Client

_PATIENCE = 10.0


def end(target: Path, account: str, threads: Sequence[int]) -> None:
    """End connections at a database and return when they are gone."""
    with Client(target, user=account, timeout=_PATIENCE) as client:
        for thread in threads:
            with suppress(DatabaseError):
                client.query(f"KILL HARD CONNECTION {thread:d}")
        listed = ",".join(map(str, threads))
        began = time.monotonic()
        while time.monotonic() - began < _PATIENCE and client.value(
            f"SELECT COUNT(*) FROM information_schema.processlist WHERE id IN ({listed})"
        ) not in {"", "0"}:
            client.query("DO SLEEP(0.005)")
