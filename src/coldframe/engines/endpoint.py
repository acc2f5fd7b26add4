"""What an endpoint of a database does: one stable address whose clients are held, not cut, while its database changes.

An endpoint is a process of its own, so that it outlives the server. It never chooses a database itself: held clients get
an error when nobody released them in time.
"""

from pathlib import Path
from typing import Protocol

import msgspec


class EndpointSpec(msgspec.Struct, frozen=True):
    """One endpoint: where clients connect, and its folder (control socket, state, log).

    `certificate` and `key` are PEM files for TLS to the client, which `require_tls` makes a must; `sign_in` is the socket
    of who may sign in with a token instead of a password, if anybody (engines/sign_in.py).
    """

    name: str
    engine: str
    address: str
    port: int
    folder: Path
    certificate: Path | None = None
    key: Path | None = None
    sign_in: Path | None = None
    require_tls: bool = False


class Held(msgspec.Struct, frozen=True):
    """What a hold did: sessions that wait for a release, and those that could not be moved and were cut."""

    held: int
    cut: int


class EndpointStatus(msgspec.Struct, frozen=True):
    """How an endpoint is; counts are since its start."""

    pid: int
    target: Path | None
    holding: bool
    sessions: int
    moved: int
    cut: int
    refused: int
    bytes_in: int
    bytes_out: int


class EndpointFailed(Exception):
    """The endpoint's process could not be started or did not answer; the text has its log's last lines."""


class Endpoints(Protocol):
    """Runs endpoints; every method may be called twice."""

    def start(self, spec: EndpointSpec, target: Path | None) -> EndpointStatus:
        """Start the process (or find it running) and return when it listens; `target` is a database's socket."""

    def status(self, spec: EndpointSpec) -> EndpointStatus | None:
        """Return how it is; None when no process runs."""

    def hold(self, spec: EndpointSpec, *, drain: float, deadline: float) -> Held:
        """Let transactions that are open end within `drain` seconds, cut those that did not, and keep every client waiting.

        On return no statement is under way at the target. After `deadline` seconds without a release, waiting clients get an error.
        """

    def prepare(self, spec: EndpointSpec, target: Path) -> None:
        """Hear where a release will probably send everybody, and sign in there ahead; changes nothing for the clients."""

    def release(self, spec: EndpointSpec, target: Path) -> None:
        """Send everybody, those who wait first, to this database; sessions are signed in again and their state is restored."""

    def cut(self, spec: EndpointSpec) -> int:
        """End every session (a failover, a reboot); return how many there were."""

    def stop(self, spec: EndpointSpec) -> None:
        """End the process; the address is free on return."""
