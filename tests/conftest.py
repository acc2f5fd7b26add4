"""Fixtures of every test: a store on SQLite and on PostgreSQL, whose server is started once a run and stopped at its end."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from coldframe.core.store import Store
from tests import groups
from tests.server_fixtures import RunningServer, TestClock
from tests.server_fixtures import running_server as running_server_on

# How fast examples come says how busy the machine is, and nothing of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
# A hook of every run of the tests.
pytest_collection_modifyitems = groups.pytest_collection_modifyitems

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server, with `{}` in place of the database's name."""
    with running_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/coldframe.db"
    return emptied_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store without tables."""
    opened = Store.open(store_url)
    yield opened
    opened.close()


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """Start a server as an unprivileged user; it is stopped at the end."""
    if not BINARIES:
        raise AssertionError("PostgreSQL is missing: apt-get install postgresql")
    binaries = BINARIES[-1].parent
    owner = {"user": "nobody"} if os.geteuid() == 0 else {}
    home = Path(tempfile.mkdtemp(prefix="coldframe-postgresql-"))
    if owner:
        shutil.chown(home, "nobody")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = home / "data"
    try:
        _run(
            owner,
            home,
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "coldframe",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        # The tests kill clients and never the machine, so that this server need not wait for the disk.
        options = f"-c fsync=off -c listen_addresses=127.0.0.1 -p {port} -k {home} -c shared_buffers=16MB"
        _run(owner, home, binaries / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
        try:
            yield f"postgresql://coldframe@127.0.0.1:{port}/{{}}"
        finally:
            _run(owner, home, binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def emptied_database(server: str) -> str:
    """The server's one database without tables and without other users (killed ones may linger); answers its URL."""
    url = server.format("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'coldframe %'"
        )
        connection.execute(
            "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        )
    return url


def _run(owner: dict[str, str], home: Path, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=home, capture_output=True, text=True, check=False, **owner
    )
    if done.returncode:
        raise AssertionError(f"{command[0]}: {done.stdout}{done.stderr}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A running server of the test's own, with an empty data directory."""
    with running_server_on(tmp_path / "data") as running:
        yield running


@pytest.fixture
def aws(server: RunningServer) -> Callable[..., Any]:
    """Makes boto3 clients of the test's server as root: `aws("logs")`."""
    return server.client


@pytest.fixture
def clock(server: RunningServer) -> TestClock:
    """The clock of the test's server, which the test may turn forward."""
    return server.clock
