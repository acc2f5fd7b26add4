"""Starts coldframe, moto and ministack for a benchmark, measures them from outside, and stops them by their id."""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coldframe.server.files import read_root

SOURCE = Path(__file__).resolve().parent.parent / "src"
PEERS = Path(os.environ.get("COLDFRAME_BENCH_PEERS", Path.home() / ".cache" / "coldframe-bench" / "peers"))
REGION = "us-east-1"
_TICK = os.sysconf("SC_CLK_TCK")
_UP = "import sys; from coldframe.cli.main import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and the credentials it takes."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    access_key: str = "AKIAIOSFODNN7EXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

    @property
    def endpoint(self) -> str:
        """The address to call."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str):
        """A botocore client that waits for slow answers and tries once."""
        from botocore.config import Config
        from botocore.session import Session

        return Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=120),
        )

    def cpu_seconds(self) -> float:
        """Processor time that the server and its children have used."""
        return sum(_ticks(pid) for pid in tree(self.process.pid)) / _TICK


def free_port() -> int:
    """A port of the loopback address that nobody listens on, nor on the one after it (coldframe's port for TLS)."""
    while True:
        with socket.socket() as probe, socket.socket() as following:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            with contextlib.suppress(OSError):
                following.bind(("127.0.0.1", port + 1))
                return port


def coldframe_command(data: Path, port: int, *options: str) -> list[str]:
    """The command that serves `data`, with the interpreter that runs the benchmark."""
    return [sys.executable, "-c", _UP, "up", "--data", str(data), "--port", str(port), *options]


def environment() -> dict[str, str]:
    """The environment of a server: the sources of this checkout come first, and their bytecode is kept.

    The launcher keeps it too; where Python is told to write none every start would compile the sources again.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(SOURCE)}


@contextlib.contextmanager
def coldframe(data: Path, *options: str) -> Iterator[Server]:
    """coldframe on a data directory, until the block ends; yields when it has printed that it is ready."""
    port = free_port()
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(
            coldframe_command(data, port, *options), stdout=subprocess.PIPE, stderr=log, env=environment()
        )
        with stopped(process):
            wait_for_line(process, b"ready ", 60)
            root = read_root(data)
            yield Server("coldframe", port, process, root.access_key_id, root.secret_access_key)


@contextlib.contextmanager
def peer(name: str, directory: Path) -> Iterator[Server]:
    """moto or ministack from the environment of the peers, until the block ends."""
    port = free_port()
    commands = {
        "moto": [str(PEERS / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        "ministack": [str(PEERS / "bin" / "python"), "-m", "ministack"],
    }
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        "HOME": str(directory),
    }
    with (directory / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            commands[name], stdout=log, stderr=log, cwd=directory, env={**os.environ, **settings}
        )
        with stopped(process):
            _wait_for_port(process, port, 60)
            yield Server(name, port, process)


def present(name: str) -> bool:
    """Tell whether a peer is installed."""
    script = {"moto": "moto_server", "ministack": "ministack"}[name]
    return (PEERS / "bin" / script).exists()


def wait_for_line(process: subprocess.Popen[bytes], start: bytes, seconds: float) -> float:
    """The moment (time.perf_counter) at which the process printed a line that begins so."""
    assert process.stdout is not None
    deadline = time.perf_counter() + seconds
    waiting = selectors.DefaultSelector()
    waiting.register(process.stdout, selectors.EVENT_READ)
    while time.perf_counter() < deadline and waiting.select(deadline - time.perf_counter()):
        line = process.stdout.readline()
        if line.startswith(start):
            return time.perf_counter()
        if not line:
            break
    raise RuntimeError(f"the server did not print {start.decode()!r} within {seconds:.0f} s")


def tree(pid: int) -> list[int]:
    """A process and everything it started."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def memory(pid: int) -> tuple[float, float]:
    """Megabytes resident, and proportional (shared pages divided among those who share them), of a process tree."""
    resident = proportional = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                resident += int(line.split()[1])
            elif line.startswith("Pss:"):
                proportional += int(line.split()[1])
    return resident / 1024, proportional / 1024


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _wait_for_port(process: subprocess.Popen[bytes], port: int, seconds: float) -> None:
    deadline = time.perf_counter() + seconds
    while process.poll() is None and time.perf_counter() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args} does not listen on port {port}; its log says why")


@contextlib.contextmanager
def stopped(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop the process and what it started when the block ends."""
    try:
        yield
    finally:
        family: Sequence[int] = tree(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(15)
        if process.stdout is not None:
            process.stdout.close()
