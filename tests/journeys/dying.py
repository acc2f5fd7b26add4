"""Servers that die at a step, one after the other over one data directory, and the steps that a job has had."""

import contextlib
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from coldframe.server.files import read_root, read_server
from tests.journeys.process import PATIENCE, until


class Servers:
    """Makes servers that die at a step, one at a time; each is forked from a process that waits for the next."""

    def __init__(self, data: Path, moment: str, *, impatient: bool = False) -> None:
        self.data, self.moment, self.impatient = data, moment, impatient
        self.log = data.with_name("dying.log")
        self.last = read_server(data).pid
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.dying_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{Path.cwd()}/src:{Path.cwd()}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def start(self, step: str) -> None:
        """Start a server that dies at a step."""
        wanted = {
            "step": step,
            "moment": self.moment,
            "impatient": self.impatient,
            "data": str(self.data),
            "log": str(self.log),
        }
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()

    def ask(self, operation: str, **parameters: Any) -> None:
        """Call an operation of RDS, on a server that may die before it has answered."""
        client = self.client()
        with contextlib.suppress(HTTPClientError):
            getattr(client, operation)(**parameters)

    def died(self, step: str) -> None:
        """Wait until the server has killed itself."""
        ready, _, _ = select.select([self.process.stdout], [], [], 2 * PATIENCE)
        if not ready:
            self._end_server()
            raise AssertionError(f"no server came to the step {step!r}: {self._told()}")
        ended = self.process.stdout.readline()
        assert ended == "9\n", f"at {step!r} the server ended by {ended!r}: {self._told()}"

    def _told(self) -> str:
        """What became of the last jobs, and the server's log."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.data}/coldframe.sqlite3?mode=ro", uri=True)
        ) as store:
            jobs = [body for (body,) in store.execute("SELECT _body FROM jobs ORDER BY rowid DESC LIMIT 4")]
        return "\n".join([*map(str, jobs), self.log.read_text()[-20000:]])

    def _end_server(self) -> None:
        """End the server that is there, having it say first where it is."""
        here = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in map(int, here.read_text().split()):
            said = self.log.stat().st_size
            os.kill(child, signal.SIGUSR1)
            until(lambda said=said: self.log.stat().st_size > said)
            os.kill(child, signal.SIGKILL)
        self.process.stdout.readline()

    def client(self) -> Any:
        """A client of RDS, once the server answers."""
        until(lambda: read_server(self.data).pid != self.last, 3 * PATIENCE)
        root = read_root(self.data)
        return boto3.client(
            "rds",
            region_name="us-east-1",
            endpoint_url=read_server(self.data).endpoint,
            aws_access_key_id=root.access_key_id,
            aws_secret_access_key=root.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}),
        )


def steps_of(data: Path, name: str) -> list[str]:
    """The names of the steps that the job of a name had, in order."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/coldframe.sqlite3?mode=ro", uri=True)) as store:
        jobs = [json.loads(body) for (body,) in store.execute("SELECT _body FROM jobs")]
        job = next(each["id"] for each in jobs if each["name"] == name)
        rows = store.execute("SELECT _body FROM job_steps WHERE job = ? ORDER BY ordinal", (job,))
        return [json.loads(body)["name"] for (body,) in rows]
