"""Servers that kill themselves when a step of a job is recorded, forked from one process that has everything imported.

A JSON line on the input is one server: its data directory, the step and the moment (tests/jobs/crash.py), and whether it
takes a database that is silent for seconds for one that hangs. A line of the output says by which signal it ended.
"""

import faulthandler
import importlib
import json
import os
import signal
import sys
from typing import Any

from coldframe.cli.main import main
from coldframe.server.services import SERVICES
from coldframe.services.rds import probing
from tests.jobs.crash import die_at

IMPATIENT = (1.0, 4.0, 20.0, 2.0)


def serve(wanted: dict[str, Any]) -> int:
    """Run one server in a child, to its end; returns the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number, file in ((0, nothing), (1, nothing), (2, log)):
            os.dup2(file, number)
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1)
        die_at(wanted["step"], wanted["moment"])
        if wanted["impatient"]:
            probing.EVERY, probing.ANSWER, probing.WRITE, probing.AGAIN = IMPATIENT
        os._exit(main(["up", "--data", wanted["data"], "--port", "0"]))
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


if __name__ == "__main__":
    importlib.import_module("coldframe.server.run")
    for service in SERVICES:
        importlib.import_module(service)
    for line in sys.stdin:
        sys.stdout.write(f"{serve(json.loads(line))}\n")
        sys.stdout.flush()
