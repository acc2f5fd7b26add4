"""Runs endpoints of either engine as processes that outlive the server, and tells them what to do."""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec

from coldframe.core import process
from coldframe.engines import daemon, endpoint_certificate, endpoint_record
from coldframe.engines.accounts import let_through, service_account
from coldframe.engines.endpoint import (
    DatabaseAtEndpoint,
    EndpointFailed,
    EndpointSpec,
    EndpointStatus,
    Held,
)
from coldframe.engines.endpoint_control import SOCKET

_START = 30.0
# A hold takes as long as it drains, and a release until everybody has signed in again.
_ANSWER = 120.0
_PATIENCE = 15.0
_LOG_LINES = 20


class Boot(msgspec.Struct):
    """What a new process is told on its input; certificates are read before it gives up its rights."""

    address: str
    port: int
    folder: str
    user: int
    group: int
    targets: list[str] = []
    certificate: str | None = None
    key: str | None = None
    # What SCRAM's channel binding takes of the certificate, in hexadecimal digits.
    end_point: str | None = None
    sign_in: str | None = None
    require_tls: bool = False
    # Users of the database that are ours and that no client may be.
    reserved: list[str] = []


class EndpointProcesses:
    """The Endpoints whose process is a module of ours; `module` is run with `python -m`."""

    def __init__(self, module: str) -> None:
        self._module = module

    def start(self, spec: EndpointSpec, target: Path | None) -> EndpointStatus:
        """Start the process (or find it running) and return when it listens; `target` is a database's socket.

        With None it goes on with the list that it was told to spread over, or else lets clients wait.
        """
        found = self.status(spec)
        if found is not None:
            return found
        account = service_account()
        spec.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        let_through(account, spec.folder)
        record = _record(spec)
        daemon.stop(record, with_signal=signal.SIGKILL)
        boot = Boot(
            address=spec.address,
            port=spec.port,
            folder=str(spec.folder),
            user=account.user,
            group=account.group,
            targets=[
                str(path) for path in ([target] if target else endpoint_record.recall(spec.folder) or [])
            ],
            certificate=_text(spec.certificate),
            key=_text(spec.key),
            end_point=endpoint_certificate.end_point(spec.certificate) if spec.certificate else None,
            sign_in=_text(spec.sign_in),
            require_tls=spec.require_tls,
            reserved=sorted({account.name, process.own_account().name}),
        )
        daemon.start(
            [sys.executable, "-m", self._module, spec.name],
            record,
            folder=spec.folder,
            output=_log(spec),
            environment=_environment(),
            account=process.own_account(),
            given=msgspec.json.encode(boot),
        )
        began, pause = time.monotonic(), threading.Event()
        while (found := self.status(spec)) is None:
            if daemon.running(record) is None:
                raise EndpointFailed(f"the endpoint {spec.name} did not start:\n{_tail(spec)}")
            if time.monotonic() - began > _START:
                raise EndpointFailed(f"the endpoint {spec.name} does not answer:\n{_tail(spec)}")
            pause.wait(0.02)
        return found

    def status(self, spec: EndpointSpec) -> EndpointStatus | None:
        """Return how it is; None when no process runs."""
        pid = daemon.running(_record(spec))
        if pid is None:
            return None
        try:
            said = self._ask(spec, {"do": "status"}, timeout=_PATIENCE)
        except TimeoutError as problem:
            # It is busy: whoever took it for dead would end it, and every session with it.
            raise EndpointFailed(f"the endpoint {spec.name} is slow to answer:\n{_tail(spec)}") from problem
        except OSError:
            return None
        target = Path(said.pop("target")) if said["target"] else said.pop("target")
        databases = tuple(
            DatabaseAtEndpoint(socket=Path(one.pop("socket")), **one) for one in said.pop("databases")
        )
        return EndpointStatus(pid=pid, target=target, databases=databases, **said)

    def hold(self, spec: EndpointSpec, *, drain: float, deadline: float) -> Held:
        """Let transactions that are open end within `drain` seconds, cut those that did not, and keep every client waiting."""
        return Held(*self._tell(spec, {"do": "hold", "drain": drain, "deadline": deadline}, _ANSWER + drain))

    def prepare(self, spec: EndpointSpec, target: Path) -> None:
        """Hear where a release will probably send everybody, and sign in there ahead; changes nothing for the clients."""
        self._tell(spec, {"do": "prepare", "target": str(target)}, _ANSWER)

    def release(self, spec: EndpointSpec, target: Path) -> None:
        """Send everybody, those who wait first, to this database."""
        endpoint_record.forget(spec.folder)
        self._tell(spec, {"do": "release", "target": str(target)}, _ANSWER)

    def spread(self, spec: EndpointSpec, targets: Sequence[Path], *, end_within: float | None = None) -> None:
        """Send new connections to these databases, and held clients, too; the list is kept for a process to come."""
        endpoint_record.remember(spec.folder, targets)
        named = [str(path) for path in targets]
        self._tell(spec, {"do": "spread", "targets": named, "end_within": end_within}, _ANSWER)

    def fail_over(self, spec: EndpointSpec, *, deadline: float) -> int:
        """End every session, since the database is dead, and let new clients wait for a release; returns how many there were."""
        endpoint_record.forget(spec.folder)
        return int(self._tell(spec, {"do": "fail_over", "deadline": deadline}, _ANSWER))

    def cut(self, spec: EndpointSpec) -> int:
        """End every session; return how many there were."""
        return int(self._tell(spec, {"do": "cut"}, _ANSWER))

    def stop(self, spec: EndpointSpec) -> None:
        """End the process; the address is free on return."""
        try:
            daemon.stop(_record(spec), patience=5)
        except daemon.StillRuns:
            daemon.stop(_record(spec), with_signal=signal.SIGKILL)

    def _tell(self, spec: EndpointSpec, command: dict[str, Any], timeout: float) -> Any:
        try:
            return self._ask(spec, command, timeout=timeout)
        except OSError as problem:
            raise EndpointFailed(
                f"the endpoint {spec.name} did not answer: {problem}\n{_tail(spec)}"
            ) from problem

    def _ask(self, spec: EndpointSpec, command: dict[str, Any], *, timeout: float) -> Any:
        folder = os.open(spec.folder, os.O_PATH | os.O_DIRECTORY)
        try:
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
                connection.settimeout(timeout)
                connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
                connection.sendall(json.dumps(command).encode() + b"\n")
                with connection.makefile("rb") as replies:
                    line = replies.readline()
        finally:
            os.close(folder)
        if not line:
            raise ConnectionError("it closed the connection")
        said = json.loads(line)
        if "error" in said:
            raise EndpointFailed(said["error"])
        return said["ok"]


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _record(spec: EndpointSpec) -> Path:
    return spec.folder / "process.json"


def _log(spec: EndpointSpec) -> Path:
    return spec.folder / "endpoint.log"


def _tail(spec: EndpointSpec) -> str:
    with suppress(FileNotFoundError):
        return "\n".join(_log(spec).read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])
    return "(it wrote no log)"


def _environment() -> dict[str, str]:
    """Return what the module needs to be found: where this package lies, and nothing of ours besides."""
    here = str(Path(__file__).parents[2])
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": here, "LANG": "C.UTF-8"}
