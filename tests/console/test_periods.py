"""The stretch of time that a page looks at."""

from types import SimpleNamespace
from typing import Any

from coldframe.console import periods


def _visit(now: float, **query: str) -> Any:
    clock = SimpleNamespace(seconds=lambda: now)
    return SimpleNamespace(
        query={name: [value] for name, value in query.items()}, installation=SimpleNamespace(clock=clock)
    )


def test_the_last_so_long_has_what_was_written_within_the_running_second():
    period = periods.asked(_visit(1_000_000.9, last="5m"))
    assert period.end > 1_000_000.9
    assert period.end - period.start == 300


def test_from_one_moment_to_another():
    visit = _visit(0, **{"from": "1970-01-01T00:10:00", "to": "1970-01-01T00:20:00Z"})
    assert periods.asked(visit) == (600, 1200, "")
