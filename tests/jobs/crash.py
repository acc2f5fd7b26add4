"""Kill a process at a chosen point of a job: in a forked child, so that a scenario is an ordinary function."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable

from coldframe.jobs.journal import Journal, StepRow

BEFORE, AFTER = "before it is recorded", "after it is recorded"


def crash_after(step: str, scenario: Callable[[], None], *, moment: str = AFTER) -> bool:
    """Run the scenario in a child that is killed when a step of this name is recorded; False if it never was.

    BEFORE is the point between the effect of a step and its record, AFTER the one right behind the record. The
    scenario opens its own store: nothing that is open here may be used there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _run(step, scenario, moment)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return True
    assert os.WEXITSTATUS(status) == 0, "the scenario failed in the child; its traceback is above"
    return False


def _run(step: str, scenario: Callable[[], None], moment: str) -> None:
    die_at(step, moment)
    try:
        scenario()
    except BaseException:  # noqa: BLE001  the child ends here, whatever it was
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def die_at(step: str, moment: str) -> None:
    """Have this process killed when a step of this name is recorded, at the moment said."""
    together = Journal.together

    def watched(journal: Journal, act: Callable) -> object:
        seen: list[str] = []

        def watching(records: object) -> object:
            put = type(records).put

            class Watched(type(records)):
                __slots__ = ()

                def put(self, row: object) -> None:
                    put(self, row)
                    if isinstance(row, StepRow) and (row.ended is not None or row.kind == "undo"):
                        seen.append(row.name)

            return act(Watched(records._transaction, records.account, records.region))

        def killing(records: object) -> object:
            result = watching(records)
            if moment == BEFORE and step in seen:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        result = together(journal, killing)
        if step in seen:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Journal.together = watched
