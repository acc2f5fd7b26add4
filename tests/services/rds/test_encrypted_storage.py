"""StorageEncrypted with real engines: nothing of an encrypted database lies on the disk in clear, and its key decides who reads."""

import base64
import json

import pytest
from botocore.exceptions import ClientError

from coldframe.engines import encrypted_folders
from coldframe.services.rds import lookup
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.wrapped_keys import CONTEXT
from tests.engines.databases import kits
from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import until
from tests.journeys.writers import connector, session
from tests.server_fixtures import running_server
from tests.services.rds.conftest import (
    PASSWORD,
    available,
    code_of,
    described,
    made,
    remove_all,
    served,
    settled,
    wanted,
)
from tests.services.rds.exports import asked, ended, place_for_exports, table
from tests.services.rds.test_db_instances import other_account

pytestmark = [needs_root, pytest.mark.xdist_group("rds_encrypted")]
ENGINES = ["mariadb", "postgres"]


@pytest.fixture(scope="module")
def disk():
    with cut_disk(size=6 << 30, features="encrypt") as made:
        yield made


@pytest.fixture(scope="module")
def server(disk):
    with served(home=disk.folder, cache_dir=kits.cache()) as running:
        yield running


@pytest.fixture(scope="module")
def place(server):
    return place_for_exports(server)


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


def deleted(rds, *names):
    """Delete instances and wait until they are gone."""
    for name in names:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    for name in names:
        rds.get_waiter("db_instance_deleted").wait(
            DBInstanceIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )


def all_encrypted(story):
    """Every folder of a database, a snapshot, an archive is encrypted, each instance's under a key of its own."""
    root = story.databases.root
    for folder in (*root.glob("db-*"), *root.glob("snapshots/*"), *root.glob("archive/*")):
        assert encrypted_folders.key_of(folder) is not None, folder
    keys = [encrypted_folders.key_of(folder) for folder in root.glob("db-*")]
    assert len(set(keys)) == len(keys)


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
    assert list(story.databases.root.glob("archive/*"))
    all_encrypted(story)
    assert disk.holds(story.marker.encode(), b"marked.ibd", b"app/db.opt") == []
    # Nor does the key: not in the records, the journal of jobs, any log.
    key = story.row().encryption
    raw = story.server.client("kms").decrypt(
        CiphertextBlob=base64.b64decode(key.wrapped), EncryptionContext={CONTEXT: key.owner}
    )["Plaintext"]
    assert encrypted_folders.name_of(raw) == key.name
    assert disk.holds(raw[:32], raw.hex().encode(), base64.b64encode(raw)[:40]) == []
    backups = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=story.name)
    assert backups["DBInstanceAutomatedBackups"][0]["KmsKeyId"] == story.key
    deleted(rds, restored, later, replica)


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
    deleted(rds, restored)
    rds.start_db_instance(DBInstanceIdentifier=story.name)
    assert story.reads(available(rds, story.name)) == story.marker


def test_an_encrypted_snapshot_is_exported_and_what_that_needs_is_encrypted_and_gone_afterwards(
    story, server, rds, disk, place
):
    available(rds, story.name)
    saved = story.snapshot(f"exported-{story.engine}")
    available(rds, story.name)
    rds.stop_db_instance(DBInstanceIdentifier=story.name)
    until(lambda: described(rds, story.name)["DBInstanceStatus"] == "stopped")
    key, name = story.row().encryption, f"encrypted-{story.engine}"
    rds.start_export_task(**asked(place, saved["DBSnapshotArn"], name))
    until(lambda: rds.describe_export_tasks(ExportTaskIdentifier=name)["ExportTasks"][0]["PercentProgress"])
    # It needs its key until the end, also when nobody else does any more.
    rds.delete_db_snapshot(DBSnapshotIdentifier=saved["DBSnapshotIdentifier"])
    assert ended(rds, name)["Status"] == "COMPLETE"
    schema = "app/app" if story.engine == "mariadb" else "app/public"
    assert [row["t"] for row in table(server, f"{name}/{schema}.marked/")] == [story.marker]
    assert disk.holds(story.marker.encode()) == []
    assert not list(story.databases.root.glob("export-*"))
    until(lambda: encrypted_folders.locked(story.databases.root, key.name))
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


def test_the_green_side_is_encrypted_too_and_switched_over_to(story, rds, disk):
    available(rds, story.name)
    identifier = rds.create_blue_green_deployment(
        BlueGreenDeploymentName=f"of-{story.name}", Source=described(rds, story.name)["DBInstanceArn"]
    )["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    there = settled(rds, identifier)
    assert there["Status"] == "AVAILABLE", there
    green = described(rds, there["Target"])
    assert (green["StorageEncrypted"], green["KmsKeyId"]) == (True, story.key)
    all_encrypted(story)
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    assert settled(rds, identifier)["Status"] == "SWITCHOVER_COMPLETED"
    after = described(rds, story.name)
    assert after["DbiResourceId"] == green["DbiResourceId"]
    assert (after["KmsKeyId"], story.reads(after)) == (story.key, story.marker)
    assert disk.holds(story.marker.encode()) == []
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    deleted(rds, f"{story.name}-old1")
    story.id = after["DbiResourceId"]


def test_an_upgrade_to_another_major_version_stays_in_the_encrypted_folder(story, rds, disk):
    before = available(rds, story.name)
    (listed,) = rds.describe_db_engine_versions(Engine=story.engine, EngineVersion=before["EngineVersion"])[
        "DBEngineVersions"
    ]
    targets = [row["EngineVersion"] for row in listed["ValidUpgradeTarget"] if row["IsMajorVersionUpgrade"]]
    rds.modify_db_instance(
        DBInstanceIdentifier=story.name,
        EngineVersion=targets[0],
        ApplyImmediately=True,
        AllowMajorVersionUpgrade=True,
    )
    until(lambda: described(rds, story.name)["DBInstanceStatus"] != "upgrading", 120)
    after = available(rds, story.name)
    assert after["EngineVersion"] == targets[0]
    assert story.reads(after) == story.marker
    if story.engine == "mariadb":
        # The job is the same for all engines.
        saved = f"stopped-{story.engine}"
        rds.modify_db_snapshot(DBSnapshotIdentifier=saved, EngineVersion=targets[0])
        assert story.saved(saved)["EngineVersion"] == targets[0]
    all_encrypted(story)
    assert disk.holds(story.marker.encode()) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_green_side_of_a_database_in_clear_is_encrypted_where_a_key_is_named(server, rds, engine):
    key = server.client("kms").create_key()["KeyMetadata"]
    blue = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
    name = blue["DBInstanceIdentifier"]
    with session(connector(blue, PASSWORD)) as cursor:
        cursor.execute("CREATE TABLE marked (n INT PRIMARY KEY, t TEXT)")
        cursor.execute("INSERT INTO marked VALUES (1, 'one')")
    available(rds, name)
    with pytest.raises(ClientError) as caught:
        rds.create_db_instance_read_replica(
            DBInstanceIdentifier="no", SourceDBInstanceIdentifier=name, KmsKeyId=key["Arn"]
        )
    assert "can't create an encrypted read replica from an unencrypted DB instance" in str(caught.value)
    identifier = rds.create_blue_green_deployment(
        BlueGreenDeploymentName=f"of-{name}",
        Source=blue["DBInstanceArn"],
        TargetResourceConfigurations=[{"SourceArn": blue["DBInstanceArn"], "TargetKmsKeyId": key["KeyId"]}],
    )["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    there = settled(rds, identifier)
    assert there["Status"] == "AVAILABLE", there
    green = described(rds, there["Target"])
    assert (green["StorageEncrypted"], green["KmsKeyId"]) == (True, key["Arn"])
    folder = server.installation.parts.get(Databases).root / green["DbiResourceId"]
    assert encrypted_folders.key_of(folder) is not None
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    assert settled(rds, identifier)["Status"] == "SWITCHOVER_COMPLETED"
    after = described(rds, name)
    assert after["StorageEncrypted"]
    with session(connector(after, PASSWORD)) as cursor:
        cursor.execute("SELECT t FROM marked WHERE n = 1")
        assert cursor.fetchone()[0] == "one"


def for_another_account(server, rds, shared):
    """Another account copies a snapshot that is shared with it once it may use its key, too, and under a key of its own."""
    account, theirs = other_account(server)
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier=shared["DBSnapshotIdentifier"], AttributeName="restore", ValuesToAdd=[account]
    )
    copy = {"SourceDBSnapshotIdentifier": shared["DBSnapshotArn"], "TargetDBSnapshotIdentifier": "theirs"}
    with pytest.raises(ClientError) as caught:
        theirs.copy_db_snapshot(**copy, KmsKeyId="alias/aws/rds")
    assert code_of(caught) == "KMSKeyNotAccessibleFault"
    kms, key = server.client("kms"), shared["KmsKeyId"]
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    who = {"AWS": f"arn:aws:iam::{account}:root"}
    used = {"Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"}
    policy["Statement"].append(used)
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    with pytest.raises(ClientError) as caught:
        theirs.copy_db_snapshot(**copy)
    assert code_of(caught) == "InvalidParameterValue"
    theirs.copy_db_snapshot(**copy, KmsKeyId="alias/aws/rds")
    theirs.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier="theirs", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (found,) = theirs.describe_db_snapshots(DBSnapshotIdentifier="theirs")["DBSnapshots"]
    assert found["KmsKeyId"].split(":")[4] == account
    theirs.delete_db_snapshot(DBSnapshotIdentifier="theirs")


def test_copies_of_snapshots_are_encrypted_under_the_key_that_is_named(server, rds, disk):
    kms, marker = server.client("kms"), "only-in-a-copy-that-was-clear-" * 4
    other = kms.create_key()["KeyMetadata"]["Arn"]
    found = made(rds, DBName="app")
    with session(connector(found, PASSWORD)) as cursor:
        cursor.execute("CREATE TABLE marked (n INT PRIMARY KEY, t TEXT)")
        cursor.execute("INSERT INTO marked VALUES (1, %s)", [marker])
    wait = {"Delay": 1, "MaxAttempts": 60}
    there = rds.get_waiter("db_snapshot_available")
    rds.create_db_snapshot(DBSnapshotIdentifier="clear", DBInstanceIdentifier=found["DBInstanceIdentifier"])
    there.wait(DBSnapshotIdentifier="clear", WaiterConfig=wait)
    chain = [("clear", "own", "alias/aws/rds"), ("own", "others", other), ("others", "as-it-was", None)]
    for source, target, key in chain:
        named = {"KmsKeyId": key} if key else {}
        copy = rds.copy_db_snapshot(
            SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=target, **named
        )["DBSnapshot"]
        assert copy["Encrypted"]
        there.wait(DBSnapshotIdentifier=target, WaiterConfig=wait)
    copies = {row["DBSnapshotIdentifier"]: row for row in rds.describe_db_snapshots()["DBSnapshots"]}
    assert copies["others"]["KmsKeyId"] == copies["as-it-was"]["KmsKeyId"] == other
    assert "KmsKeyId" not in copies["clear"]
    with pytest.raises(ClientError) as caught:
        rds.modify_db_snapshot_attribute(
            DBSnapshotIdentifier="own", AttributeName="restore", ValuesToAdd=["111122223333"]
        )
    assert "default service key for RDS" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        server.client("rds", region="us-west-2").copy_db_snapshot(
            SourceDBSnapshotIdentifier=copies["others"]["DBSnapshotArn"],
            TargetDBSnapshotIdentifier="far",
            SourceRegion="us-east-1",
        )
    assert "Must specify new KMS key for cross region encrypted snapshot copy." in str(caught.value)
    far = server.client("rds", region="us-west-2")
    far.copy_db_snapshot(
        SourceDBSnapshotIdentifier=copies["others"]["DBSnapshotArn"],
        TargetDBSnapshotIdentifier="far",
        KmsKeyId="alias/aws/rds",
    )
    far.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="far", WaiterConfig=wait)
    (there_too,) = far.describe_db_snapshots(DBSnapshotIdentifier="far")["DBSnapshots"]
    assert there_too["KmsKeyId"].startswith("arn:aws:kms:us-west-2:")
    far.delete_db_snapshot(DBSnapshotIdentifier="far")
    for_another_account(server, rds, copies["others"])
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="of-copies", DBSnapshotIdentifier="as-it-was", BackupRetentionPeriod=0
    )
    restored = available(rds, "of-copies")
    assert (restored["StorageEncrypted"], restored["KmsKeyId"]) == (True, other)
    with session(connector(restored, PASSWORD)) as cursor:
        cursor.execute("SELECT t FROM marked")
        assert cursor.fetchone()[0] == marker
    # Those in clear are found, so that looking would find the others.
    assert disk.holds(marker.encode()) == [marker.encode()]
    # When nothing is left that a key opens, nobody has a grant for it any more.
    grants = {row["GrantId"] for row in kms.list_grants(KeyId=other)["Grants"]}
    assert len(grants) == 2
    # One whose key is disabled can be deleted still.
    rds.stop_db_instance(DBInstanceIdentifier="of-copies")
    until(lambda: described(rds, "of-copies")["DBInstanceStatus"] == "stopped")
    kms.disable_key(KeyId=other)
    rds.start_db_instance(DBInstanceIdentifier="of-copies")
    until(lambda: described(rds, "of-copies")["DBInstanceStatus"].startswith("inaccessible-encryption"))
    deleted(rds, "of-copies")
    for name in ("others", "as-it-was"):
        rds.delete_db_snapshot(DBSnapshotIdentifier=name)
    until(lambda: not kms.list_grants(KeyId=other)["Grants"])


def test_keys_that_are_of_no_use_are_refused_and_leave_nothing_behind(server, rds):
    kms = server.client("kms")
    disabled = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=disabled)
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    good = kms.create_key()["KeyMetadata"]["Arn"]
    _, key = server.add_user("eve", {"Effect": "Allow", "Action": "rds:*", "Resource": "*"})
    cases = [(rds, "alias/none"), (rds, disabled), (rds, signing), (server.client("rds", **key), good)]
    for who, named in cases:
        with pytest.raises(ClientError) as caught:
            who.create_db_instance(**wanted(StorageEncrypted=True, KmsKeyId=named))
        assert code_of(caught) == "KMSKeyNotAccessibleFault"
        assert f"Specified KMS key [{named}] does not exist, is not enabled" in str(caught.value)
    assert not kms.list_grants(KeyId=good)["Grants"]
    # The AWS managed key is for everybody who may use RDS.
    answer = server.client("rds", **key).create_db_instance(**wanted(StorageEncrypted=True))["DBInstance"]
    assert answer["KmsKeyId"].startswith("arn:aws:kms:")
    available(rds, answer["DBInstanceIdentifier"])
    deleted(rds, answer["DBInstanceIdentifier"])
    options = rds.describe_orderable_db_instance_options(Engine="mariadb", MaxRecords=20)
    assert all(row["SupportsStorageEncryption"] for row in options["OrderableDBInstanceOptions"])


def test_where_folders_cannot_be_encrypted_nothing_is_made_and_it_is_said_why():
    with served(home="/dev/shm") as running:
        rds = running.client("rds")
        with pytest.raises(ClientError) as caught:
            rds.create_db_instance(**wanted(StorageEncrypted=True))
        assert code_of(caught) == "InvalidParameterCombination"
        assert "tmpfs file system at /dev/shm cannot encrypt folders" in str(caught.value)
        assert "mkfs.ext4 -O encrypt" in str(caught.value)
        assert not rds.describe_db_instances()["DBInstances"]
        options = rds.describe_orderable_db_instance_options(Engine="mariadb", MaxRecords=20)
        assert not any(row["SupportsStorageEncryption"] for row in options["OrderableDBInstanceOptions"])


def test_after_a_boot_a_server_brings_encrypted_databases_back():
    with cut_disk(size=2 << 30, features="encrypt") as disk:
        data = disk.folder / "data"
        with running_server(data, cache_dir=kits.cache()) as server:
            root = server.account, server.access_key_id, server.secret_access_key
            rds = server.client("rds")
            stories = [Encrypted(server, rds, engine) for engine in ENGINES]
            keys = [story.row().encryption.name for story in stories]
        # The power goes: no process, no key, and what was not synced is lost.
        disk.cut()
        disk.back()
        for story, key in zip(stories, keys, strict=True):
            folder = data / "databases" / story.id
            assert encrypted_folders.locked(data / "databases", key)
            assert encrypted_folders.key_of(folder) == key
            assert not (folder / "data").exists()
        with running_server(data, root=root, cache_dir=kits.cache()) as server:
            rds = server.client("rds")
            for story in stories:
                story.server, story.rds = server, rds
                until(lambda story=story: back(story), 90)
                assert story.reads() == story.marker
            remove_all(rds)


def back(story):
    """Whether an instance was started again since the boot."""
    told = story.rds.describe_events(SourceIdentifier=story.name, SourceType="db-instance", Duration=60)
    return "Recovery of the DB instance is complete." in {row["Message"] for row in told["Events"]}
