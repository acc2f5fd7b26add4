"""A whole server as a process of its own, which a test may kill, stop and start again on the same data."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from coldframe.server.files import RootCredentials, ServerFile, read_root, read_server

SOURCES = Path(__file__).parents[2] / "src"
MAIN = [sys.executable, "-c", "import sys; from coldframe.cli.main import main; sys.exit(main())"]
PATIENCE = 60.0


class ServerProcess:
    """`coldframe up` on a data directory; what it says on stderr is in `log`."""

    def __init__(
        self, data: Path, *options: str, port: int = 0, log: Path | None = None, prefix: tuple[str, ...] = ()
    ) -> None:
        self.data = data
        self.log = log or data.with_name(data.name + ".log")
        command = [*prefix, *MAIN, "up", "--data", str(data), "--port", str(port), *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(SOURCES)},
            )

    def __enter__(self) -> Self:
        """Wait until the server says that it is ready."""
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind."""
        self.kill()

    def wait_until_ready(self) -> None:
        """Wait for the ready line; raises AssertionError with the server's words if it ends or takes too long."""
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], PATIENCE)
        line = stdout.readline().decode() if ready else ""
        if not line.startswith("ready http://"):
            raise AssertionError(f"no ready line but {line!r}; it said: {self.said()}")

    def said(self) -> str:
        """What the server wrote to stderr so far."""
        return self.log.read_text(encoding="utf-8")

    def refused(self) -> str:
        """Wait for a start that fails; gives what it said. The exit code must be 1 and nobody sees a traceback."""
        try:
            assert self.process.wait(PATIENCE) == 1, self.said()
        finally:
            self.kill()
        said = self.said()
        assert "Traceback" not in said, said
        assert "coldframe: " in said, said
        return said

    def kill(self) -> None:
        """End the process with no chance to tidy up."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask the process to end; gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    @property
    def address(self) -> ServerFile:
        """What the server wrote of itself for the command line."""
        return read_server(self.data)

    @property
    def root(self) -> RootCredentials:
        """The root key pair."""
        return read_root(self.data)

    def client(self, service: str, *, attempts: int = 1, **more: Any) -> Any:
        """A boto3 client, as root unless it is given keys."""
        root = self.root
        keys = {"aws_access_key_id": root.access_key_id, "aws_secret_access_key": root.secret_access_key}
        config = Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            inject_host_prefix=False,
            connect_timeout=5,
            read_timeout=20,
        )
        options = {
            "region_name": "us-east-1",
            "endpoint_url": self.address.endpoint,
            "config": config,
            **keys,
            **more,
        }
        return boto3.client(service, **options)

    def resident(self) -> int:
        """The bytes of memory that the process has now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")


def until(condition: Any, patience: float = PATIENCE) -> Any:
    """Wait for a condition; gives its value."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def events_of(logs: Any, group: str, stream: str) -> list[str]:
    """Every message of a stream from its beginning, page by page as AWS's client reads."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, startTime=0, **token
        )
        found += [event["message"] for event in page["events"]]
        if token.get("nextToken") == page["nextForwardToken"]:
            return found
        token = {"nextToken": page["nextForwardToken"]}


@contextlib.contextmanager
def small_filesystem(folder: Path, size: str) -> Any:
    """A file system of its own for a folder, as root: a tmpfs of that size."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
