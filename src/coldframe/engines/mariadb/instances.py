"""The processes of instances: launched as the service account, awaited, found again, stopped."""

import contextlib
import shutil
import signal
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from coldframe.core.durable import sync_folder
from coldframe.core.process import Account
from coldframe.engines import daemon
from coldframe.engines.accounts import let_through, private_folder, service_account
from coldframe.engines.database import DatabaseError, InstanceSpec, Running, Version
from coldframe.engines.mariadb import changes, logs, open_logs, settings, versions
from coldframe.engines.mariadb.client import Client, Unreachable
from coldframe.engines.mariadb.places import Kept, Place
from coldframe.engines.mariadb.template import ENVIRONMENT
from coldframe.engines.mariadb.versions import Versions

# Recovery after a crash may take its time; a start that fails is seen at once, by the end of the process.
_START = 300.0
_STOP = 120.0


class Instances:
    """Runs instances; `cache` holds unpacked versions and templates."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.installed = Versions(cache / "engines")
        self._starts: dict[Path, threading.RLock] = {}

    def version(self, spec: InstanceSpec) -> Version:
        """Return the installed version that an instance runs; raises VersionMissing."""
        return self.installed.get(spec.version)

    def named_version(self, version: str) -> Version:
        """Return an installed version by its number; raises VersionMissing."""
        return self.installed.get(version)

    def account(self) -> Account:
        """Return the user of the system that instances run as."""
        return service_account()

    def client(self, spec: InstanceSpec, *, timeout: float = 30) -> Client:
        """Connect to a running instance as its administrator."""
        return Client(Place(spec).socket, timeout=timeout)

    def start(self, spec: InstanceSpec) -> Running:
        """Start it and return when it accepts connections; raises DatabaseError with the last lines of its log."""
        # Several may need it at once, such as the readers of a cluster their writer: one of them starts it.
        with self._starts.setdefault(spec.folder, threading.RLock()):
            return self._start(spec)

    def _start(self, spec: InstanceSpec) -> Running:
        place = Place(spec)
        if not place.data.exists():
            raise DatabaseError(f"{spec.name} has no data directory", "create, copy or restore it first")
        running = self.reattach(spec)
        if running is None:
            kept = place.kept()
            kept.port = _free_port(settings.private_address(spec), kept.port)
            kept.settings = settings.effective(spec)
            # Once it follows it has thrown away what it received and had not applied.
            kept.acknowledging = ""
            place.keep(kept)
            first = [f"--init-file={place.first_statements}"] if place.first_statements.exists() else []
            self.launch(spec, kept, first)
        pid = self.await_answer(spec)
        if late := settings.by_statement(spec) if running is None else {}:
            with self.client(spec) as client:
                changes.change(client, {}, late)
        if place.first_statements.exists():
            place.first_statements.unlink()
            # Were they back, the next start would make what its owner has dropped since.
            sync_folder(place.folder)
        return Running(pid, place.socket)

    def launch(self, spec: InstanceSpec, kept: Kept, options: Sequence[str]) -> None:
        """Start the process with options beside its configuration; it may not answer yet on return."""
        place, account, version = Place(spec), self.account(), self.version(spec)
        place.lay_out(account)
        place.list_logs(account)
        settings.write(spec, version, kept, account)
        place.socket.unlink(missing_ok=True)
        if daemon.state(place.record) == "crashed":
            open_logs.mark(place.binlog_index)
        server = versions.needed(version, "mariadbd")
        let_through(account, server.parent)
        root = ["--user=root"] if account.user == 0 else []
        daemon.start(
            [server, f"--defaults-file={place.configuration}", *root, *options],
            place.record,
            folder=place.run,
            output=place.error_log,
            environment=ENVIRONMENT,
            account=account,
        )

    def empty(self, folder: Path) -> None:
        """Make a folder of the account's that has nothing in it."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        private_folder(self.account(), folder)

    def await_answer(self, spec: InstanceSpec) -> int:
        """Wait until a process that was launched answers and return its id; raises DatabaseError when it ended."""
        place, began, pause = Place(spec), time.monotonic(), threading.Event()
        while True:
            pid = daemon.running(place.record)
            if pid is None:
                raise DatabaseError(
                    f"MariaDB {spec.version} of {spec.name} did not start:\n{logs.tail(place.error_log)}",
                    "the error log of the instance says why",
                )
            try:
                with self.client(spec, timeout=5):
                    return pid
            except Unreachable as problem:
                if time.monotonic() - began > _START:
                    raise DatabaseError(
                        f"{spec.name} runs and does not answer:\n{logs.tail(place.error_log)}",
                        "it may still recover; look at its error log and start it again",
                    ) from problem
            pause.wait(0.01)

    def reattach(self, spec: InstanceSpec) -> Running | None:
        """Return the process that an earlier server started, if it still runs and is the same."""
        place = Place(spec)
        pid = daemon.running(place.record) or self._forgotten(place)
        if pid is None:
            return None
        let_through(self.account(), spec.folder)
        return Running(pid, place.socket)

    def stop(self, spec: InstanceSpec, *, at_once: bool = False) -> None:
        """Stop it and return when the process is gone; `at_once` does not wait for anything to be written."""
        place = Place(spec)
        self._forgotten(place)
        if not at_once:
            with contextlib.suppress(daemon.StillRuns):
                daemon.stop(place.record, with_signal=signal.SIGTERM, patience=_STOP)
                return
        daemon.stop(place.record, with_signal=signal.SIGKILL)
        # It may have been about to end by itself.
        open_logs.mark(place.binlog_index)

    def set_read_only(self, spec: InstanceSpec, *, on: bool) -> None:
        """Refuse (or allow) writes from everybody but replication: at once, and after any restart or crash."""
        place = Place(spec)
        kept = place.kept()
        if kept.read_only != on:
            # Every start writes the configuration from this.
            kept.read_only = on
            place.keep(kept)
        if self.reattach(spec) is not None:
            with self.client(spec) as client:
                client.query(f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")

    def _forgotten(self, place: Place) -> int | None:
        """Find a process that was started by a server that ended before it could write that down."""
        if daemon.state(place.record) != "stopped":
            return None
        try:
            pid = int((place.run / "pid").read_text(encoding="utf-8"))
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        if f"--defaults-file={place.configuration}".encode() not in words:
            return None
        daemon.adopt(place.record, pid)
        return pid


def _free_port(address: str, wanted: int) -> int:
    """Return the wanted port of a loopback address if it is free, else another; its replicas learn it when they follow."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, wanted))
        except OSError:
            probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
