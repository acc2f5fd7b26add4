"""The message store: its changes are durable when they return, and whoever waits for a queue is told of them."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from coldframe.core.durable import make_folder
from coldframe.engines.queue import reading, sending, tables
from coldframe.engines.queue.arrivals import Arrivals
from coldframe.engines.queue.commits import Commits
from coldframe.engines.queue.looking import Looking
from coldframe.engines.queue.messages import Message, New, Reading, Sent
from coldframe.engines.queue.moving import Moved, move_some


class MessageStore(Looking):
    """Queues of messages in the SQLite file `path`, which no other process writes; safe for many threads."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._arrivals = Arrivals()
        self._commits = Commits(path)
        self._commits.run(tables.create)
        super().__init__(path)

    def close(self) -> None:
        """Close the file; what is under way ends first."""
        self._commits.close()
        super().close()

    def send(self, queue: str, messages: Sequence[New], now: int) -> list[Sent]:
        """Keep messages in their order, all or none; raises StoreFull, StoreBroken."""
        if not messages or any(message.unless is not None for message in messages):
            return self.send_to_all([(queue, messages)], now)[0]
        sent = self._commits.run_together(sending.Batch(queue, messages, now), sending.send_batches)
        self._arrivals.tell(queue)
        return sent

    def send_to_all(self, batches: Sequence[tuple[str, Sequence[New]]], now: int) -> list[list[Sent]]:
        """Keep messages in several queues, all or none; returns what `send` would for each."""

        def change(connection: sqlite3.Connection) -> list[list[Sent]]:
            return [sending.send(connection, queue, messages, now) for queue, messages in batches]

        sent = self._commits.run(change)
        for queue, _ in batches:
            self._arrivals.tell(queue)
        return sent

    def receive(self, queue: str, wanted: Reading) -> list[Message]:
        """Read messages that nobody else is reading; raises reading.TooManyInFlight."""
        messages = self._commits.run(partial(reading.receive, queue=queue, reading=wanted))
        if wanted.dead_letters is not None:
            self._arrivals.tell(wanted.dead_letters.queue)
        return messages

    def delete(
        self,
        queue: str,
        readings: Sequence[tuple[int, int]],
        unless_ended: int = 0,
        *,
        earlier_too: bool = False,
    ) -> list[bool]:
        """Delete messages by (sequence, receives); False for one that was read again since, or is gone.

        With `unless_ended`, a time, also for one whose reading was over by then. With `earlier_too` those that were
        read again since are deleted as well.
        """
        delete = partial(
            sending.delete,
            queue=queue,
            readings=readings,
            unless_ended=unless_ended,
            earlier_too=earlier_too,
        )
        found = self._commits.run(delete)
        self._arrivals.tell(queue)  # in an ordered queue the next of the group may be read now
        return found

    def change_visibility(self, queue: str, read: tuple[int, int], until: int, unless_ended: int = 0) -> bool:
        """Hide a message that was read until another time; False when it is gone.

        With `unless_ended`, a time, also when this reading of it was over by then.
        """
        change = partial(
            reading.change_visibility, queue=queue, reading=read, until=until, unless_ended=unless_ended
        )
        changed = self._commits.run(change)
        self._arrivals.tell(queue)
        return changed

    def move(self, queue: str, targets: dict[str, str], now: int, limit: int) -> Moved:
        """Move messages that nobody is reading to the queue that `targets` names for their origin ("" for any)."""
        moved = self._commits.run(partial(move_some, queue=queue, targets=targets, now=now, limit=limit))
        for target in moved.queues:
            self._arrivals.tell(target)
        return moved

    def clear(self, queue: str, before: int | None = None) -> int:
        """Delete all messages of a queue, or those sent before a time; returns how many."""
        return self._commits.run(partial(sending.clear, queue=queue, before=before))

    def drop(self, queue: str) -> None:
        """Delete a queue with all that is remembered of it."""
        self._commits.run(partial(sending.drop, queue=queue))
        self._arrivals.tell(queue)

    def delay(self, queue: str, milliseconds: int) -> None:
        """Delay the messages that nobody has read yet so long, counted from when each was sent."""
        self._commits.run(partial(sending.delay, queue=queue, milliseconds=milliseconds))
        self._arrivals.tell(queue)

    def forget(self, now: int) -> None:
        """Forget what was sent and tried too long ago to be a repetition."""
        self._commits.run(partial(sending.forget, now=now))

    def watch(self, queue: str) -> AbstractContextManager[threading.Event]:
        """An event that is set whenever a queue may have something new to read."""
        return self._arrivals.watch(queue)
