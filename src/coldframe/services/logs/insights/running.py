"""Queries that run in the background: some at once, the others wait; each can be stopped and ends after an hour."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from coldframe.core.installation import Installation
from coldframe.engines.logstore.store import LogStore
from coldframe.engines.query.engine import QueryEngine, Session
from coldframe.engines.query.errors import QueryBroken, QueryInterrupted
from coldframe.services.logs.insights.errors import QueryFailed
from coldframe.services.logs.insights.lookup_relations import relation_of
from coldframe.services.logs.insights.results import KeptResults, Results, shown
from coldframe.services.logs.insights.sources import Group, Originals, Scanned, Sources
from coldframe.services.logs.insights.translation import Plan
from coldframe.services.logs.records import InsightsQuery

LOG = logging.getLogger("coldframe.logs")
MOST_AT_ONCE = 4
MOST_WAITING = 100
LONGEST_SECONDS = 3600.0


@dataclass(slots=True)
class Task:
    """A query to run: its plan, its groups, and the way to originals."""

    id: str
    account: str
    region: str
    plan: Plan
    groups: list[Group]
    originals: list[Originals] | None
    session: Session | None = None
    state: str = "Scheduled"
    ended_by: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class QueryRunner:
    """Runs the queries of one installation."""

    def __init__(self, installation: Installation, kept: KeptResults) -> None:
        self._installation = installation
        self._kept = kept
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self._futures: dict[str, Future[None]] = {}
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="insights")
        self._closed = False

    @property
    def full(self) -> bool:
        """Tell whether as many queries run or wait as may."""
        return len(self._tasks) >= MOST_WAITING

    def state(self, query: str) -> str | None:
        """Return Scheduled or Running, None for a query that has ended or is not of this process."""
        task = self._tasks.get(query)
        return task.state if task is not None else None

    def submit(self, task: Task) -> None:
        """Have a query run."""
        with self._lock:
            self._tasks[task.id] = task
            self._futures[task.id] = self._threads.submit(self._run, task)

    def stop(self, query: str, ended_by: str = "Cancelled") -> bool:
        """Stop a query; False when it is not running here."""
        task = self._tasks.get(query)
        if task is None:
            return False
        with task.lock:
            task.ended_by = task.ended_by or ended_by
            if task.session is not None:
                task.session.interrupt()
        return True

    def wait(self, query: str, timeout: float) -> None:
        """Wait until a query has ended, at most so many seconds."""
        future = self._futures.get(query)
        if future is not None:
            future.exception(timeout)

    def close(self) -> None:
        """Stop everything; queries under way are Failed for whoever asks later."""
        self._closed = True
        for query in list(self._tasks):
            self.stop(query, "Failed")
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, task: Task) -> None:
        begun = self._installation.clock.milliseconds()
        timer = threading.Timer(LONGEST_SECONDS, self.stop, (task.id, "Timeout"))
        timer.daemon = True
        timer.start()
        outcome: dict[str, Any] = {}
        try:
            outcome = self._outcome(task)
        except QueryInterrupted:
            outcome = {"status": task.ended_by or "Cancelled", "error": "the query was stopped"}
        except (QueryFailed, QueryBroken) as error:
            outcome = {"status": "Failed", "error": str(error)}
        except Exception as error:
            LOG.exception("query %s failed", task.id)
            outcome = {"status": "Failed", "error": f"the query failed: {type(error).__name__}"}
            raise
        finally:
            timer.cancel()
            try:
                self._end(task, self._installation.clock.milliseconds() - begun, outcome)
            finally:
                with self._lock:
                    self._tasks.pop(task.id, None)
                    self._futures.pop(task.id, None)

    def _outcome(self, task: Task) -> dict[str, Any]:
        parts = self._installation.parts
        with parts.get(QueryEngine).session() as session:
            with task.lock:
                task.session, task.state = session, "Running"
                if task.ended_by:
                    session.interrupt()
            sources, plan = Sources(parts.get(LogStore), session), task.plan
            for used in plan.lookups:
                with self._installation.store.read() as transaction:
                    session.register(
                        used.relation, relation_of(transaction.records(task.account, task.region), used)
                    )
            with sources.open(
                plan.readings,
                task.groups,
                newest=plan.newest,
                originals=task.originals,
                messages=plan.messages,
            ) as scanned:
                for statement in plan.prepared:
                    session.run(statement.sql, statement.values)
                rows = session.run(plan.result.sql, plan.result.values)
                matched = _matched(session, plan, scanned, len(rows))
        results = _results(plan, task.groups, rows)
        self._kept.keep(task.id, results)
        return {
            "status": "Complete",
            "matched": matched,
            "scanned": float(sum(each.records for each in scanned)),
            "bytes": float(sum(each.bytes for each in scanned)),
            "results": len(rows),
        }

    def _end(self, task: Task, duration: int, outcome: dict[str, Any]) -> None:
        """Write down how the query ended, unless a StopQuery has done so already."""
        if self._closed and outcome.get("status") != "Complete":
            return
        with self._installation.store.write() as transaction:
            records = transaction.records(task.account, task.region)
            row = records.find(InsightsQuery, task.id)
            if row is not None and row.status == "Scheduled":
                records.change(row, duration=duration, **outcome)


def _matched(session: Session, plan: Plan, scanned: list[Scanned], rows: int) -> float:
    """Return how many events matched: all of them where nothing filters."""
    del rows
    if plan.matched is None:
        return float(sum(each.records for each in scanned))
    return float(session.run(plan.matched.sql, plan.matched.values)[0][0])


def _results(plan: Plan, groups: list[Group], rows: list[tuple[Any, ...]]) -> Results:
    width = len(plan.columns)
    kinds = [kind for _, kind in plan.columns]
    texts = [[shown(value, kind) for value, kind in zip(row, kinds, strict=False)] for row in rows]
    events = [_event(groups, row[width:]) for row in rows] if plan.pointers else []
    return Results([name for name, _ in plan.columns], texts, events)


def _event(groups: list[Group], position: tuple[Any, ...]) -> tuple[str, int, int] | None:
    """Return which event a row is; a row of totals is none."""
    number, time, sequence = position
    return None if number is None else (groups[number].id, time, sequence)
