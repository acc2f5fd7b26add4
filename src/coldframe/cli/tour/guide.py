"""What the stops of the tour share: clients of the server, the telling of steps, and the tidying up."""

import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from coldframe.cli.env import variables


class StoryBroken(Exception):
    """A step did not do what its story says; the text names expected and found."""


class NotHere(Exception):
    """This machine cannot show the story; the text says what it lacks, and what to do."""


class Guide:
    """Tells a story step by step; `client` makes clients of the server on a data directory."""

    unreachable = EndpointConnectionError

    def __init__(self, data_dir: Path, *, keep: bool = False) -> None:
        self.data_dir = data_dir
        self.keep = keep
        self._tidy: list[Callable[[], object]] = []
        self._steps = 0
        self._colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @functools.cached_property
    def _environment(self) -> dict[str, str]:
        return variables(self.data_dir)

    @property
    def endpoint(self) -> str:
        """The server's address; raises NotSetUp when none has run, which some stops do not need."""
        return self._environment["AWS_ENDPOINT_URL"]

    def client(self, service: str, key: tuple[str, str] | None = None) -> Any:
        """Return a client as root, or with an (access key id, secret) pair."""
        key_id, secret = key or (
            self._environment["AWS_ACCESS_KEY_ID"],
            self._environment["AWS_SECRET_ACCESS_KEY"],
        )
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=self._environment["AWS_REGION"],
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 2}),
        )

    def title(self, text: str) -> None:
        """Begin a stop."""
        print(self._style(text, "1"))
        print(self._style("=" * len(text), "1"))

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Tell a step and how long it took."""
        self._steps += 1
        print(f"\n{self._style(f'{self._steps}. {text}', '1')}")
        begun = time.perf_counter()
        yield
        print(self._style(f"   ({time.perf_counter() - begun:.2f} s)", "2"))

    def say(self, text: str) -> None:
        """Show a result."""
        for line in text.splitlines():
            print(f"   {line}")

    def command(self, text: str) -> None:
        """Show what a person would type for this step."""
        print(self._style(f"   $ {text}", "36"))

    def expect(self, true: bool, text: str) -> None:
        """Show a checked result; raises StoryBroken when it is not true."""
        if not true:
            raise StoryBroken(text)
        print(f"   {self._style('ok', '32')}  {text}")

    def pause(self, seconds: float) -> None:
        """Let a moment pass before the server is asked again how far it is."""
        threading.Event().wait(seconds)

    def refused(self, call: Callable[..., Any], **parameters: Any) -> str:
        """Return the message of the denial that a call must meet; raises StoryBroken when it is let through."""
        try:
            call(**parameters)
        except ClientError as error:
            return str(error.response["Error"].get("Message"))
        raise StoryBroken("a call that should have been denied was answered")

    def afterwards(self, undo: Callable[[], object]) -> None:
        """Undo something when the stop ends, unless everything is to be kept."""
        self._tidy.append(undo)

    def leave(self) -> None:
        """End the stop: tidy up, last made first."""
        while self._tidy and not self.keep:
            self._tidy.pop()()

    def _style(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text
