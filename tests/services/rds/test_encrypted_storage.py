"""StorageEncrypted with real engines: nothing of an encrypted database lies on the disk in clear, and its key decides who reads."""

import os
import signal

import pytest

from coldframe.engines import encrypted_folders
from coldframe.services.rds import lookup
from coldframe.services.rds.databases import Databases
from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import until
from tests.journeys.writers import connector, session
from tests.services.rds.conftest import PASSWORD, available, described, made, served

pytestmark = [needs_root, pytest.mark.xdist_group("rds_encrypted")]
ENGINES = ["mariadb", "postgres"]


@pytest.fixture(scope="module")
def disk():
    with cut_disk(size=6 << 30, features="encrypt") as made:
        yield made


@pytest.fixture(scope="module")
def server(disk):
    with served(home=disk.folder) as running:
        yield running


class Encrypted:
    """An encrypted instance with a row in it that can be looked for, and what made of it."""

    def __init__(self, server, rds, engine):
        self.server, self.rds, self.engine = server, rds, engine
        self.marker = f"a-row-that-nobody-else-has-{engine}-" * 4
        self.key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
        found = made(
            rds, engine, DBName="app", StorageEncrypted=True, KmsKeyId=self.key, BackupRetentionPeriod=1
        )
        self.name, self.id = found["DBInstanceIdentifier"], found["DbiResourceId"]
        with session(connector(found, PASSWORD)) as cursor:
            cursor.execute("CREATE TABLE marked (n INT PRIMARY KEY, t TEXT)")
            cursor.execute("INSERT INTO marked VALUES (1, %s)", [self.marker])

    @property
    def databases(self):
        return self.server.installation.parts.get(Databases)

    def row(self, found=None):
        """The record of an instance."""
        wanted = found["DbiResourceId"] if found else self.id
        with self.server.installation.store.read() as transaction:
            return lookup.by_resource(transaction.records(self.server.account, "us-east-1"), wanted)

    def spec(self):
        return self.databases.spec(self.row())

    def reads(self, found=None):
        """The marker, as a client reads it from an instance."""
        found = found or described(self.rds, self.name)
        with session(connector(found, PASSWORD)) as cursor:
            cursor.execute("SELECT t FROM marked WHERE n = 1")
            return cursor.fetchone()[0]

    def is_encrypted(self, folder):
        """Whether a folder is encrypted, under which key of the kernel's."""
        return encrypted_folders.key_of(folder)

    def snapshot(self, name):
        """Make a snapshot; gives its description."""
        self.rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=self.name)
        return self.saved(name)

    def saved(self, name):
        """Wait until a snapshot is there; gives its description."""
        self.rds.get_waiter("db_snapshot_available").wait(
            DBSnapshotIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        return self.rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]


@pytest.fixture(scope="module", params=ENGINES)
def story(request, server, rds):
    return Encrypted(server, rds, request.param)


def test_an_encrypted_instance_its_snapshots_and_all_that_is_made_of_them_leave_nothing_in_clear(
    story, rds, disk
):
    found = described(rds, story.name)
    assert (found["StorageEncrypted"], found["KmsKeyId"]) == (True, story.key)
    available(rds, story.name)
    saved = story.snapshot(f"saved-{story.engine}")
    assert (saved["Encrypted"], saved["KmsKeyId"]) == (True, story.key)
    restored = f"restored-{story.engine}"
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=restored, DBSnapshotIdentifier=saved["DBSnapshotIdentifier"]
    )
    later = f"later-{story.engine}"
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=story.name,
        TargetDBInstanceIdentifier=later,
        UseLatestRestorableTime=True,
        BackupRetentionPeriod=0,
    )
    replica = f"replica-{story.engine}"
    rds.create_db_instance_read_replica(DBInstanceIdentifier=replica, SourceDBInstanceIdentifier=story.name)
    for name in (restored, later, replica):
        there = available(rds, name)
        assert (there["StorageEncrypted"], there["KmsKeyId"]) == (True, story.key)
        until(lambda there=there: story.reads(there) == story.marker)
    root = story.databases.root
    for folder in (*root.glob("db-*"), *root.glob("snapshots/*"), *root.glob("archive/*")):
        assert encrypted_folders.key_of(folder) is not None, folder
    assert list(root.glob("archive/*"))
    assert disk.holds(story.marker.encode(), b"marked.ibd", b"app/db.opt") == []
    backups = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=story.name)
    assert backups["DBInstanceAutomatedBackups"][0]["KmsKeyId"] == story.key
    for name in (restored, later, replica):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    gone = rds.get_waiter("db_instance_deleted")
    for name in (restored, later, replica):
        gone.wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_without_its_key_it_cannot_be_read_and_supervision_brings_it_back(story, rds):
    available(rds, story.name)
    spec, key = story.spec(), story.row().encryption
    running = story.databases.engine(story.engine).status(spec).running
    # As after a boot: no process, no key.
    os.kill(running.pid, signal.SIGKILL)
    story.databases.engine(story.engine).stop(spec, at_once=True)
    until(lambda: encrypted_folders.remove_key(story.databases.root, key.name) is None)
    assert not (spec.folder / "data").exists()

    def told():
        events = rds.describe_events(SourceIdentifier=story.name, SourceType="db-instance", Duration=60)
        return "Recovery of the DB instance is complete." in {row["Message"] for row in events["Events"]}

    until(told, 60)
    assert story.reads() == story.marker


def test_a_stopped_instance_is_closed_and_its_backups_can_be_restored_meanwhile(story, rds):
    available(rds, story.name)
    saved = story.snapshot(f"stopped-{story.engine}")
    available(rds, story.name)
    folder, key, root = story.spec().folder, story.row().encryption, story.databases.root
    rds.stop_db_instance(DBInstanceIdentifier=story.name)
    until(lambda: described(rds, story.name)["DBInstanceStatus"] == "stopped")
    assert encrypted_folders.locked(root, key.name)
    assert not (folder / "data").exists()
    restored = f"meanwhile-{story.engine}"
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=restored,
        DBSnapshotIdentifier=saved["DBSnapshotIdentifier"],
        BackupRetentionPeriod=0,
    )
    assert story.reads(available(rds, restored)) == story.marker
    assert encrypted_folders.locked(root, key.name)
    rds.delete_db_instance(DBInstanceIdentifier=restored, SkipFinalSnapshot=True)
    rds.start_db_instance(DBInstanceIdentifier=story.name)
    assert story.reads(available(rds, story.name)) == story.marker


def test_an_instance_whose_key_is_disabled_is_inaccessible_until_it_is_enabled_and_started(story, rds):
    kms = story.server.client("kms")
    available(rds, story.name)
    rds.stop_db_instance(DBInstanceIdentifier=story.name)
    until(lambda: described(rds, story.name)["DBInstanceStatus"] == "stopped")
    kms.disable_key(KeyId=story.key)
    rds.start_db_instance(DBInstanceIdentifier=story.name)
    lost = "inaccessible-encryption-credentials-recoverable"
    until(lambda: described(rds, story.name)["DBInstanceStatus"] == lost)
    told = rds.describe_events(SourceIdentifier=story.name, SourceType="db-instance", Duration=60)["Events"]
    assert told[-1]["Message"].startswith(
        f"Amazon RDS has been unable to access the KMS encryption key for database instance {story.name}."
    )
    kms.enable_key(KeyId=story.key)
    rds.start_db_instance(DBInstanceIdentifier=story.name)
    assert story.reads(available(rds, story.name)) == story.marker
