"""A log goes to CloudWatch Logs by batches: whatever fails or dies in between, each line of it is there once."""

import contextlib
import json
import os
import re
import time

import pytest
from botocore.exceptions import ClientError

from coldframe.core.database import StoreFull
from coldframe.engines.database import InstanceSpec
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.log_exports import exporter as exporting
from coldframe.services.rds.log_exports import sending
from coldframe.services.rds.log_exports.keeping import remove_old
from coldframe.services.rds.log_exports.records import LogExport
from coldframe.services.rds.log_exports.sending import Sender
from coldframe.services.rds.log_exports.targets import Target
from tests.server_fixtures import running_server

GROUP, STREAM = "/aws/rds/instance/shop/error", "shop"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def logs(server):
    return server.client("logs")


class Export:
    """An error log of MariaDB that a test writes, and its export, by a server that may die at any moment."""

    def __init__(self, server, folder):
        self.server, self.installation = server, server.installation
        self.spec = InstanceSpec(name=folder.name, version="10.11", folder=folder, serial=1)
        self.path = folder / "logs" / "error" / "mysql-error.log"
        self.path.parent.mkdir(parents=True)
        self.target = Target(
            server.account, "us-east-1", f"db-{folder.name}", "error", GROUP, STREAM, "mariadb", self.spec
        )
        self.lines = []
        self.sender = Sender(self.installation)

    def write(self, *texts, at=None):
        """Write lines of a moment, now if none is said."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        with self.path.open("a") as file:
            for text in texts:
                self.lines.append(f"{stamp} 0 [Note] {text}")
                file.write(self.lines[-1] + "\n")
        long_ago = time.time() - 10
        os.utime(self.path, (long_ago, long_ago))

    def restart(self):
        """A server that knows what is written down, and nothing else."""
        self.sender = Sender(self.installation)

    def send(self):
        while self.sender.send(self.target):
            pass

    def row(self):
        with self.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            return records.find(LogExport, self.target.resource_id, "error")


@pytest.fixture
def export(server, tmp_path, logs):
    yield Export(server, tmp_path)
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=GROUP)


def stored(logs, stream=STREAM):
    """The messages of the stream in the order of their times."""
    found, token = [], ""
    while True:
        page = logs.get_log_events(
            logGroupName=GROUP,
            logStreamName=stream,
            startFromHead=True,
            **({"nextToken": token} if token else {}),
        )
        found += [each["message"] for each in page["events"]]
        if page["nextForwardToken"] == token:
            return found
        token = page["nextForwardToken"]


class Died(Exception):
    """The server died here."""


def test_what_was_put_and_not_noted_is_not_put_again(export, logs, monkeypatch):
    export.write("one", "two")
    export.send()
    export.write("three", "four")
    keep = Sender._keep

    def dies(self, target, row, places, batch):
        if batch is None:
            raise Died
        return keep(self, target, row, places, batch)

    monkeypatch.setattr(Sender, "_keep", dies)
    with pytest.raises(Died):
        export.send()
    monkeypatch.undo()
    assert export.row().batch.count == 2
    export.write("five")
    export.restart()
    export.send()
    assert stored(logs) == export.lines
    assert export.row().batch is None


@pytest.mark.parametrize("noted", [False, True], ids=["before it is noted", "after it is noted"])
def test_what_was_about_to_be_put_is_put(export, logs, monkeypatch, noted):
    export.write("one")
    export.send()
    export.write("two", "three")

    def dies(self, *arguments):
        raise Died

    monkeypatch.setattr(Sender, "_events" if noted else "_keep", dies)
    with pytest.raises(Died):
        export.send()
    monkeypatch.undo()
    assert bool(export.row().batch) == noted
    # The same second may have events of the batch before.
    export.restart()
    export.send()
    assert stored(logs) == export.lines


@pytest.mark.parametrize("taken", [False, True], ids=["before it took it", "after it took it"])
def test_a_service_that_fails_loses_nothing_and_doubles_nothing(export, logs, monkeypatch, taken):
    export.write("before")
    export.send()
    client = sending.client(export.installation, export.target)
    put = type(client).put_log_events

    def fails(self, **request):
        if taken:
            put(self, **request)
        error = {"Error": {"Code": "ServiceUnavailableException", "Message": "not now"}}
        raise ClientError(error, "PutLogEvents")

    for _ in range(3):
        monkeypatch.setattr(type(client), "put_log_events", fails)
        export.write("again", "and again")
        with pytest.raises(ClientError):
            export.send()
        monkeypatch.undo()
        export.write("in the meantime")
    export.send()
    assert stored(logs) == export.lines


def test_a_store_that_is_full_is_waited_for(export, logs, monkeypatch):
    export.write("one")

    def full(*_):
        raise StoreFull("the disk is full")

    monkeypatch.setattr(export.installation.store, "write", full)
    with pytest.raises(StoreFull):
        export.send()
    monkeypatch.undo()
    export.send()
    assert stored(logs) == export.lines


def test_a_group_that_was_deleted_is_made_again(export, logs):
    export.write("one")
    export.send()
    logs.delete_log_group(logGroupName=GROUP)
    export.write("two")
    export.send()
    assert stored(logs) == export.lines[1:]
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]


def test_policies_and_filters_of_the_group_hold(export, logs):
    logs.create_log_group(logGroupName=GROUP)
    statement = {"DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]}
    document = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {**statement, "Sid": "a", "Operation": {"Audit": {"FindingsDestination": {}}}},
            {**statement, "Sid": "m", "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    logs.put_data_protection_policy(logGroupIdentifier=GROUP, policyDocument=json.dumps(document))
    export.write("sent to somebody@example.com")
    export.send()
    (seen,) = stored(logs)
    assert re.fullmatch(r"\S+ \S+ 0 \[Note\] sent to \*+", seen)
    # What tells that a batch came does not read what is masked.
    row = export.row()
    assert row.places[0].offset == export.path.stat().st_size


def test_many_lines_come_in_order_over_many_batches(export, logs):
    for ago in (3, 2, 1):
        export.write(
            *(f"{ago} {number} " + "x" * 200 for number in range(4000)), at=time.time() - ago * 40_000
        )
    export.send()
    assert stored(logs) == export.lines


def test_lines_too_old_for_logs_hold_up_nobody(export, logs):
    export.write("old", at=time.time() - 15 * 86_400)
    export.write("new")
    export.send()
    assert stored(logs) == export.lines[1:]


def test_lines_of_a_time_to_come_are_there_now(export, logs):
    export.write("from tomorrow", at=time.time() + 86_400)
    export.send()
    assert stored(logs) == export.lines


def test_a_renamed_instance_goes_on_in_its_new_group_with_what_is_new(export, logs):
    export.write("one")
    export.send()
    export.target = export.target._replace(stream="renamed")
    export.write("two")
    export.send()
    assert (stored(logs), stored(logs, "renamed")) == (export.lines[:1], export.lines[1:])


def test_a_log_that_cannot_go_keeps_no_other_waiting_and_is_tried_again(export, logs, monkeypatch):
    lame = export.target._replace(resource_id="db-lame", group="not a group")
    found = exporting.LogExporter(export.installation)
    monkeypatch.setattr(found, "_targets", lambda: [lame, export.target])
    tried = []
    monkeypatch.setattr(
        Sender, "send", lambda self, target, send=Sender.send: (tried.append(target), send(self, target))[1]
    )
    export.write("one")
    found.look()
    assert stored(logs) == export.lines
    found.look()
    assert tried.count(lame) == 1
    now = time.monotonic
    monkeypatch.setattr(exporting.time, "monotonic", lambda: now() + 2 * exporting.AGAIN)
    found.look()
    assert tried.count(lame) == 2


def test_a_file_that_was_not_brought_stays_however_old_it_is(export, logs):
    """Also one of which a part was brought, and whatever the name that it has by now."""
    export.write("one")
    export.send()
    rotated = export.path.with_name("mysql-error.log.1")
    export.write("two")
    export.path.rename(rotated)
    export.write("three")

    def remove(row):
        upkeep = export.installation.parts.get(Databases).engine("mariadb").log_upkeep
        remove_old(upkeep.sources(export.spec, "error"), time.time() - 5, row)
        return sorted(path.name for path in export.path.parent.iterdir())

    os.utime(rotated, (time.time() - 20, time.time() - 20))
    assert remove(export.row()) == ["mysql-error.log", "mysql-error.log.1"]
    assert remove(LogExport(resource_id="db-other", kind="error")) == ["mysql-error.log", "mysql-error.log.1"]
    export.send()
    assert stored(logs) == export.lines
    assert remove(export.row()) == ["mysql-error.log"]
    assert remove(None) == ["mysql-error.log"]
