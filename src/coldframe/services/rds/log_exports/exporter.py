"""The thread that looks at the logs of the databases once a second and brings on those that have grown.

A look at a log that has not grown costs a stat of its files. Logs that CloudWatch Logs does not take are tried again after a
while that doubles, and keep neither the others nor the databases waiting; they stay in their files until then.
"""

import logging
import threading
import time
from typing import NamedTuple

from coldframe.core.client_errors import ClientError
from coldframe.core.database import StoreError
from coldframe.core.gathered import Gathered
from coldframe.core.installation import Installation
from coldframe.engines.database import DatabaseError
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.log_exports import targets
from coldframe.services.rds.log_exports.sending import Sender
from coldframe.services.rds.log_exports.targets import Target
from coldframe.services.rds.records import Cluster, Instance

LOG = logging.getLogger("coldframe.rds")

# In seconds: how often logs are looked at; how long after a failure, at first and at most; how long the end of an instance waits.
EVERY, AGAIN, LONGEST_AGAIN, PATIENCE = 1.0, 1.0, 60.0, 30.0
# How many batches of one log are brought before the next one has its turn.
_IN_A_ROW = 16


class _Failed(NamedTuple):
    """When a log is tried again, by the monotonic clock, and how often it has failed in a row."""

    until: float
    times: int


class LogExporter:
    """Brings the logs that are wanted to CloudWatch Logs, from the first `begin` on until the server ends."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._senders: dict[tuple[str, str], Sender] = {}
        self._failed: dict[tuple[str, str], _Failed] = {}
        self._wanted: Gathered[str, list[Target]] = Gathered(installation.store, (Instance, Cluster))

    def begin(self) -> None:
        """Begin, if a log is wanted; once is enough."""
        with self._lock:
            if self._thread is None and not self._stop.is_set() and self._targets():
                self._thread = threading.Thread(target=self._work, name="rds-log-exports", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End after the batch under way."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join(PATIENCE)

    def look(self) -> None:
        """Bring on every log that has grown."""
        wanted = self._targets()
        for target in wanted:
            if self._stop.is_set():
                return
            failed = self._failed.get((target.resource_id, target.kind))
            if failed is None or failed.until <= time.monotonic():
                self._bring(target)
        with self._lock:
            for gone in set(self._senders) - {(each.resource_id, each.kind) for each in wanted}:
                self._senders.pop(gone, None)
                self._failed.pop(gone, None)

    def finish(self, account: str, region: str, instance: Instance) -> None:
        """Bring the rest of an instance that has ended, before its files go; what Logs does not take by then is lost with them."""
        databases = self._installation.parts.get(Databases)
        with self._installation.store.read() as transaction:
            cluster = clusters.by_resource(transaction.records(account, region), instance.cluster)
        deadline = time.monotonic() + PATIENCE
        for target in targets.of_instance(databases, account, region, instance, cluster):
            sender = self._sender(target)
            with sender.turn:
                while True:
                    try:
                        while sender.send(target, last=True):
                            pass
                        break
                    except (ClientError, StoreError, DatabaseError) as error:
                        if time.monotonic() > deadline or self._stop.wait(AGAIN):
                            LOG.warning("the end of a log could not go to %s: %s", target.group, error)
                            break

    def _work(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.look()
            except Exception:
                # The next look goes on; at its end the server takes its store away.
                if not self._stop.is_set():
                    LOG.exception("the logs of the databases could not be looked at")

    def _targets(self) -> list[Target]:
        gathered = self._wanted.now()
        found = gathered.get("")
        if found is None:
            with self._installation.store.read() as transaction:
                found = targets.every(self._installation.parts.get(Databases), transaction.records("", ""))
            gathered[""] = found
        return found

    def _sender(self, target: Target) -> Sender:
        with self._lock:
            key = (target.resource_id, target.kind)
            return self._senders.setdefault(key, Sender(self._installation))

    def _bring(self, target: Target) -> None:
        sender, key = self._sender(target), (target.resource_id, target.kind)
        if not sender.turn.acquire(blocking=False):
            return
        try:
            for _ in range(_IN_A_ROW):
                if not sender.send(target) or self._stop.is_set():
                    break
            self._failed.pop(key, None)
        except Exception as error:
            if self._stop.is_set():
                return
            times = self._failed.get(key, _Failed(0, 0)).times
            wait = min(AGAIN * 2**times, LONGEST_AGAIN)
            self._failed[key] = _Failed(time.monotonic() + wait, min(times + 1, 10))
            if isinstance(error, ClientError | StoreError | DatabaseError):
                LOG.warning("a log could not go to %s, tried again in %.0f s: %s", target.group, wait, error)
            else:
                LOG.exception("a log could not go to %s, tried again in %.0f s", target.group, wait)
        finally:
            sender.turn.release()
