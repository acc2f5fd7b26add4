"""StorageEncrypted of DB clusters: members, snapshots, archives and restores are encrypted, and nothing lies on the disk in clear."""

import shutil
from functools import partial

import pytest

from coldframe.engines import encrypted_folders
from coldframe.services.rds.clusters import rejoining
from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import until
from tests.journeys.writers import ERRORS, connector, session
from tests.services.rds.clusters import (
    Behind,
    add_member,
    at_cluster,
    cluster_of,
    made_cluster,
    remove_clusters,
    settled_cluster,
    wanted_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, deployment_of, described, served

pytestmark = [needs_root, pytest.mark.xdist_group("rds_encrypted"), pytest.mark.timeout(600)]
MARKER = "a row that no block of the disk has in clear"


@pytest.fixture(scope="module")
def disk():
    with cut_disk(size=6 << 30, features="encrypt") as made:
        yield made


@pytest.fixture(scope="module")
def server(disk):
    with served(remove_clusters, home=disk.folder) as running:
        yield running


@pytest.fixture
def kms_key(server):
    return server.client("kms").create_key()["KeyMetadata"]["Arn"]


def rows(rds, name):
    """What is in the table; None while nobody answers."""
    try:
        with session(connector(at_cluster(cluster_of(rds, name)), PASSWORD)) as cursor:
            cursor.execute("SELECT note FROM marked ORDER BY n")
            return [row[0] for row in cursor.fetchall()]
    except ERRORS:
        return None


def write(rds, name, statement):
    with session(connector(at_cluster(cluster_of(rds, name)), PASSWORD)) as cursor:
        cursor.execute(statement)


def snapshot_made(rds, name):
    def there():
        (found,) = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"]
        assert found["Status"] != "failed"
        return found if found["Status"] == "available" else None

    return until(there, 60)


def with_member(rds, name, engine):
    add_member(rds, name, engine, f"{name}-a")
    settled_cluster(rds, name)
    available(rds, f"{name}-a")
    return cluster_of(rds, name)


def all_encrypted(server):
    """Whether every folder of data, every snapshot and every archive of a server is encrypted."""
    root = server.installation.settings.data_dir / "databases"
    folders = [*root.glob("db-*"), *root.glob("snapshots/*"), *root.glob("archive/*")]
    assert folders
    return [str(path) for path in folders if encrypted_folders.key_of(path) is None] == []


@pytest.mark.parametrize("engine", ["aurora-postgresql", "mariadb"])
def test_everything_that_is_made_of_an_encrypted_cluster_is_encrypted(rds, server, disk, engine, kms_key):
    cluster = made_cluster(rds, engine, StorageEncrypted=True, BackupRetentionPeriod=1)
    name, key = cluster["DBClusterIdentifier"], cluster["KmsKeyId"]
    assert cluster["StorageEncrypted"]
    assert key.startswith("arn:aws:kms:us-east-1:")
    for each in cluster["DBClusterMembers"]:
        member = described(rds, each["DBInstanceIdentifier"])
        assert (member["StorageEncrypted"], member["KmsKeyId"]) == (True, key)
    write(rds, name, "CREATE TABLE marked (n INT PRIMARY KEY, note VARCHAR(100))")
    write(rds, name, f"INSERT INTO marked VALUES (1, '{MARKER}')")
    Behind(server, name).promotable(1)
    before = writer_of(rds, name)
    rds.failover_db_cluster(DBClusterIdentifier=name)
    until(lambda: writer_of(rds, name) != before, 60)
    settled_cluster(rds, name)
    _reader_made_anew(rds, server, name)
    assert until(partial(rows, rds, name), 60) == [MARKER]
    rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=f"{name}-s")
    snapshot = snapshot_made(rds, f"{name}-s")
    assert (snapshot["StorageEncrypted"], snapshot["KmsKeyId"]) == (True, key)
    copied = rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=f"{name}-s",
        TargetDBClusterSnapshotIdentifier=f"{name}-c",
        KmsKeyId=kms_key,
    )["DBClusterSnapshot"]
    assert (copied["StorageEncrypted"], copied["KmsKeyId"]) == (True, kms_key)
    snapshot_made(rds, f"{name}-c")
    settled_cluster(rds, name)
    restores = {f"{name}-r": f"{name}-c", f"{name}-t": None}
    write(rds, name, "INSERT INTO marked VALUES (2, 'later')")
    for restored, source in restores.items():
        if source is None:
            rds.restore_db_cluster_to_point_in_time(
                SourceDBClusterIdentifier=name, DBClusterIdentifier=restored, UseLatestRestorableTime=True
            )
        else:
            rds.restore_db_cluster_from_snapshot(
                SnapshotIdentifier=source, DBClusterIdentifier=restored, Engine=engine, DatabaseName="app"
            )
        again = with_member(rds, restored, engine)
        assert (again["StorageEncrypted"], again["KmsKeyId"]) == (True, kms_key if source else key)
    assert until(partial(rows, rds, f"{name}-r"), 60) == [MARKER]
    assert until(partial(rows, rds, f"{name}-t"), 60) == [MARKER, "later"]
    assert all_encrypted(server)
    assert disk.holds(MARKER.encode()) == []


def _reader_made_anew(rds, server, name):
    """A reader whose files are gone comes back as a copy of the writer's, in a folder that is encrypted."""
    behind = Behind(server, name)
    reader = next(
        each["DBInstanceIdentifier"]
        for each in cluster_of(rds, name)["DBClusterMembers"]
        if not each["IsClusterWriter"]
    )
    until(lambda: not behind.members()[reader].note, 60)
    engine, spec = behind.engine(reader)

    def change(act):
        with server.installation.store.write() as transaction:
            records = transaction.records(server.account, "us-east-1")
            act(records, behind.members()[reader])

    # Nobody else sees to it meanwhile.
    change(lambda records, row: records.change(row, note=rejoining.REJOINS))
    engine.stop(spec, at_once=True)
    shutil.rmtree(spec.folder / "data")
    change(lambda records, row: rejoining.begin(records, behind.databases, records.change(row, note="")))
    until(lambda: (spec.folder / "data").exists(), 60)
    until(lambda: not behind.members()[reader].note, 60)
    behind.promotable(1)
    available(rds, reader)


def test_a_stopped_cluster_is_closed_and_one_whose_key_is_disabled_is_not_accessible(rds, server, kms_key):
    cluster = made_cluster(rds, "mariadb", members=1, StorageEncrypted=True, KmsKeyId=kms_key)
    name = cluster["DBClusterIdentifier"]
    row = Behind(server, name).record().encryption
    root, encryption = (
        server.installation.settings.data_dir / "databases",
        Behind(server, name).databases.encryption,
    )
    write(rds, name, "CREATE TABLE marked (n INT PRIMARY KEY, note VARCHAR(100))")
    assert encrypted_folders.unlocked(root, row.name)
    rds.stop_db_cluster(DBClusterIdentifier=name)
    until(lambda: cluster_of(rds, name)["Status"] == "stopped", 60)
    # The first automated snapshot may be under way.
    until(lambda: encrypted_folders.locked(root, row.name), 30)
    kms = server.client("kms")
    kms.disable_key(KeyId=kms_key)
    rds.start_db_cluster(DBClusterIdentifier=name)
    until(lambda: cluster_of(rds, name)["Status"] == "inaccessible-encryption-credentials-recoverable", 60)
    kms.enable_key(KeyId=kms_key)
    rds.start_db_cluster(DBClusterIdentifier=name)
    settled_cluster(rds, name)
    assert until(lambda: rows(rds, name) is not None, 60)
    # The data outlive the last member, closed, and the next one opens them.
    member = cluster["DBClusterMembers"][0]["DBInstanceIdentifier"]
    rds.delete_db_instance(DBInstanceIdentifier=member, SkipFinalSnapshot=True)
    until(lambda: not cluster_of(rds, name)["DBClusterMembers"], 60)
    encryption.lock(row)
    rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=f"{name}-s")
    snapshot_made(rds, f"{name}-s")
    settled_cluster(rds, name)
    with_member(rds, name, "mariadb")
    assert until(lambda: rows(rds, name) is not None, 60)
    # As after a boot: no process, no key.
    Behind(server, name).kill(f"{name}-a")
    encryption.lock(row)
    assert until(lambda: encrypted_folders.unlocked(root, row.name) and rows(rds, name) is not None, 60)


def test_what_cannot_be_is_refused(rds, kms_key):
    faults = rds.exceptions
    with pytest.raises(
        faults.ClientError, match="You must enable StorageEncrypted when you specify KmsKeyId"
    ):
        rds.create_db_cluster(**wanted_cluster("mariadb", KmsKeyId=kms_key))
    with pytest.raises(faults.KMSKeyNotAccessibleFault, match="alias/none"):
        rds.create_db_cluster(**wanted_cluster("mariadb", StorageEncrypted=True, KmsKeyId="alias/none"))
    clear = made_cluster(rds, "mariadb", members=1, BackupRetentionPeriod=1)["DBClusterIdentifier"]
    rds.create_db_cluster_snapshot(DBClusterIdentifier=clear, DBClusterSnapshotIdentifier=f"{clear}-s")
    assert not snapshot_made(rds, f"{clear}-s")["StorageEncrypted"]
    with pytest.raises(faults.ClientError, match="is not encrypted"):
        rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=f"{clear}-s",
            TargetDBClusterSnapshotIdentifier=f"{clear}-c",
            KmsKeyId=kms_key,
        )
    with pytest.raises(faults.ClientError, match="is not encrypted"):
        rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=clear,
            DBClusterIdentifier=f"{clear}-t",
            UseLatestRestorableTime=True,
            KmsKeyId=kms_key,
        )
    # A snapshot in clear becomes an encrypted cluster where a key is named.
    again = rds.restore_db_cluster_from_snapshot(
        SnapshotIdentifier=f"{clear}-s", DBClusterIdentifier=f"{clear}-r", Engine="mariadb", KmsKeyId=kms_key
    )["DBCluster"]
    assert (again["StorageEncrypted"], again["KmsKeyId"]) == (True, kms_key)
    settled_cluster(rds, f"{clear}-r")


def test_a_green_cluster_is_encrypted_under_the_key_that_is_named(rds, server, kms_key):
    blue = made_cluster(rds, "mariadb", members=1)
    write(rds, blue["DBClusterIdentifier"], "CREATE TABLE marked (n INT PRIMARY KEY, note VARCHAR(100))")
    write(rds, blue["DBClusterIdentifier"], "INSERT INTO marked VALUES (1, 'kept')")
    arn = blue["DBClusterArn"]
    identifier = rds.create_blue_green_deployment(
        BlueGreenDeploymentName="d",
        Source=arn,
        TargetResourceConfigurations=[{"SourceArn": arn, "TargetKmsKeyId": kms_key}],
    )["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    until(lambda: deployment_of(rds, identifier)["Status"] == "AVAILABLE", 120)
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    until(lambda: deployment_of(rds, identifier)["Status"] == "SWITCHOVER_COMPLETED", 120)
    now = settled_cluster(rds, blue["DBClusterIdentifier"])
    assert (now["StorageEncrypted"], now["KmsKeyId"]) == (True, kms_key)
    assert until(lambda: rows(rds, blue["DBClusterIdentifier"]) == ["kept"], 60)
    behind = Behind(server, blue["DBClusterIdentifier"])
    for member in behind.members():
        _, spec = behind.engine(member)
        assert encrypted_folders.key_of(spec.folder) == behind.record().encryption.name
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 60)
