"""The one background thread: it does the upkeep when woken, tries again after a refusal, and can be stopped."""

import sqlite3
import threading

from coldframe.engines.logstore.errors import LogStoreError, StorageFailed, StoreClosed
from coldframe.engines.logstore.upkeep import Upkeep

_RETRY_SECONDS = 1.0


class Maintenance:
    """Runs the upkeep of one store until stopped."""

    def __init__(self, upkeep: Upkeep, log_bytes: int) -> None:
        """Lay in spare log files of `log_bytes` when asked to."""
        self._upkeep = upkeep
        self._log_bytes = log_bytes
        self._changed = threading.Condition()
        self._work_waits = True
        self._spare_wanted = False
        self._stopping = False
        self._busy = False
        self._flushing = True
        self._failure: LogStoreError | None = None
        self._thread = threading.Thread(target=self._run, name="logstore-maintenance", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be work."""
        with self._changed:
            self._work_waits = True
            self._changed.notify_all()

    def want_spare(self) -> None:
        """Have a spare log file laid in."""
        self._spare_wanted = True
        self.wake()

    def stop(self) -> None:
        """End the thread; what it was writing is given up and done again after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def wait_until_idle(self) -> None:
        """Return when all work there was is done; raises what kept it from being done."""
        with self._changed:
            self._failure = None
            self._work_waits = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._failure or self._stopping or not (self._busy or self._work_waits)
            )
            if self._failure is not None:
                raise self._failure
            if self._stopping:
                raise StoreClosed("the store is closed or its background work broke off")

    def wait_until_flushed(self, seconds: float) -> None:
        """Return when the work that was waiting is flushed, or it failed, or some seconds have passed."""
        with self._changed:
            self._work_waits = self._flushing = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: not self._flushing or self._failure or self._stopping, timeout=seconds
            )

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            # Whatever ends the thread, nobody is left waiting for it.
            with self._changed:
                self._stopping = True
                self._changed.notify_all()

    def _serve(self) -> None:
        while self._next_work():
            failure: LogStoreError | None = None
            try:
                self._work()
            except StoreClosed:
                return
            except (OSError, sqlite3.Error) as error:
                failure = StorageFailed(f"segments cannot be written: {error}")
            except LogStoreError as error:
                failure = error
            with self._changed:
                self._failure = failure

    def _next_work(self) -> bool:
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            retry = _RETRY_SECONDS if self._failure is not None else None
            self._changed.wait_for(lambda: self._work_waits or self._stopping, timeout=retry)
            self._work_waits = False
            self._busy = not self._stopping
            return self._busy

    def _work(self) -> None:
        self._flush()
        if self._spare_wanted:
            self._spare_wanted = False
            self._upkeep.lay_in_spare(self._log_bytes)
        self._upkeep.sweep()
        while self._upkeep.compact(self._give_up_when_stopping):
            self._flush()
        self._upkeep.give_back_memory()

    def _flush(self) -> None:
        self._upkeep.flush(self._give_up_when_stopping)
        with self._changed:
            self._flushing = False
            self._changed.notify_all()

    def _give_up_when_stopping(self) -> None:
        if self._stopping:
            raise StoreClosed("the store is being closed")
