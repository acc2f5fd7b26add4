"""The server is killed at every step of the rotation of a master password: the secret has one that works, and logs go on once.

A client that is connected works all along; each of its statements is in the group of the instance's log exactly once.
"""

import contextlib
import json
import re
import threading
from collections import Counter

import pytest

from tests.engines.databases import kits
from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers, steps_of
from tests.journeys.process import ServerProcess, until
from tests.journeys.writers import ERRORS, connector, session
from tests.services.rds.conftest import available, remove_all, wanted
from tests.services.rds.test_log_exports import events

STEPS = (
    "look",
    "commit point",
    "it begins",
    "make the next password",
    "let the database take it",
    "make it the current one",
    "it is done",
)
LOGGED = {
    "mariadb": ("mariadb10.11", {"general_log": "1"}, "general", ""),
    "postgres": ("postgres15", {"log_statement": "all"}, "postgresql", ".0"),
}


class Client:
    """Says a number after the other, in one session, until it is stopped."""

    def __init__(self, connect):
        self.said, self.error = 0, None
        self._connect, self._stop = connect, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)

    def _work(self):
        try:
            with session(self._connect) as cursor:
                while not self._stop.wait(0.005):
                    cursor.execute(f"SELECT 'number {self.said};'")
                    cursor.fetchall()
                    self.said += 1
        except ERRORS as error:
            self.error = error


def lets_in(instance, password):
    """Tell whether a password is that of the master user."""
    with contextlib.suppress(*ERRORS), session(connector(instance, password)):
        return True
    return False


def made(server, engine):
    """An instance that logs every statement, and whose password is RDS's."""
    rds = server.client("rds")
    family, values, kind, _ = LOGGED[engine]
    rds.create_db_parameter_group(
        DBParameterGroupName="all", DBParameterGroupFamily=family, Description="logs every statement"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="all",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
            for name, value in values.items()
        ],
    )
    asked = wanted(
        engine,
        DBName="app",
        DBParameterGroupName="all",
        ManageMasterUserPassword=True,
        EnableCloudwatchLogsExports=[kind],
    )
    del asked["MasterUserPassword"]
    return available(rds, rds.create_db_instance(**asked)["DBInstance"]["DBInstanceIdentifier"])


def value(secrets, secret, **which):
    return json.loads(secrets.get_secret_value(SecretId=secret, **which)["SecretString"])["password"]


@pytest.mark.parametrize(
    ("engine", "moment", "steps"),
    [
        pytest.param("mariadb", BEFORE, STEPS[3:6], marks=pytest.mark.xdist_group("mariadb")),
        pytest.param("postgres", AFTER, STEPS, marks=pytest.mark.xdist_group("postgres")),
    ],
)
@pytest.mark.timeout(300)
def test_killed_at_every_step(short_folder, engine, moment, steps):
    kits.cache()
    data = short_folder / "data"
    _, _, kind, number = LOGGED[engine]
    try:
        with ServerProcess(data) as server:
            instance = made(server, engine)
            name, secret = instance["DBInstanceIdentifier"], instance["MasterUserSecret"]["SecretArn"]
            old = value(server.client("secretsmanager"), secret)
            server.stop()
        old_worked = {}
        with Client(connector(instance, old)) as client:
            until(lambda: client.said > 100)
            with Servers(data, moment) as servers:
                for step in steps:
                    servers.start(step)
                    if step == steps[0]:
                        servers.ask(
                            "modify_db_instance",
                            DBInstanceIdentifier=name,
                            RotateMasterUserPassword=True,
                            ApplyImmediately=True,
                        )
                    servers.died(step)
                    old_worked[step] = lets_in(instance, old)
            with ServerProcess(data) as server:
                after = available(server.client("rds"), name)
                assert after["MasterUserSecret"]["SecretStatus"] == "active"
                secrets, logs = server.client("secretsmanager"), server.client("logs")
                new = value(secrets, secret)
                assert new != old
                assert value(secrets, secret, VersionStage="AWSPREVIOUS") == old
                # There never was a third one: whoever read the secret, pending or current, had what the database took.
                versions = secrets.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True)[
                    "Versions"
                ]
                assert sorted(each["VersionStages"] for each in versions) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
                assert (lets_in(instance, new), lets_in(instance, old)) == (True, False)
                said = client.said
                until(lambda: client.said > said + 100)
                assert client.error is None
                client.__exit__()
                group, stream = f"/aws/rds/instance/{name}/{kind}", f"{name}{number}"
                last = f"number {client.said - 1};"
                until(lambda: any(last in each["message"] for each in events(logs, group, stream)[-50:]), 30)
                found = Counter(
                    int(text)
                    for each in events(logs, group, stream)
                    for text in re.findall(r"SELECT 'number (\d+);'", each["message"])
                )
                assert found == dict.fromkeys(range(client.said), 1)
        taken = steps.index("let the database take it")
        assert [old_worked[step] for step in steps] == [index < taken for index in range(len(steps))]
        assert steps_of(data, "rds.apply-pending") == list(STEPS)
    finally:
        with ServerProcess(data) as server:
            remove_all(server.client("rds"))
