"""Fixtures of MariaDB's endpoint: two databases with the same rows and users, which its tests share, and an endpoint for each test."""

import contextlib

import pymysql
import pytest

from coldframe.engines.endpoint import EndpointSpec
from coldframe.engines.mariadb.endpoints import MariaDBEndpoints
from tests.engines.certificates import certificate_in
from tests.engines.databases.conftest import Instances
from tests.engines.databases.kits import MASTER, loopback, mariadb


@pytest.fixture(scope="session")
def kit():
    return mariadb()


@pytest.fixture(scope="session")
def instances(kit):
    """Instances that all of these tests share."""
    with Instances.somewhere(kit) as made:
        yield made


@pytest.fixture(scope="session")
def pair(kit, instances):
    """Two databases with the same rows, users and roles; the second is a copy of the first."""
    more = {"settings": {"max_allowed_packet": str(1 << 28)}}
    one, other = instances.running("one", **more), instances.spec("other", **more)
    where = kit.engine.reattach(one).socket
    for statement in (
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(100))",
        "CREATE TABLE entries (id INT PRIMARY KEY, word VARCHAR(100))",
        "CREATE ROLE painter",
        "CREATE USER reader IDENTIFIED BY 'only reads'",
        "GRANT SELECT ON app.* TO reader",
        "CREATE USER careful IDENTIFIED BY 'c' REQUIRE SSL",
        "CREATE USER certified IDENTIFIED BY 'c' REQUIRE X509",
        "GRANT SELECT ON app.* TO careful, certified",
        "CREATE PROCEDURE hides() CREATE TEMPORARY TABLE hidden (id INT)",
        "CREATE PROCEDURE shows() SELECT 1",
    ):
        kit.rows(where, statement)
    kit.engine.copies.copy(one, other, "physical")
    kit.engine.start(other)
    return where, kit.engine.reattach(other).socket


@pytest.fixture(scope="session")
def certificate(instances):
    """A certificate for the endpoint and its key, as files."""
    return certificate_in(instances.folder, "endpoint")


class Endpoint:
    """A running endpoint and clients of it."""

    def __init__(self, spec, pair):
        self.spec, self.pair = spec, pair
        self.of = MariaDBEndpoints()
        self.of.start(spec, pair[0])

    def connect(self, user=MASTER.user, password=MASTER.password, **more):
        more.setdefault("database", "app")
        more.setdefault("autocommit", True)
        more.setdefault("read_timeout", 30)
        if "ssl" not in more:
            more.setdefault("ssl_disabled", True)
        return contextlib.closing(
            pymysql.connect(host=self.spec.address, port=self.spec.port, user=user, password=password, **more)
        )

    def hold(self, *, drain=0.2, deadline=60):
        return self.of.hold(self.spec, drain=drain, deadline=deadline)

    def release(self, number):
        self.of.release(self.spec, self.pair[number])

    def move(self):
        """Move everybody to the other database."""
        held = self.hold()
        self.release(1)
        return held


@pytest.fixture
def endpoint(request, pair, certificate, instances):
    """An endpoint in front of the first database."""
    address, port = loopback()
    name = f"endpoint-{request.node.name[:40]}"
    spec = EndpointSpec(
        name, "mariadb", address, port, instances.folder / name, certificate[0], certificate[1]
    )
    made = Endpoint(spec, pair)
    yield made
    made.of.stop(spec)


def ask(connection, statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()


def server_of(connection):
    return ask(connection, "SELECT @@server_id")[0][0]
