"""Servers that kill themselves when a step of a job is recorded, forked from one process that has everything imported.

A JSON line on the input is one server: its data directory, its port, the step, and whether it dies before the record of
the step is committed (when the step is done already). A line of the output says by which signal it ended.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from coldframe.cli.main import main
from coldframe.jobs.journal import Journal, StepRow
from coldframe.server.services import SERVICES


def watch(step: str, *, before: bool) -> None:
    """Have this process killed at the step."""
    together = Journal.together

    def watched(journal: Journal, act: Callable[[Any], Any]) -> Any:
        seen: list[str] = []

        def watching(records: Any) -> Any:
            put = type(records).put

            class Watched(type(records)):  # type: ignore[misc]
                __slots__ = ()

                def put(self, row: Any) -> None:
                    put(self, row)
                    if isinstance(row, StepRow) and (row.ended is not None or row.kind == "undo"):
                        seen.append(row.name)

            result = act(Watched(records._transaction, records.account, records.region))
            if before and step in seen:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        result = together(journal, watching)
        if step in seen:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Journal.together = watched  # type: ignore[method-assign]


def serve(wanted: dict[str, Any]) -> int:
    """Run one server in a child, to its end; returns the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number, file in ((0, nothing), (1, nothing), (2, log)):
            os.dup2(file, number)
        watch(wanted["step"], before=wanted["before"])
        os._exit(main(["up", "--data", wanted["data"], "--port", str(wanted["port"])]))
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


if __name__ == "__main__":
    importlib.import_module("coldframe.server.run")
    for service in SERVICES:
        importlib.import_module(service)
    for line in sys.stdin:
        sys.stdout.write(f"{serve(json.loads(line))}\n")
        sys.stdout.flush()
