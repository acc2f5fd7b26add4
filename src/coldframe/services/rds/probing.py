"""Instances that run and hang: found by coming in anew and writing, and handed on to be ended and recovered.

Each is tried every ten seconds, on a thread of its own, so that one that hangs keeps nobody waiting. A stopped process, a lock
that is never let go of, a disk of its own that does not answer: none of them is seen from outside.
"""

import logging
import os
import threading
import time
from contextlib import suppress

from coldframe.core.installation import Installation
from coldframe.engines.database import DatabaseEngine, InstanceSpec, Running, Silent
from coldframe.services.rds import crashes, lookup
from coldframe.services.rds.clusters.rejoining import REJOINS
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

LOG = logging.getLogger("coldframe.rds")

# In seconds: how often each is tried; how long one has to let somebody in and answer; how long until a write is durable;
# and how long for both when it is asked again. A wrong verdict costs the sessions, a late one only time, so these are
# far more than what a machine needs that is as busy as can be (docs/decisions/0031-hanging.md, bench/probing.py).
EVERY, ANSWER, WRITE, AGAIN = 10.0, 25.0, 85.0, 5.0
# A disk that makes our own write wait is nothing that a restart would mend: an instance has so many times as long as we.
_AS_LONG = 3.0


class Probing:
    """Tries every instance that ought to run, from the first `begin` on until the server ends."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # Those that are being tried now, by resource id.
        self._tried: set[str] = set()

    def begin(self) -> None:
        """Begin; once is enough."""
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._work, name="rds-probing", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Begin no more; whoever waits for an answer ends when it comes, and says nothing."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join(EVERY)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._round()
            except Exception:
                # The others are to be tried, too, and these again; at its end the server takes its store away.
                if not self._stop.wait(EVERY):
                    LOG.exception("the databases could not be tried")

    def _round(self) -> None:
        """Try each once, spread over the time that there is."""
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(Instance)
        wanted = [row for row in rows if crashes.ought_to_run(row[2])]
        for account, region, instance in wanted:
            with self._lock:
                free = instance.resource_id not in self._tried
                self._tried.add(instance.resource_id)
            if free:
                arguments = (account, region, instance.resource_id)
                threading.Thread(target=self._try, args=arguments, name="rds-probe", daemon=True).start()
            self._stop.wait(EVERY / len(wanted))
            if self._stop.is_set():
                return
        if not wanted:
            self._stop.wait(EVERY)

    def _try(self, account: str, region: str, resource_id: str) -> None:
        try:
            self._look(account, region, resource_id)
        except Exception:
            # A store that is gone since the server ends is no news.
            if not self._stop.is_set():
                LOG.exception("%s could not be tried", resource_id)
        finally:
            with self._lock:
                self._tried.discard(resource_id)

    def _look(self, account: str, region: str, resource_id: str) -> None:
        found = self._watched(account, region, resource_id)
        if found is None:
            return
        databases = self._installation.parts.get(Databases)
        engine, spec = databases.engine(found.engine), databases.spec(found)
        running = engine.reattach(spec)
        began = time.monotonic()
        if running is None or _answers(engine, spec, ANSWER, WRITE):
            return
        LOG.warning("%s has not answered for %.0f s", found.identifier, time.monotonic() - began)
        # It may be all of the machine, or this process, that had no time or no disk for so long. Then it answers now.
        again = max(AGAIN, _AS_LONG * self._own_write(databases))
        if _answers(engine, spec, again, again) or self._stop.is_set():
            return
        if self._watched(account, region, resource_id) is not None and engine.reattach(spec) == running:
            silent = time.monotonic() - began
            self._hangs(account, region, resource_id, running, f"it has not answered for {silent:.0f} s")

    def _watched(self, account: str, region: str, resource_id: str) -> Instance | None:
        with self._installation.store.read() as transaction:
            found = lookup.by_resource(transaction.records(account, region), resource_id)
        if found is not None and crashes.ought_to_run(found):
            return found if crashes.left_alone(found) or found.note == REJOINS else None
        return None

    def _hangs(self, account: str, region: str, resource_id: str, running: Running, why: str) -> None:
        """Have it ended and recovered; where a job has it in hand already, end it, so that the job goes on."""
        with self._installation.store.write() as transaction:
            records = transaction.records(account, region)
            if crashes.crashed(records, self._installation, resource_id, why=why, hangs=True):
                return
            found = lookup.by_resource(records, resource_id)
        if found is None or not crashes.ought_to_run(found):
            return
        databases = self._installation.parts.get(Databases)
        engine, spec = databases.engine(found.engine), databases.spec(found)
        if engine.reattach(spec) == running:
            LOG.warning("%s is ended: %s", found.identifier, why)
            engine.stop(spec, at_once=True)

    def _own_write(self, databases: Databases) -> float:
        """Make something durable beside the databases; returns how many seconds that took."""
        path = databases.root / f".probe-{threading.get_ident()}"
        began = time.monotonic()
        try:
            with path.open("wb") as file:
                file.write(b"\0" * 4096)
                file.flush()
                os.fsync(file.fileno())
        finally:
            with suppress(FileNotFoundError):
                path.unlink()
        return time.monotonic() - began


def _answers(engine: DatabaseEngine, spec: InstanceSpec, answer: float, write: float) -> bool:
    try:
        engine.activities.probe(spec, answer=answer, write=write)
    except Silent:
        return False
    return True
