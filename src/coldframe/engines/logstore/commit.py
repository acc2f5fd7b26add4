"""Group commit: the first caller writes and syncs for everyone who is waiting, without a thread of its own.

One caller alone pays one write and one sync. Callers that arrive during a sync queue up; one of them then leads the
next round for the whole queue. Effects (what becomes readable) run after the sync, in queue order, under the lead.
"""

import errno
import threading
from collections.abc import Callable

from coldframe.engines.logstore.errors import LogStoreError, StorageFailed, StorageFull, StoreClosed
from coldframe.engines.logstore.wal import WalWriter

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Entry:
    __slots__ = ("done", "effect", "error", "frame", "stored", "turn")

    def __init__(self, frame: bytes, effect: Callable[[], None]) -> None:
        self.frame = frame
        self.effect = effect
        self.error: Exception | None = None
        # Only once the effect has run, so that a lead cut short (an interrupt) acknowledges nobody.
        self.stored = False
        self.done = False
        # Held while another one leads; who leads from the start waits for nobody.
        self.turn: threading.Lock | None = None


class GroupCommit:
    """Makes records durable in rounds and runs the effect of each once it is."""

    def __init__(self, wal: WalWriter, after_round: Callable[[], None]) -> None:
        """Commit to this log; `after_round` runs under the lead after each round."""
        self._wal = wal
        self._after_round = after_round
        self._lock = threading.Lock()
        self._queue: list[_Entry] = []
        self._led = False
        self._closed = False

    def submit(self, frame: bytes, effect: Callable[[], None]) -> None:
        """Return when the frame is durable and its effect has run; an empty frame has only an effect.

        Raises StorageFull or StorageFailed when the disk refused (nothing was stored), StoreClosed after close.
        """
        entry = _Entry(frame, effect)
        with self._lock:
            if self._closed:
                raise StoreClosed("the store is closed")
            if self._led:
                entry.turn = turn = threading.Lock()
                turn.acquire()
                self._queue.append(entry)
            else:
                self._led, turn = True, None
        if turn is None:
            self._lead([entry])
        else:
            turn.acquire()
            if not entry.done:
                with self._lock:
                    entries, self._queue = self._queue, []
                self._lead(entries)
        if entry.error is not None:
            raise entry.error
        if not entry.stored:
            raise StorageFailed("the commit was interrupted: the events may not be stored")

    def close(self) -> bool:
        """Let the rounds under way end, then refuse further ones; False when that was done before."""
        try:
            self.submit(b"", self._close)
        except StoreClosed:
            return False
        return True

    def _close(self) -> None:
        with self._lock:
            self._closed = True

    def _lead(self, entries: list[_Entry]) -> None:
        try:
            self._round(entries)
        finally:
            with self._lock:
                heir = self._queue[0] if self._queue else None
                self._led = heir is not None
            for entry in entries:
                entry.done = True
                if entry.turn is not None:
                    entry.turn.release()
            if heir is not None and heir.turn is not None:
                heir.turn.release()

    def _round(self, entries: list[_Entry]) -> None:
        frames = entries[0].frame if len(entries) == 1 else b"".join([entry.frame for entry in entries])
        refused: OSError | None = None
        if frames:
            try:
                self._wal.commit(frames)
            except OSError as error:
                refused = error
        for entry in entries:
            if refused is not None and entry.frame:
                entry.error = refusal(refused)
                continue
            try:
                entry.effect()
                entry.stored = True
            except (LogStoreError, OSError) as error:
                entry.error = error
        self._after_round()


def refusal(error: OSError) -> StorageFull | StorageFailed:
    """Return the store's error for what the disk answered."""
    if error.errno in _NO_SPACE:
        return StorageFull("no space is left on the disk: the events were not stored")
    return StorageFailed(f"the disk refused the write ({error.strerror}): the events were not stored")
