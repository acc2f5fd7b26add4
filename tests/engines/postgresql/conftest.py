"""Fixtures of PostgreSQL's tests: the engine, instances that are stopped and removed at the end, endpoints."""

import contextlib
import itertools
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from coldframe.core.config import default_cache_dir
from coldframe.engines.database import InstanceSpec, Login
from coldframe.engines.endpoint import EndpointSpec
from coldframe.engines.postgresql.endpoints import PostgreSQLEndpoints
from coldframe.engines.postgresql.engine import PostgreSQL
from tests.engines.certificates import certificate_in

MASTER = Login("master", "correct horse battery")
_SERIALS = itertools.count(os.getpid() % 60000 * 32 + 1)


def cache() -> Path:
    """Where templates of the tests lie; versions that are installed for this user are found, too."""
    folder = Path(tempfile.gettempdir()) / f"coldframe-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not (folder / "engines").exists():
        with contextlib.suppress(FileExistsError):
            (folder / "engines").symlink_to(default_cache_dir() / "engines")
    return folder


def until(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait for a condition and return its value; the limit is only there to end a test that hangs."""
    began = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() - began < seconds, "it did not come to be"
        time.sleep(0.002)
    return value


class Instances:
    """Makes instances and endpoints and takes them away again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = PostgreSQL(cache())
        self.endpoints = PostgreSQLEndpoints()
        self._made: dict[str, InstanceSpec] = {}
        self._listening: list[EndpointSpec] = []

    def spec(self, name: str, **more: Any) -> InstanceSpec:
        """A spec that is known here, so that its instance is stopped at the end."""
        more.setdefault("version", "15")
        made = InstanceSpec(name=name, folder=self.folder / name, serial=next(_SERIALS), **more)
        self._made[name] = made
        return made

    def running(self, name: str, **more: Any) -> InstanceSpec:
        """An instance that has been created and started, with the database `app`."""
        made = self.spec(name, **more)
        self.engine.create(made, MASTER, "app")
        self.engine.start(made)
        return made

    def endpoint(self, name: str, target: InstanceSpec, **more: Any) -> EndpointSpec:
        """A running endpoint of a running instance."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        made = EndpointSpec(name, "postgresql", "127.0.0.1", port, self.folder / f"{name}-endpoint", **more)
        self._listening.append(made)
        self.endpoints.start(made, self.socket(target))
        return made

    def socket(self, spec: InstanceSpec) -> Path:
        """Where a running instance listens."""
        running = self.engine.reattach(spec)
        assert running is not None
        return running.socket

    def session(
        self, where: InstanceSpec | EndpointSpec, login: Login = MASTER, **more: Any
    ) -> psycopg.Connection:
        """A session of a real client, at an instance's socket or through an endpoint."""
        place = (
            {"host": str(self.socket(where).parent)}
            if isinstance(where, InstanceSpec)
            else {"host": where.address, "port": where.port}
        )
        options = {"dbname": "app", "autocommit": True, **place, **more}
        return psycopg.connect(user=login.user, password=login.password, **options)

    def rows(
        self, where: InstanceSpec | EndpointSpec, statement: str, *values: Any, **more: Any
    ) -> list[Any]:
        """Run a statement in a session of its own and return its rows."""
        with self.session(where, **more) as session:
            cursor = session.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Stop and remove all."""
        for endpoint in self._listening:
            self.endpoints.stop(endpoint)
        for made in self._made.values():
            if made.folder.exists():
                self.engine.stop(made, at_once=True)
                self.engine.destroy(made)


@pytest.fixture(scope="module")
def instances() -> Iterator[Instances]:
    """Instances that the tests of a module share.

    Not below pytest's own folder: another run that begins takes back the right of others to pass through it.
    """
    with tempfile.TemporaryDirectory(prefix="coldframe-pg-") as folder:
        made = Instances(Path(folder))
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def certificate(instances: Instances) -> tuple[Path, Path]:
    """A certificate for the endpoint and its key."""
    return certificate_in(instances.folder, "database.test")
