"""`coldframe up` that kills itself when a step of a job is recorded: the step's name and the moment come from the environment.

COLDFRAME_DIE_AT names the step; COLDFRAME_DIE_BEFORE is set where the step is done and its record not yet committed.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from coldframe.cli.main import main
from coldframe.jobs.journal import Journal, StepRow


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


if __name__ == "__main__":
    if step := os.environ.get("COLDFRAME_DIE_AT"):
        watch(step, before=bool(os.environ.get("COLDFRAME_DIE_BEFORE")))
    sys.exit(main())
