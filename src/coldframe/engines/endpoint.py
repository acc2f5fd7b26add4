"""What an endpoint of a database does: one stable address whose clients are held, not cut, while its database changes.

An endpoint is a process of its own, so that it outlives the server. It never chooses a database itself: held clients get
an error when nobody released them in time.

    one database       start(spec, socket)                      an instance, or the writer of a cluster
      planned change   hold · … · release(spec, other)          nobody is cut who can be moved; prepare(spec, other) before it
                                                                makes it quicker
      it is dead       fail_over(spec, deadline=…) · … · release(spec, other)
                                                                every session ends with the engine's own error; new clients
                                                                wait for the release, at most until the deadline
    several            start(spec, None) · spread(spec, [socket, …])
                                                                the readers of a cluster
      one more or less spread(spec, [the whole new list], end_within=None)
                                                                at any time; sessions elsewhere end by themselves, or after
                                                                `end_within` seconds at the latest

A list that `spread` was given is kept in the endpoint's folder: a process that is started again with no database goes on
with it. `release` and `fail_over` forget it; without one, a new process lets clients wait until it is told. A new connection
goes to the database of the list with the fewest, in turn among equals. One that does not answer is passed over and looked
at four times a second until it is back; when none answers, clients are told so at once. An empty list lets them wait.
"""

from collections.abc import Sequence
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


class DatabaseAtEndpoint(msgspec.Struct, frozen=True):
    """A database that an endpoint sends clients to (`listed`), or that some are still at."""

    socket: Path
    listed: bool
    answers: bool
    sessions: int


class EndpointStatus(msgspec.Struct, frozen=True):
    """How an endpoint is; counts are since its start. `target` is the first of its databases."""

    pid: int
    target: Path | None
    holding: bool
    sessions: int
    moved: int
    cut: int
    refused: int
    bytes_in: int
    bytes_out: int
    databases: tuple[DatabaseAtEndpoint, ...] = ()


class EndpointFailed(Exception):
    """The endpoint's process could not be started or did not answer; the text has its log's last lines."""


class Endpoints(Protocol):
    """Runs endpoints; every method may be called twice."""

    def start(self, spec: EndpointSpec, target: Path | None) -> EndpointStatus:
        """Start the process (or find it running) and return when it listens; `target` is a database's socket.

        With None it goes on with the list that it was told to spread over, or else lets clients wait.
        """

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

    def spread(self, spec: EndpointSpec, targets: Sequence[Path], *, end_within: float | None = None) -> None:
        """Send new connections to these databases, and held clients, too; the list is kept for a process to come.

        Sessions at other databases end by themselves, or after `end_within` seconds with the engine's error for a shutdown.
        """

    def fail_over(self, spec: EndpointSpec, *, deadline: float) -> int:
        """End every session, since the database is dead, and let new clients wait for a release; returns how many there were.

        Who waits gets the engine's error for a database that is not there after `deadline` seconds.
        """

    def cut(self, spec: EndpointSpec) -> int:
        """End every session (a failover, a reboot); return how many there were."""

    def stop(self, spec: EndpointSpec) -> None:
        """End the process; the address is free on return."""
