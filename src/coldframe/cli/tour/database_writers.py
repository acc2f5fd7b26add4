"""Writers for the tour: the engine's own command-line client, fed one transaction at a time, and what each of them saw."""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from coldframe.core import process

_TABLE = "CREATE TABLE written (w INT NOT NULL, n INT NOT NULL, PRIMARY KEY (w, n))"
_INSERT = "INSERT INTO written (w, n) VALUES ({w}, {n}); SELECT {n};\n"


class ClientMissing(Exception):
    """The command-line client of an engine is not on this machine; the text says what installs it."""


class Client:
    """A session of the engine's own client through an endpoint; the password comes from a file, never from its arguments."""

    def __init__(self, instance: dict[str, Any], password: str) -> None:
        self._room = tempfile.TemporaryDirectory(prefix="coldframe-tour-")
        program, words, self.environment = _invocation(instance, password, Path(self._room.name))
        found = process.find(program)
        if found is None:
            raise ClientMissing(
                f"{program} is not on this machine; run: coldframe engines install {instance['Engine']}"
            )
        self.words = [str(found), *words]

    def ask(self, sql: str) -> list[str]:
        """Run statements and return the lines of what they answer; raises ProgramFailed."""
        done = process.run(
            [*self.words, "-e" if "mariadb" in self.words[0] else "-c", sql], environment=self.environment
        )
        return done.stdout.splitlines()


class Writer:
    """One writer: what was acknowledged, its errors, and the longest time between two acknowledgements in seconds."""

    def __init__(self, number: int, client: Client) -> None:
        self.number = number
        self.acknowledged = 0
        self.errors: list[str] = []
        self.longest = 0.0
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"writer-{number}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write no more, and return when the last transaction is over."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        session = process.talk(self._client.words, environment=self._client.environment)
        assert session.stdin is not None
        assert session.stdout is not None
        last = 0.0
        while not self._stop.is_set():
            n = self.acknowledged + 1
            try:
                session.stdin.write(_INSERT.format(w=self.number, n=n))
                session.stdin.flush()
                answer = session.stdout.readline().strip()
            except OSError:
                answer = ""
            if answer != str(n):
                session.kill()
                _, said = session.communicate()
                self.errors.append(said.strip() or f"the session ended: {answer!r}")
                return
            now = time.perf_counter()
            self.longest = max(self.longest, now - last) if last else 0.0
            self.acknowledged, last = n, now
        session.communicate()


class Writers:
    """Several writers at once."""

    def __init__(self, instance: dict[str, Any], password: str, count: int) -> None:
        self.client = Client(instance, password)
        self.all = [Writer(number, self.client) for number in range(count)]

    def __enter__(self) -> Self:
        """Make the table, and begin to write."""
        self.client.ask(_TABLE)
        for each in self.all:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let them write no more."""
        self.stop()

    def stop(self) -> None:
        """Let them write no more."""
        for each in self.all:
            each.stop()

    def wait(self, pause: Callable[[float], None], rows: int) -> None:
        """Return when so many more rows are written, or a writer has met an error."""
        until = self.written + rows
        while self.written < until and not self.errors:
            pause(0.02)

    def measure_anew(self) -> float:
        """Return the longest wait so far, and begin to measure another; a wait that lasts now counts to the new ones."""
        before = self.longest
        for each in self.all:
            each.longest = 0.0
        return before

    @property
    def written(self) -> int:
        """How many rows were acknowledged."""
        return sum(each.acknowledged for each in self.all)

    @property
    def errors(self) -> list[str]:
        """What went wrong."""
        return [error for each in self.all for error in each.errors]

    @property
    def longest(self) -> float:
        """The longest time that any writer waited for an acknowledgement, in seconds."""
        return max(each.longest for each in self.all)


def _invocation(
    instance: dict[str, Any], password: str, folder: Path
) -> tuple[str, list[str], dict[str, str]]:
    """Return the program, its words and its environment; the password lies in a file that only we can read."""
    where = instance["Endpoint"]
    host, port, user = where["Address"], str(where["Port"]), instance["MasterUsername"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    secret = folder / "client"
    secret.touch(mode=0o600)
    if instance["Engine"] == "mariadb":
        secret.write_text(f'[client]\npassword="{password}"\n', encoding="utf-8")
        words = [
            "--batch",
            "--skip-column-names",
            "--unbuffered",
            "--skip-reconnect",
            "-h",
            host,
            "-P",
            port,
            "-u",
            user,
        ]
        return "mariadb", [f"--defaults-file={secret}", *words, instance["DBName"]], environment
    secret.write_text(f"{host}:{port}:*:{user}:{password}\n", encoding="utf-8")
    words = ["-X", "-q", "-A", "-t", "-h", host, "-p", port, "-U", user, "-d", instance["DBName"]]
    return "psql", words, {**environment, "PGPASSFILE": str(secret)}
