"""DB instances on real MariaDB: defaults, states, changes now and in the window, replicas, deletion, and what is refused."""

import contextlib
import os
import signal
import ssl

import pymysql
import pytest
from botocore.exceptions import ClientError

from coldframe.services.rds import lookup
from coldframe.services.rds.databases import Databases
from tests.journeys.process import until
from tests.services.rds.conftest import PASSWORD, available, code_of, described, made, remove_all, wanted

pytestmark = pytest.mark.xdist_group("mariadb")


@contextlib.contextmanager
def connected(instance, password=PASSWORD, **more):
    """A session of the master user through the endpoint."""
    where = instance["Endpoint"]
    connection = pymysql.connect(
        host=where["Address"],
        port=where["Port"],
        user=instance["MasterUsername"],
        password=password,
        database=instance.get("DBName"),
        autocommit=True,
        connect_timeout=10,
        **more,
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        yield cursor


def value(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchone()[0]


@pytest.fixture(scope="module")
def instance(rds):
    return made(rds, DBName="app", BackupRetentionPeriod=1, Tags=[{"Key": "team", "Value": "a"}])


def test_an_instance_begins_as_rds_makes_them(rds):
    asked = wanted(DBInstanceIdentifier="Defaults", DBName="app")
    del asked["BackupRetentionPeriod"]
    first = rds.create_db_instance(**asked)["DBInstance"]
    assert first["DBInstanceIdentifier"] == "defaults"
    assert first["DBInstanceStatus"] == "creating"
    assert first["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    assert "Endpoint" not in first
    assert "InstanceCreateTime" not in first
    found = available(rds, "defaults")
    assert found["Endpoint"]["Port"] == 3306
    assert found["Endpoint"]["Address"].startswith("127.")
    assert found["BackupRetentionPeriod"] == 1
    assert found["AutoMinorVersionUpgrade"] is True
    assert found["StorageType"] == "gp3"
    assert found["LicenseModel"] == "general-public-license"
    assert found["DBParameterGroups"] == [
        {"DBParameterGroupName": "default.mariadb10.11", "ParameterApplyStatus": "in-sync"}
    ]
    assert found["OptionGroupMemberships"] == [
        {"OptionGroupName": "default:mariadb-10-11", "Status": "in-sync"}
    ]
    assert found["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert found["DbiResourceId"].startswith("db-")
    assert found["PendingModifiedValues"] == {}
    assert found["CertificateDetails"]["ValidTill"] > found["InstanceCreateTime"]
    assert (found["Iops"], found["StorageThroughput"]) == (3_000, 125)
    automated = rds.describe_db_snapshots(DBInstanceIdentifier="defaults", SnapshotType="automated")[
        "DBSnapshots"
    ]
    assert automated[0]["DBSnapshotIdentifier"].startswith("rds:defaults-")
    rds.delete_db_instance(DBInstanceIdentifier="defaults", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier="defaults", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def test_clients_come_in_through_the_endpoint_with_and_without_tls(server, instance):
    with connected(instance) as cursor:
        assert value(cursor, "SELECT DATABASE()") == "app"
        assert value(cursor, "SELECT @@read_only") == 0
    authority = next((server.installation.settings.data_dir / "databases").rglob("rds-ca-rsa2048-g1.pem"))
    with connected(instance, ssl=ssl.create_default_context(cafile=str(authority))) as cursor:
        assert value(cursor, "SELECT 1") == 1
    with pytest.raises(pymysql.err.OperationalError), connected(instance, password="wrong-one-9"):
        pass


def test_the_master_password_lies_nowhere_in_clear(server, instance):
    for path in server.installation.settings.data_dir.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


def test_a_taken_name_is_refused_in_any_case(rds, instance):
    with pytest.raises(ClientError) as caught:
        rds.create_db_instance(**wanted(DBInstanceIdentifier=instance["DBInstanceIdentifier"].upper()))
    assert code_of(caught) == "DBInstanceAlreadyExists"


def test_instances_are_found_by_arn_and_filters_and_paged(rds, instance):
    name = instance["DBInstanceIdentifier"]
    assert described(rds, instance["DBInstanceArn"])["DBInstanceIdentifier"] == name
    for filter_name, wanted_value in (
        ("db-instance-id", name),
        ("dbi-resource-id", instance["DbiResourceId"]),
        ("engine", "mariadb"),
    ):
        found = rds.describe_db_instances(Filters=[{"Name": filter_name, "Values": [wanted_value]}])[
            "DBInstances"
        ]
        assert name in {row["DBInstanceIdentifier"] for row in found}
    assert (
        rds.describe_db_instances(Filters=[{"Name": "engine", "Values": ["postgres"]}])["DBInstances"] == []
    )
    with pytest.raises(ClientError) as caught:
        rds.describe_db_instances(Filters=[{"Name": "moon", "Values": ["x"]}])
    assert code_of(caught) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        rds.describe_db_instances(DBInstanceIdentifier="nobody")
    assert code_of(caught) == "DBInstanceNotFound"
    assert "DBInstance nobody not found." in str(caught.value)


def test_parameters_reach_the_engine_at_once_or_after_a_reboot(rds):
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mariadb10.11", Description="x"
    )
    found = made(rds, DBParameterGroupName="tuned")
    name = found["DBInstanceIdentifier"]
    rds.modify_db_parameter_group(
        DBParameterGroupName="tuned",
        Parameters=[
            {"ParameterName": "long_query_time", "ParameterValue": "7", "ApplyMethod": "immediate"},
            # The server has no options for these two.
            {"ParameterName": "character_set_server", "ParameterValue": "utf8", "ApplyMethod": "immediate"},
            {"ParameterName": "time_zone", "ParameterValue": "Asia/Tokyo", "ApplyMethod": "immediate"},
            {
                "ParameterName": "innodb_ft_min_token_size",
                "ParameterValue": "5",
                "ApplyMethod": "pending-reboot",
            },
        ],
    )
    with connected(found) as cursor:
        until(lambda: value(cursor, "SELECT @@global.long_query_time") == 7)
        until(lambda: value(cursor, "SELECT @@global.time_zone") == "Asia/Tokyo")
        assert value(cursor, "SELECT @@global.character_set_server") == "utf8mb3"
        assert value(cursor, "SELECT @@innodb_ft_min_token_size") == 3
    assert described(rds, name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    assert rds.reboot_db_instance(DBInstanceIdentifier=name)["DBInstance"]["DBInstanceStatus"] == "rebooting"
    found = available(rds, name)
    assert found["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    with connected(found) as cursor:
        assert value(cursor, "SELECT @@innodb_ft_min_token_size") == 5
        assert value(cursor, "SELECT @@character_set_server") == "utf8mb3"
        assert value(cursor, "SELECT TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW())") == 9
    with pytest.raises(ClientError) as caught:
        rds.delete_db_parameter_group(DBParameterGroupName="tuned")
    assert code_of(caught) == "InvalidDBParameterGroupState"


def test_a_modification_waits_for_the_window_unless_it_is_to_be_applied_at_once(rds):
    name = made(rds)["DBInstanceIdentifier"]
    answer = rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.small")["DBInstance"]
    assert answer["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.small"}
    assert answer["DBInstanceStatus"] == "available"
    assert answer["DBInstanceClass"] == "db.t3.micro"
    # The value that it has takes back what waits.
    for storage, waits in ((50, {"AllocatedStorage": 50}), (20, {})):
        answer = rds.modify_db_instance(DBInstanceIdentifier=name, AllocatedStorage=storage)["DBInstance"]
        assert answer["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.small", **waits}
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserSecretKmsKeyId="alias/mine")
    assert code_of(caught) == "InvalidParameterCombination"
    # What waits already is applied with the rest.
    rds.modify_db_instance(
        DBInstanceIdentifier=name,
        MasterUserPassword="another-one-9",
        NewDBInstanceIdentifier="renamed",
        AllocatedStorage=40,
        ApplyImmediately=True,
    )
    until(
        lambda: (
            "renamed" in {row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]}
        )
    )
    found = available(rds, "renamed")
    assert (found["DBInstanceClass"], found["AllocatedStorage"]) == ("db.t3.small", 40)
    assert found["PendingModifiedValues"] == {}
    with connected(found, password="another-one-9") as cursor:
        assert value(cursor, "SELECT 1") == 1
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier="renamed", AllocatedStorage=30)
    assert code_of(caught) == "InvalidParameterCombination"
    messages = {
        row["Message"] for row in rds.describe_events(SourceType="db-instance", Duration=60)["Events"]
    }
    assert {"Reset master credentials", "Finished applying modification to DB instance class"} <= messages


def test_an_instance_is_stopped_and_started_on_the_same_address(rds):
    found = made(rds)
    name = found["DBInstanceIdentifier"]
    assert rds.stop_db_instance(DBInstanceIdentifier=name)["DBInstance"]["DBInstanceStatus"] == "stopping"
    until(lambda: described(rds, name)["DBInstanceStatus"] == "stopped")
    with pytest.raises(pymysql.err.OperationalError), connected(found):
        pass
    with pytest.raises(ClientError) as caught:
        rds.reboot_db_instance(DBInstanceIdentifier=name)
    assert code_of(caught) == "InvalidDBInstanceState"
    rds.start_db_instance(DBInstanceIdentifier=name)
    again = available(rds, name)
    assert again["Endpoint"] == found["Endpoint"]
    with connected(again) as cursor:
        assert value(cursor, "SELECT 1") == 1


def test_an_engine_that_crashes_is_restarted_and_reported(server, rds):
    found = made(rds, DBName="app")
    name = found["DBInstanceIdentifier"]
    with connected(found) as cursor:
        cursor.execute("CREATE TABLE kept (n INT)")
        cursor.execute("INSERT INTO kept VALUES (1)")
    databases = server.installation.parts.get(Databases)
    with server.installation.store.read() as transaction:
        row = lookup.by_resource(transaction.records(server.account, "us-east-1"), found["DbiResourceId"])
    engine, spec = databases.engine("mariadb"), databases.spec(row)
    os.kill(engine.status(spec).running.pid, signal.SIGKILL)

    def told():
        events = rds.describe_events(SourceIdentifier=name, SourceType="db-instance")["Events"]
        return "Recovery of the DB instance is complete." in {row["Message"] for row in events}

    until(told)
    with connected(found) as cursor:
        assert value(cursor, "SELECT n FROM kept") == 1


def exports_logs_and_grows(rds, name):
    """Give an instance what those that are made of it do not take over."""
    rds.modify_db_instance(
        DBInstanceIdentifier=name,
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["error"]},
        MaxAllocatedStorage=100,
        ApplyImmediately=True,
    )
    assert available(rds, name)["EnabledCloudwatchLogsExports"] == ["error"]


def test_a_replica_follows_is_read_only_and_is_promoted(rds, instance):
    name = instance["DBInstanceIdentifier"]
    exports_logs_and_grows(rds, name)
    rds.create_db_instance_read_replica(DBInstanceIdentifier="replica", SourceDBInstanceIdentifier=name)
    replica = available(rds, "replica")
    assert not {"EnabledCloudwatchLogsExports", "MaxAllocatedStorage"} & set(replica)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == name
    assert described(rds, name)["ReadReplicaDBInstanceIdentifiers"] == ["replica"]
    told = rds.describe_events(SourceType="db-instance", SourceIdentifier="replica")["Events"]
    # Both are of one moment.
    assert [row["Message"] for row in told][:2] == [
        "DB instance created",
        "Replication for the Read Replica resumed",
    ]
    with connected(instance) as cursor:
        cursor.execute("CREATE TABLE followed (n INT)")
        cursor.execute("INSERT INTO followed VALUES (7)")
    with connected(replica) as cursor:
        until(lambda: cursor.execute("SHOW TABLES LIKE 'followed'"))
        until(lambda: cursor.execute("SELECT n FROM followed"))
        with pytest.raises(pymysql.err.OperationalError):
            cursor.execute("INSERT INTO followed VALUES (8)")
    with pytest.raises(ClientError) as caught:
        rds.delete_db_instance(DBInstanceIdentifier="replica", FinalDBSnapshotIdentifier="last")
    assert code_of(caught) == "InvalidParameterCombination"
    rds.promote_read_replica(DBInstanceIdentifier="replica", BackupRetentionPeriod=0)
    alone = available(rds, "replica")
    assert "ReadReplicaSourceDBInstanceIdentifier" not in alone

    def writes():
        with contextlib.suppress(pymysql.err.OperationalError), connected(alone) as cursor:
            return cursor.execute("INSERT INTO followed VALUES (9)")

    until(writes)
    assert described(rds, name)["ReadReplicaDBInstanceIdentifiers"] == []


def test_deletion_needs_a_decision_about_the_last_snapshot_and_no_protection(rds):
    name = made(rds, DeletionProtection=True, DBName="app")["DBInstanceIdentifier"]
    for more in (
        {},
        {"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "x"},
        {"SkipFinalSnapshot": True},
    ):
        with pytest.raises(ClientError) as caught:
            rds.delete_db_instance(DBInstanceIdentifier=name, **more)
        assert code_of(caught) == "InvalidParameterCombination"
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier="the-last")
    until(
        lambda: (
            name not in {row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]}
        )
    )
    last = rds.describe_db_snapshots(DBSnapshotIdentifier="the-last")["DBSnapshots"][0]
    assert (last["Status"], last["SnapshotType"]) == ("available", "manual")


def other_account(server):
    """The id of an account beside the server's own, and its client of RDS."""
    organizations = server.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    asked = organizations.create_account(Email="other@example.com", AccountName="other")
    account = asked["CreateAccountStatus"]["AccountId"]
    _, key = server.add_user("ann", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    answer = server.client("sts", **key).assume_role(RoleArn=role, RoleSessionName="ann")
    return account, server.client_as("rds", answer["Credentials"])


def names_of(rds, what, identifier, filters):
    """What is found by an identifier and filters together, or the code of the refusal."""
    member = {"db_snapshot": "DBSnapshot", "db_instance": "DBInstance"}[what]
    asked = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    try:
        found = getattr(rds, f"describe_{what}s")(**{f"{member}Identifier": identifier, "Filters": asked})
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return [each[f"{member}Identifier"] for each in found[f"{member}s"]]


def test_snapshots_are_copied_shared_restored_and_deleted(server, rds, instance):
    name = instance["DBInstanceIdentifier"]
    with connected(instance) as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS saved (n INT)")
        cursor.execute("INSERT INTO saved VALUES (42)")
    made_now = rds.create_db_snapshot(DBSnapshotIdentifier="Saved", DBInstanceIdentifier=name)["DBSnapshot"]
    assert (made_now["Status"], made_now["DBSnapshotIdentifier"]) == ("creating", "saved")
    rds.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier="saved", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    available(rds, name)
    assert names_of(rds, "db_snapshot", "nosuch", {"db-snapshot-id": "saved"}) == ["saved"]
    assert names_of(rds, "db_snapshot", "saved", {"engine": "oracle-ee"}) == "DBSnapshotNotFound"
    assert names_of(rds, "db_instance", "nosuch", {"db-instance-id": name}) == [name]
    assert names_of(rds, "db_instance", name, {"engine": instance["Engine"]}) == [name]
    assert names_of(rds, "db_instance", name, {"engine": "oracle-ee"}) == "DBInstanceNotFound"
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier="saved", TargetDBSnapshotIdentifier="copied")
    until(
        lambda: (
            rds.describe_db_snapshots(DBSnapshotIdentifier="copied")["DBSnapshots"][0]["Status"]
            == "available"
        )
    )
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="copied", AttributeName="restore", ValuesToAdd=["111122223333"]
    )
    attributes = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier="copied")[
        "DBSnapshotAttributesResult"
    ]
    assert attributes["DBSnapshotAttributes"] == [
        {"AttributeName": "restore", "AttributeValues": ["111122223333"]}
    ]
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="restored", DBSnapshotIdentifier="copied", BackupRetentionPeriod=0
    )
    restored = available(rds, "restored")
    with connected(restored) as cursor:
        assert value(cursor, "SELECT n FROM saved") == 42
    assert restored["TagList"] == [{"Key": "team", "Value": "a"}]
    there = server.client("rds", region="us-west-2")
    copy = there.copy_db_snapshot(
        SourceDBSnapshotIdentifier=made_now["DBSnapshotArn"],
        TargetDBSnapshotIdentifier="far",
        SourceRegion="us-east-1",
    )["DBSnapshot"]
    assert copy["SourceDBSnapshotIdentifier"] == made_now["DBSnapshotArn"]
    assert (copy["SourceRegion"], copy["DBSnapshotArn"].split(":")[3]) == ("us-east-1", "us-west-2")
    there.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier="far", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    there.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="far", DBSnapshotIdentifier="far", BackupRetentionPeriod=0
    )
    with connected(available(there, "far")) as cursor:
        assert value(cursor, "SELECT n FROM saved") == 42
    remove_all(there)
    # An ARN means its own Region's snapshot, not the one that has its name here.
    elsewhere = made_now["DBSnapshotArn"].replace(":saved", ":far")
    with pytest.raises(ClientError) as caught:
        there.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="no", DBSnapshotIdentifier=elsewhere)
    assert code_of(caught) == "DBSnapshotNotFound"
    there.delete_db_snapshot(DBSnapshotIdentifier="far")
    # Another account has what is shared with it, and nothing else.
    account, theirs = other_account(server)
    with pytest.raises(ClientError) as caught:
        theirs.copy_db_snapshot(
            SourceDBSnapshotIdentifier=made_now["DBSnapshotArn"], TargetDBSnapshotIdentifier="theirs"
        )
    assert code_of(caught) == "DBSnapshotNotFound"
    assert theirs.describe_db_snapshots(SnapshotType="shared")["DBSnapshots"] == []
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="saved", AttributeName="restore", ValuesToAdd=[account]
    )
    arn = made_now["DBSnapshotArn"]
    for asked in (
        {"SnapshotType": "shared"},
        {"IncludeShared": True},
        {"SnapshotType": "shared", "DBSnapshotIdentifier": arn},
    ):
        (shared,) = theirs.describe_db_snapshots(**asked)["DBSnapshots"]
        assert (shared["DBSnapshotIdentifier"], shared["DBSnapshotArn"]) == (arn, arn)
        assert (shared["SnapshotType"], shared["TagList"]) == ("shared", [])
    assert theirs.describe_db_snapshots()["DBSnapshots"] == []
    assert rds.describe_db_snapshots(SnapshotType="shared")["DBSnapshots"] == []
    theirs.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="theirs", DBSnapshotIdentifier=arn, BackupRetentionPeriod=0
    )
    with connected(available(theirs, "theirs")) as cursor:
        assert value(cursor, "SELECT n FROM saved") == 42
    remove_all(theirs)
    theirs.copy_db_snapshot(
        SourceDBSnapshotIdentifier=made_now["DBSnapshotArn"], TargetDBSnapshotIdentifier="theirs"
    )
    theirs.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier="theirs", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    theirs.delete_db_snapshot(DBSnapshotIdentifier="theirs")
    rds.delete_db_snapshot(DBSnapshotIdentifier="copied")
    told = {
        snapshot: [
            row["Message"]
            for row in rds.describe_events(SourceIdentifier=snapshot, SourceType="db-snapshot")["Events"]
        ]
        for snapshot in ("saved", "copied")
    }
    assert told == {
        "saved": ["Creating manual snapshot", "Manual snapshot created"],
        "copied": [
            "Started copy of snapshot saved in region us-east-1",
            "Finished copy of snapshot saved in region us-east-1",
            "Deleted user snapshot",
        ],
    }
    events = rds.describe_events(SourceIdentifier="restored", SourceType="db-instance")["Events"]
    assert [
        row["EventCategories"] for row in events if row["Message"] == "Restored from snapshot copied"
    ] == [["restoration"]]
    with pytest.raises(ClientError) as caught:
        rds.describe_db_snapshots(DBSnapshotIdentifier="copied")
    assert code_of(caught) == "DBSnapshotNotFound"
    automated = rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"][0]["DBSnapshotIdentifier"]
    with pytest.raises(ClientError) as caught:
        rds.delete_db_snapshot(DBSnapshotIdentifier=automated)
    assert code_of(caught) == "InvalidDBSnapshotState"


def test_an_instance_is_restored_to_its_latest_moment(rds, instance):
    name = instance["DBInstanceIdentifier"]
    with connected(instance) as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS late (n INT)")
        cursor.execute("INSERT INTO late VALUES (5)")
    with pytest.raises(ClientError) as caught:
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier="back"
        )
    assert code_of(caught) == "InvalidParameterCombination"
    exports_logs_and_grows(rds, name)
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier="back", UseLatestRestorableTime=True
    )
    back = available(rds, "back")
    assert not {"EnabledCloudwatchLogsExports", "MaxAllocatedStorage"} & set(back)
    with connected(back) as cursor:
        assert value(cursor, "SELECT n FROM late") == 5
    backups = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)[
        "DBInstanceAutomatedBackups"
    ]
    assert backups[0]["Status"] == "active"
    assert backups[0]["RestoreWindow"]["EarliestTime"] <= backups[0]["RestoreWindow"]["LatestTime"]


def test_logs_are_listed_and_downloaded_in_portions(rds, instance):
    name = instance["DBInstanceIdentifier"]
    found = rds.describe_db_log_files(DBInstanceIdentifier=name)["DescribeDBLogFiles"]
    log = next(row["LogFileName"] for row in found if "error" in row["LogFileName"])
    text, marker, more = "", "0", True
    while more:
        page = rds.download_db_log_file_portion(
            DBInstanceIdentifier=name, LogFileName=log, Marker=marker, NumberOfLines=5
        )
        text, marker, more = (
            text + (page.get("LogFileData") or ""),
            page["Marker"],
            page["AdditionalDataPending"],
        )
    assert "ready for connections" in text
    with pytest.raises(ClientError) as caught:
        rds.download_db_log_file_portion(DBInstanceIdentifier=name, LogFileName="../../master.key")
    assert code_of(caught) == "DBLogFileNotFoundFault"
