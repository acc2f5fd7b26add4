"""A whole server for tests: served over HTTP from a thread of the test process, with a clock that tests may turn."""

import asyncio
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
from botocore.config import Config

from coldframe.console.app import Console
from coldframe.core.clock import Clock
from coldframe.core.config import Settings
from coldframe.identity import bootstrap
from coldframe.server.application import Application
from coldframe.server.assembly import Assembly, assemble
from coldframe.server.control import Control
from coldframe.server.listener import serve

REGION = "us-east-1"


class TestClock(Clock):
    """The real time plus what the test added."""

    __test__ = False

    def __init__(self) -> None:
        self.offset = 0.0
        super().__init__(lambda: time.time() + self.offset)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.offset += seconds


class RunningServer:
    """A server that answers on `endpoint`; `client` makes boto3 clients of it."""

    def __init__(
        self, assembly: Assembly, endpoint: str, root: tuple[str, str, str], clock: TestClock
    ) -> None:
        self.assembly = assembly
        self.installation = assembly.installation
        self.endpoint = endpoint
        self.account, self.access_key_id, self.secret_access_key = root
        self.clock = clock

    def client(self, service: str, *, region: str = REGION, **credentials: Any) -> Any:
        """A boto3 client as root, or with `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`."""
        keys = credentials or {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }
        config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint, config=config, **keys)

    def client_as(self, service: str, credentials: dict[str, Any], **more: Any) -> Any:
        """A boto3 client with the `Credentials` that STS answered."""
        return self.client(
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            **more,
        )

    def add_user(self, name: str, *statements: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """Make a user, with an inline policy of the statements if there are any; its ARN, and its key as `client` takes it."""
        iam = self.client("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            document = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return arn, {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }


@contextmanager
def running_server(
    folder: Path, *, dev: bool = False, root: tuple[str, str, str] | None = None, **settings: Any
) -> Iterator[RunningServer]:
    """Serve on a free port of the loopback address until the block ends; `root` is for a folder that was used."""
    clock = TestClock()
    settings.setdefault("cache_dir", Path(tempfile.gettempdir()) / f"coldframe-tests-{os.getuid()}")
    with assemble(Settings(data_dir=folder, port=0, dev=dev, **settings), clock) as assembly:
        made = bootstrap.set_up(assembly.installation) or root
        if made is None:
            raise AssertionError("the server of a test begins with an empty folder")
        started = threading.Event()
        found: dict[str, Any] = {}

        async def run() -> None:
            found["loop"], found["stop"] = asyncio.get_running_loop(), asyncio.Event()

            def ready(port: int, _: int | None) -> None:
                found["port"] = port
                started.set()

            control = Control(lambda: {"status": "ok"}, assembly.reset if dev else None)
            application = Application(assembly.gateway, control, Console(assembly))
            await serve(application, ports=(0, None), certificate=None, on_ready=ready, stop=found["stop"])

        def signing_time(remove_tzinfo: bool = True) -> datetime:
            now = clock.now()
            return now.replace(tzinfo=None) if remove_tzinfo else now

        # A test that turns the server's clock signs by it too, or its requests would be too old.
        signed_by, botocore.auth.get_current_datetime = botocore.auth.get_current_datetime, signing_time
        thread = threading.Thread(target=asyncio.run, args=(run(),), name="test-server")
        thread.start()
        if not started.wait(20):
            raise AssertionError("the test server did not start")
        try:
            yield RunningServer(assembly, f"http://127.0.0.1:{found['port']}", made, clock)
        finally:
            found["loop"].call_soon_threadsafe(found["stop"].set)
            thread.join(20)
            botocore.auth.get_current_datetime = signed_by
