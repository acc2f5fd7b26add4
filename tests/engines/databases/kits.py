"""What the tests of database engines need of each: the engine, its endpoints, and a real client of its own protocol."""

import contextlib
import itertools
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pymysql

from coldframe.core.config import default_cache_dir
from coldframe.engines.database import CopyKind, DatabaseEngine, InstanceSpec, Login
from coldframe.engines.endpoint import Endpoints
from coldframe.engines.mariadb.endpoints import MariaDBEndpoints
from coldframe.engines.mariadb.server import MariaDB
from coldframe.engines.postgresql.endpoints import PostgreSQLEndpoints
from coldframe.engines.postgresql.engine import PostgreSQL

MASTER = Login("admin", "correct horse battery")
_SERIALS = itertools.count(os.getpid() % 60000 * 32 + 1)


def cache() -> Path:
    """Where templates of the tests lie; versions that the machine's user has installed are found, too."""
    folder = Path(tempfile.gettempdir()) / f"coldframe-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    installed = default_cache_dir() / "engines"
    if installed.is_dir() and not (folder / "engines").exists():
        with contextlib.suppress(FileExistsError):
            (folder / "engines").symlink_to(installed)
    return folder


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """A socket's path in less than 108 characters."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@dataclass
class Kit:
    """One engine as the tests see it.

    `session` opens an autocommitting DB-API connection to a socket, or to `(host, port)`; `now` is a setting that
    changes at once and `later` one that waits for a restart; `plain` are options that do without TLS,
    and `apply_nothing` keeps a copy from applying while its session lasts.
    """

    name: str
    engine: DatabaseEngine
    endpoints: Endpoints
    versions: list[str]
    session: Callable[..., Any]
    refused: type[Exception]
    read_only_off: str
    now: tuple[str, str, str]
    later: tuple[str, str]
    plain: dict[str, Any] = field(default_factory=dict)
    copy_kind: CopyKind = "physical"
    apply_nothing: str = "FLUSH TABLES WITH READ LOCK"

    def spec(self, folder: Path, name: str, **more: Any) -> InstanceSpec:
        """A spec of an instance below a folder."""
        more.setdefault("version", self.versions[0])
        return InstanceSpec(name=name, folder=folder / name, serial=next(_SERIALS), **more)

    def rows(self, where: Any, statement: str, *values: Any, login: Login = MASTER, **more: Any) -> list[Any]:
        """Run one statement as a user and return its rows."""
        with contextlib.closing(self.session(where, login, **more)) as session, session.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []


def _mysql_session(where: Any, login: Login, database: str | None = "app", **more: Any) -> Any:
    more = {"user": login.user, "password": login.password, "database": database, "autocommit": True, **more}
    if isinstance(where, Path):
        with short(where) as name:
            return pymysql.connect(unix_socket=name, **more)
    return pymysql.connect(host=where[0], port=where[1], **more)


def mariadb() -> Kit:
    """MariaDB in the version of the system, and the newest other one if it is installed."""
    engine = MariaDB(cache())
    found = [version.major for version in engine.versions()]
    return Kit(
        name="mariadb",
        engine=engine,
        endpoints=MariaDBEndpoints(),
        versions=[found[0], found[-1]] if len(found) > 1 else found,
        session=_mysql_session,
        refused=pymysql.MySQLError,
        read_only_off="SET GLOBAL read_only = 0",
        now=("max_connections", "77", "SELECT @@global.max_connections"),
        later=("back_log", "70"),
        plain={"ssl_disabled": True},
    )


def _postgresql_session(where: Any, login: Login, database: str | None = "app", **more: Any) -> Any:
    place = {"host": str(where.parent)} if isinstance(where, Path) else {"host": where[0], "port": where[1]}
    more = {"user": login.user, "password": login.password, "dbname": database, "autocommit": True, **more}
    return psycopg.connect(**place, **more)


def postgresql() -> Kit:
    """PostgreSQL in the version of the system, and the newest other one if it is installed."""
    engine = PostgreSQL(cache())
    found = [version.major for version in engine.versions()]
    return Kit(
        name="postgresql",
        engine=engine,
        endpoints=PostgreSQLEndpoints(),
        versions=[found[0], found[-1]] if len(found) > 1 else found,
        session=_postgresql_session,
        refused=psycopg.Error,
        read_only_off="ALTER SYSTEM SET default_transaction_read_only = off",
        now=("work_mem", "5MB", "SHOW work_mem"),
        later=("max_connections", "70"),
        plain={"sslmode": "disable"},
        copy_kind="logical",
        apply_nothing="BEGIN READ WRITE; LOCK TABLE written IN EXCLUSIVE MODE",
    )


KITS = {"mariadb": mariadb, "postgresql": postgresql}


def until(condition: Callable[[], Any], *, seconds: float = 60, what: str = "") -> Any:
    """Wait for a condition and return its value; the limit is only there to end a test that hangs."""
    began = time.monotonic()
    while not (value := condition()):
        if time.monotonic() - began > seconds:
            raise AssertionError(f"did not come to be within {seconds} s: {what or condition}")
        time.sleep(0.005)
    return value


def loopback() -> tuple[str, int]:
    """An address of the test's own on the loopback network, with a free port."""
    address = f"127.{100 + os.getpid() % 20}.{next(_SERIALS) >> 8 & 255}.{next(_SERIALS) & 255}"
    with socket.socket() as probe:
        probe.bind((address, 0))
        return address, probe.getsockname()[1]
