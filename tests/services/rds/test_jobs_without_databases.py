"""After a power cut a job may go on before the databases that it is about: it starts them, in place of failing."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from coldframe.services.rds import stages
from coldframe.services.rds.databases import Databases
from tests.journeys.process import until
from tests.server_fixtures import running_server
from tests.services.rds.conftest import PASSWORD, available, described, made, remove_all

pytestmark = pytest.mark.xdist_group("supervision")


@pytest.fixture
def rds():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with running_server(folder / "data") as running:
        yield running.client("rds")
        remove_all(running.client("rds"))
    shutil.rmtree(folder)


def killed_before(monkeypatch, module, name):
    """Have the databases of a step killed when it begins; gives who died."""
    real, dead = getattr(module, name), []

    def step(run, resource_id, *more):
        databases = run.part(Databases)
        instance = stages.instance_of(run, resource_id)
        both = [instance, *([stages.instance_of(run, instance.source)] if instance.source else [])]
        for each in both:
            engine, spec = databases.engine(each.engine), databases.spec(each)
            os.kill(engine.reattach(spec).pid, signal.SIGKILL)
            until(lambda engine=engine, spec=spec: engine.status(spec).state == "crashed")
            dead.append(each.identifier)
        return real(run, resource_id, *more)

    monkeypatch.setattr(module, name, step)
    return dead


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_a_replica_is_made_and_promoted_and_a_password_set(rds, monkeypatch, engine):
    # Which the server has loaded by its jobs.
    from coldframe.services.rds import modifying, replicating

    source = made(rds, engine, BackupRetentionPeriod=1)["DBInstanceIdentifier"]
    followed = killed_before(monkeypatch, replicating, "follow")
    rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier=source)
    available(rds, "copy")
    assert followed == ["copy", source]
    opened = killed_before(monkeypatch, replicating, "open_for_writes")
    rds.promote_read_replica(DBInstanceIdentifier="copy", BackupRetentionPeriod=1)
    until(lambda: opened)
    assert opened == ["copy"]
    until(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in available(rds, "copy"))

    def backed_up():
        found = rds.describe_db_snapshots(DBInstanceIdentifier="copy")["DBSnapshots"]
        assert not [each for each in found if each["Status"] == "failed"]
        return [each for each in found if each["Status"] == "available"]

    # Only when it takes writes, as one in recovery has no log of its own to archive.
    until(backed_up)
    told = killed_before(monkeypatch, modifying, "_set_password")
    rds.modify_db_instance(
        DBInstanceIdentifier="copy", MasterUserPassword=f"{PASSWORD}x", ApplyImmediately=True
    )
    until(lambda: told)
    until(lambda: "MasterUserPassword" not in described(rds, "copy")["PendingModifiedValues"])
    available(rds, "copy")
