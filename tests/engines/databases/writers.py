"""Writers that never rest, and the account of what they were told: every acknowledged row must be there exactly once."""

import collections
import contextlib
import itertools
import threading
import time
from typing import Any

from coldframe.engines.database import DatabaseError, InstanceSpec
from tests.engines.databases.kits import MASTER, Kit

TABLES = (
    "CREATE TABLE written (id INT PRIMARY KEY, writer INT NOT NULL, number INT NOT NULL)",
    "CREATE TABLE counters (writer INT PRIMARY KEY, total INT NOT NULL)",
)
_SPACING = 10_000_000


class Writer(threading.Thread):
    """Writes a row and counts it up, in one transaction after another, until it is told to end."""

    def __init__(self, kit: Kit, where: tuple[str, int], number: int) -> None:
        super().__init__(name=f"writer-{number}")
        self.kit, self.where, self.number = kit, where, number
        self.acknowledged: list[tuple[int, float]] = []
        self.unknown: set[int] = set()
        self.errors: list[str] = []
        self.longest = 0.0
        self.ending = threading.Event()

    def run(self) -> None:
        """Write; after an error sign in again and go on with the next row, since what became of this one is not known."""
        session: Any = None
        number = 0
        while not self.ending.is_set():
            number += 1
            began = time.monotonic()
            try:
                if session is None:
                    session = self.kit.session(self.where, MASTER, autocommit=False, **self.kit.plain)
                with session.cursor() as cursor:
                    cursor.execute(
                        "INSERT INTO written (id, writer, number) VALUES (%s, %s, %s)",
                        (self.number * _SPACING + number, self.number, number),
                    )
                    cursor.execute("UPDATE counters SET total = total + 1 WHERE writer = %s", (self.number,))
                session.commit()
            except self.kit.refused as error:
                self.errors.append(f"{number}: {error!r}")
                self.unknown.add(number)
                with contextlib.suppress(Exception):
                    session.close()
                session = None
                self.ending.wait(0.05)
            else:
                self.acknowledged.append((number, time.monotonic()))
                self.longest = max(self.longest, time.monotonic() - began)
        if session is not None:
            session.close()


class Writers:
    """All writers of a drill."""

    def __init__(self, kit: Kit, where: tuple[str, int], count: int) -> None:
        self.kit = kit
        self.ended = False
        self.all = [Writer(kit, where, number) for number in range(count)]

    def begin(self) -> None:
        """Let them write."""
        for writer in self.all:
            writer.start()

    def end(self) -> None:
        """Let them finish the row at hand."""
        self.ended = True
        for writer in self.all:
            writer.ending.set()
        for writer in self.all:
            writer.join()

    def acknowledged(self) -> int:
        """How many rows have been acknowledged so far."""
        return sum(len(writer.acknowledged) for writer in self.all)

    def each_goes_on(self) -> bool:
        """Whether every writer has had a row acknowledged since the last time that this was asked."""
        now = [len(writer.acknowledged) for writer in self.all]
        before, self._seen = getattr(self, "_seen", [0] * len(now)), now
        return all(one > other for one, other in zip(now, before, strict=True))

    @property
    def errors(self) -> list[str]:
        """What went wrong for the clients."""
        return [f"{writer.name} {error}" for writer in self.all for error in writer.errors]

    def longest_pause(self, since: float) -> float:
        """The longest time, in seconds, in which nobody had a row acknowledged."""
        moments = sorted(at for writer in self.all for _, at in writer.acknowledged if at >= since)
        return max((after - before for before, after in itertools.pairwise(moments)), default=0.0)

    def balance(self, spec: InstanceSpec) -> dict[str, int]:
        """Compare what was acknowledged with what an instance has: rows lost, doubled, never asked for, miscounted."""
        running = self.kit.engine.reattach(spec)
        assert running is not None
        rows = self.kit.rows(running.socket, "SELECT writer, number FROM written")
        totals = dict(self.kit.rows(running.socket, "SELECT writer, total FROM counters"))
        found = collections.Counter(rows)
        acknowledged = {(writer.number, number) for writer in self.all for number, _ in writer.acknowledged}
        unknown = {(writer.number, number) for writer in self.all for number in writer.unknown}
        present = collections.Counter(writer for writer, _ in found)
        return {
            "lost": len(acknowledged - set(found)),
            "doubled": sum(count > 1 for count in found.values()),
            "invented": len(set(found) - acknowledged - unknown),
            "miscounted": sum(totals[writer.number] != present[writer.number] for writer in self.all),
        }


class Watch(threading.Thread):
    """Looks all the time whether two databases can be written to at once."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(name="watch")
        self.kit = kit
        self.pair: tuple[InstanceSpec, InstanceSpec] | None = None
        self.seen: list[str] = []
        self.looks = 0
        self.ending = threading.Event()

    def run(self) -> None:
        """Look at green first: blue is fenced before green may be written to, and never afterwards again."""
        while not self.ending.wait(0.01):
            pair = self.pair
            if pair is None:
                continue
            blue, green = pair
            if self._writable(green) and self._writable(blue) and self.pair == pair:
                self.seen.append(f"{blue.name} and {green.name}")
            self.looks += 1

    def _writable(self, spec: InstanceSpec) -> bool:
        with contextlib.suppress(DatabaseError, FileNotFoundError):
            status = self.kit.engine.status(spec)
            return status.state == "running" and not status.read_only
        return False

    def end(self) -> None:
        """Stop looking."""
        self.ending.set()
        self.join()
