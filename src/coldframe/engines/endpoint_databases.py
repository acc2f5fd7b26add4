"""The databases behind an endpoint, as its process sees them: who is next for a new connection, and which do not answer.

A new connection goes to the one that has the fewest, and among equals to the one whose last turn is longest ago. One that
did not answer comes last, and is looked at again and again until it answers.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any

# How often a database that does not answer is looked at, and how long it may take to answer then, in seconds.
_LOOK = 0.25
_ANSWER = 5.0


class Databases:
    """Who may be connected to; `answers` tells whether one of them, which did not answer, does."""

    def __init__(self, listed: Sequence[Path], answers: Callable[[Path], Awaitable[bool]]) -> None:
        self.listed: tuple[Path, ...] = tuple(dict.fromkeys(listed))
        self._answers = answers
        self._taken: Counter[Path] = Counter()
        self._turns: dict[Path, int] = {}
        self._turn = 0
        self._away: dict[Path, asyncio.Task[None]] = {}

    @property
    def first(self) -> Path | None:
        """The only one of an endpoint that is for one database; None while there is none."""
        return self.listed[0] if self.listed else None

    def change(self, listed: Sequence[Path]) -> None:
        """List others from now on; who is at one that is listed no more stays there."""
        self.listed = tuple(dict.fromkeys(listed))
        for gone in set(self._away) - set(self.listed):
            self._away.pop(gone).cancel()

    def take(self, tried: Collection[Path] = ()) -> Path | None:
        """Return the database for a connection that has tried some in vain, and count it there; None when all were tried."""
        left = [path for path in self.listed if path not in tried]
        if not left:
            return None
        path = min(left, key=lambda one: (one in self._away, self._taken[one], self._turns.get(one, 0)))
        self._turn += 1
        self._turns[path] = self._turn
        self._taken[path] += 1
        return path

    def leave(self, path: Path) -> None:
        """Count a connection no more."""
        self._taken[path] -= 1
        if self._taken[path] <= 0:
            del self._taken[path]

    def spare(self, path: Path, tried: Collection[Path]) -> bool:
        """Tell whether there is another that answers, as far as is known, beside this one and those that were tried."""
        return any(one != path and one not in tried and one not in self._away for one in self.listed)

    def missed(self, path: Path) -> None:
        """Take note that a database did not answer."""
        if path in self.listed and path not in self._away:
            self._away[path] = asyncio.get_running_loop().create_task(self._watch(path))

    def status(self) -> list[dict[str, Any]]:
        """Return the fields of DatabaseAtEndpoint for each."""
        return [
            {
                "socket": str(path),
                "listed": path in self.listed,
                "answers": path not in self._away,
                "sessions": self._taken[path],
            }
            for path in dict.fromkeys((*self.listed, *self._taken))
        ]

    def close(self) -> None:
        """Look at none any more."""
        for task in self._away.values():
            task.cancel()
        self._away.clear()

    async def _watch(self, path: Path) -> None:
        while not await self._there(path):
            await asyncio.sleep(_LOOK)
        self._away.pop(path, None)

    async def _there(self, path: Path) -> bool:
        try:
            return await asyncio.wait_for(self._answers(path), _ANSWER)
        except (OSError, TimeoutError):
            return False
