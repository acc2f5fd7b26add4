"""Upgrades in place: minor and major, at once and in the window, refused by a check, and rolled back when they fail."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.engines.databases import kits
from tests.journeys.process import until
from tests.journeys.writers import ERRORS, connector, session
from tests.services.rds.conftest import PASSWORD, available, code_of, described, made, served

MAJORS = [
    pytest.param("mariadb", "11.8", marks=pytest.mark.xdist_group("mariadb")),
    pytest.param("postgres", "17", marks=pytest.mark.xdist_group("postgres")),
]
postgres = pytest.mark.xdist_group("postgres")
mariadb = pytest.mark.xdist_group("mariadb")


@pytest.fixture(scope="module")
def server():
    with served(cache_dir=kits.cache()) as running:
        yield running


@pytest.fixture
def turned():
    """A server for one test that turns its clock: the databases keep to the real one, and moments of them are compared."""
    with served(cache_dir=kits.cache()) as running:
        yield running


def rows(instance, statement):
    """What a statement of the master user returns, committed."""
    with session(connector(instance, PASSWORD)) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def messages(rds, name):
    """The texts of an instance's events, oldest first."""
    found = rds.describe_events(SourceIdentifier=name, SourceType="db-instance", Duration=600)["Events"]
    return [event["Message"] for event in found]


def upgraded(rds, name, version, **more):
    """Upgrade at once, wait for the end, and return the description."""
    asked = rds.modify_db_instance(
        DBInstanceIdentifier=name, EngineVersion=version, ApplyImmediately=True, **more
    )["DBInstance"]
    assert asked["DBInstanceStatus"] == "upgrading"
    until(lambda: described(rds, name)["DBInstanceStatus"] != "upgrading", 120)
    return available(rds, name)


@pytest.mark.parametrize(("engine", "major"), MAJORS)
def test_a_major_upgrade_keeps_rows_users_and_address_and_takes_snapshots(rds, engine, major):
    before = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
    name = before["DBInstanceIdentifier"]
    rows(before, "CREATE TABLE kept (id INT PRIMARY KEY, word VARCHAR(40))")
    rows(before, "INSERT INTO kept VALUES (1, 'one'), (2, 'two')")
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier=name, EngineVersion=major)
    assert code_of(caught) == "InvalidParameterCombination"
    assert "AllowMajorVersionUpgrade flag must be present" in str(caught.value)
    (listed,) = rds.describe_db_engine_versions(Engine=engine, EngineVersion=before["EngineVersion"])[
        "DBEngineVersions"
    ]
    targets = [row for row in listed["ValidUpgradeTarget"] if row["EngineVersion"].startswith(f"{major}.")]
    assert targets, listed
    assert all(row["IsMajorVersionUpgrade"] for row in targets)
    after = upgraded(rds, name, targets[-1]["EngineVersion"], AllowMajorVersionUpgrade=True)
    assert after["EngineVersion"] == targets[-1]["EngineVersion"]
    assert after["Endpoint"] == before["Endpoint"]
    assert after["PendingModifiedValues"] == {}
    family = f"{engine}{major}"
    assert after["DBParameterGroups"][0]["DBParameterGroupName"] == f"default.{family}"
    assert after["OptionGroupMemberships"][0]["OptionGroupName"] == (
        f"default:{engine}-{major.replace('.', '-')}"
    )
    assert rows(after, "SELECT id, word FROM kept ORDER BY id") == [(1, "one"), (2, "two")]
    assert after["EngineVersion"] in rows(after, "SELECT version()")[0][0]
    rows(after, "INSERT INTO kept VALUES (3, 'three')")
    told = messages(rds, name)
    wanted = [
        "The pre-check started for the DB engine version upgrade.",
        "The pre-check finished for the DB engine version upgrade.",
        "The downtime started for the DB instance.",
        "The engine version upgrade started.",
        "The engine version upgrade finished.",
    ]
    assert [text for text in told if text in wanted] == wanted
    snapshots = rds.describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]
    taken = {row["DBSnapshotIdentifier"]: row["EngineVersion"] for row in snapshots}
    versions = f"{before['EngineVersion']}-to-{after['EngineVersion']}".replace(".", "-")
    first = next(each for each in taken if each.startswith(f"rds:preupgrade-{name}-{versions}-"))
    assert taken[first] == before["EngineVersion"]
    until(
        lambda: (
            [
                row["Status"]
                for row in rds.describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]
                if row["EngineVersion"] == after["EngineVersion"]
            ]
            == ["available"]
        )
    )
    # The snapshot is restored in the version that it was taken in.
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=f"{name}-old", DBSnapshotIdentifier=first, DBInstanceClass="db.t3.micro"
    )
    old = available(rds, f"{name}-old")
    assert old["EngineVersion"] == before["EngineVersion"]
    assert len(rows(old, "SELECT id FROM kept")) == 2


@postgres
def test_a_precheck_that_fails_changes_nothing_and_says_why(rds):
    instance = made(rds, "postgres", DBName="app")
    name = instance["DBInstanceIdentifier"]
    rows(instance, "CREATE TABLE strange (id INT PRIMARY KEY, what REGPROC)")
    rows(instance, "CREATE VIEW old_session AS SELECT 1 AS one")
    rds.modify_db_instance(
        DBInstanceIdentifier=name, EngineVersion="17", AllowMajorVersionUpgrade=True, ApplyImmediately=True
    )
    until(lambda: described(rds, name)["DBInstanceStatus"] == "available")
    after = described(rds, name)
    assert after["EngineVersion"] == instance["EngineVersion"]
    assert after["PendingModifiedValues"] == {}
    assert any("is in a state that cannot be upgraded" in text for text in messages(rds, name))
    assert "The downtime started for the DB instance." not in messages(rds, name)
    logs = rds.describe_db_log_files(DBInstanceIdentifier=name, FilenameContains="pg_upgrade_precheck")
    (log,) = logs["DescribeDBLogFiles"]
    said = rds.download_db_log_file_portion(
        DBInstanceIdentifier=name, LogFileName=log["LogFileName"], Marker="0"
    )["LogFileData"]
    assert 'The data type "regproc" is used by the column public.strange.what' in said
    assert "Following usages in database 'app' need to be corrected before upgrade" in said
    rows(instance, "ALTER TABLE strange DROP COLUMN what")
    assert upgraded(rds, name, "17", AllowMajorVersionUpgrade=True)["EngineVersion"].startswith("17.")


@pytest.mark.parametrize(("engine", "major"), MAJORS)
def test_an_upgrade_whose_newer_version_does_not_start_goes_back(rds, engine, major):
    instance = made(rds, engine, DBName="app")
    name = instance["DBInstanceIdentifier"]
    rows(instance, "CREATE TABLE kept (id INT PRIMARY KEY)")
    rows(instance, "INSERT INTO kept VALUES (1)")
    group = f"broken-{engine}"
    rds.create_db_parameter_group(
        DBParameterGroupName=group,
        DBParameterGroupFamily=f"{engine}{major}",
        Description="keeps the newer version from starting",
    )
    broken = {
        "postgres": ("shared_preload_libraries", "pg_no_such_library"),
        "mariadb": ("innodb_buffer_pool_size", "140000000000000"),
    }
    parameter, value = broken[engine]
    rds.modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[
            {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": "pending-reboot"},
        ],
    )
    after = upgraded(rds, name, major, AllowMajorVersionUpgrade=True, DBParameterGroupName=group)
    assert after["EngineVersion"] == instance["EngineVersion"]
    assert after["DBParameterGroups"] == instance["DBParameterGroups"]
    assert after["PendingModifiedValues"] == {}
    assert instance["EngineVersion"] in rows(after, "SELECT version()")[0][0]
    assert len(rows(after, "SELECT id FROM kept")) == 1
    rows(after, "INSERT INTO kept VALUES (2)")
    failed = "The DB engine version upgrade failed. The engine version upgrade rollback succeeded."
    assert failed in messages(rds, name)


@postgres
def test_a_minor_version_waits_for_the_window_and_may_come_by_itself(turned):
    rds = turned.client("rds")
    instance = made(rds, "postgres", DBName="app", EngineVersion="17.10", AutoMinorVersionUpgrade=False)
    name, arn = instance["DBInstanceIdentifier"], instance["DBInstanceArn"]
    rows(instance, "CREATE TABLE kept (id INT PRIMARY KEY)")
    (waiting,) = rds.describe_pending_maintenance_actions(ResourceIdentifier=arn)["PendingMaintenanceActions"]
    (action,) = waiting["PendingMaintenanceActionDetails"]
    assert action["Action"] == "db-upgrade"
    assert "CurrentApplyDate" not in action
    opened = rds.apply_pending_maintenance_action(
        ResourceIdentifier=arn, ApplyAction="db-upgrade", OptInType="next-maintenance"
    )["ResourcePendingMaintenanceActions"]["PendingMaintenanceActionDetails"]
    assert opened[0]["OptInStatus"] == "next-maintenance"
    begins = opened[0]["CurrentApplyDate"]
    assert timedelta(0) < begins - turned.clock.now().astimezone(UTC) <= timedelta(days=7)
    newest = described(rds, name)["PendingModifiedValues"]["EngineVersion"]
    rds.apply_pending_maintenance_action(
        ResourceIdentifier=arn, ApplyAction="db-upgrade", OptInType="undo-opt-in"
    )
    assert described(rds, name)["PendingModifiedValues"] == {}
    rds.modify_db_instance(DBInstanceIdentifier=name, AutoMinorVersionUpgrade=True)
    begins = rds.describe_pending_maintenance_actions(ResourceIdentifier=arn)["PendingMaintenanceActions"][0][
        "PendingMaintenanceActionDetails"
    ][0]["AutoAppliedAfterDate"]
    turned.clock.advance((begins - datetime.fromtimestamp(turned.clock.seconds(), UTC)).total_seconds() + 60)
    until(lambda: described(rds, name)["EngineVersion"] == newest, 90)
    after = available(rds, name)
    assert newest in rows(after, "SELECT version()")[0][0]
    assert rows(after, "SELECT count(*) FROM kept")[0][0] == 0
    assert rds.describe_pending_maintenance_actions(ResourceIdentifier=arn)["PendingMaintenanceActions"] == []


@mariadb
def test_groups_replicas_and_versions_that_do_not_fit_are_refused(rds):
    rds.create_db_parameter_group(
        DBParameterGroupName="own-old", DBParameterGroupFamily="mariadb10.11", Description="of the old family"
    )
    instance = made(rds, DBName="app", DBParameterGroupName="own-old", BackupRetentionPeriod=1)
    name = instance["DBInstanceIdentifier"]
    wanted = {"DBInstanceIdentifier": name, "EngineVersion": "11.8", "AllowMajorVersionUpgrade": True}
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(**wanted)
    assert "Current Parameter Group (own-old) is non-default" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(**wanted, DBParameterGroupName="own-old")
    assert code_of(caught) == "InvalidParameterCombination"
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier=name, EngineVersion="10.5.1")
    assert code_of(caught) == "InvalidParameterCombination"
    available(rds, name)
    rds.create_db_instance_read_replica(DBInstanceIdentifier=f"{name}-r", SourceDBInstanceIdentifier=name)
    replica = available(rds, f"{name}-r")
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(**wanted, DBParameterGroupName="default.mariadb11.8")
    assert f"read replicas need to be upgraded: {name}-r" in str(caught.value)
    after = upgraded(
        rds,
        f"{name}-r",
        "11.8",
        AllowMajorVersionUpgrade=True,
        DBParameterGroupName="default.mariadb11.8",
    )
    assert after["EngineVersion"].startswith("11.8.")
    source = available(rds, name)
    rows(source, "CREATE TABLE app.later (id INT PRIMARY KEY)")
    rows(source, "INSERT INTO app.later VALUES (7)")
    until(lambda: _there(replica))
    pending = rds.modify_db_instance(**wanted, DBParameterGroupName="default.mariadb11.8")["DBInstance"]
    assert pending["PendingModifiedValues"]["EngineVersion"].startswith("11.8.")
    assert pending["DBInstanceStatus"] == "available"
    assert pending["DBParameterGroups"][0]["DBParameterGroupName"] == "own-old"


def _there(replica):
    try:
        return rows(replica, "SELECT id FROM app.later") == [(7,)]
    except ERRORS:
        # The table comes with replication.
        return False


@postgres
def test_replicas_of_postgresql_are_upgraded_along(rds):
    instance = made(rds, "postgres", DBName="app", BackupRetentionPeriod=1)
    name = instance["DBInstanceIdentifier"]
    rows(instance, "CREATE TABLE kept (id INT PRIMARY KEY)")
    available(rds, name)
    rds.create_db_instance_read_replica(DBInstanceIdentifier=f"{name}-r", SourceDBInstanceIdentifier=name)
    replica = available(rds, f"{name}-r")
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(
            DBInstanceIdentifier=f"{name}-r", EngineVersion="17", AllowMajorVersionUpgrade=True
        )
    assert code_of(caught) == "InvalidParameterCombination"
    available(rds, name)
    after = upgraded(rds, name, "17", AllowMajorVersionUpgrade=True)
    later = available(rds, f"{name}-r")
    assert later["EngineVersion"] == after["EngineVersion"]
    assert later["Endpoint"] == replica["Endpoint"]
    rows(after, "INSERT INTO kept VALUES (5)")
    until(lambda: rows(later, "SELECT id FROM kept") == [(5,)])


@pytest.mark.parametrize(("engine", "major"), MAJORS)
def test_a_snapshot_is_brought_to_another_version_and_a_moment_before_an_upgrade_restored(rds, engine, major):
    instance = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
    name = instance["DBInstanceIdentifier"]
    available(rds, name)
    rows(instance, "CREATE TABLE kept (id INT PRIMARY KEY)")
    rows(instance, "INSERT INTO kept VALUES (1)")
    rds.create_db_snapshot(DBSnapshotIdentifier=f"{name}-s", DBInstanceIdentifier=name)
    available(rds, name)

    def snapshot():
        return rds.describe_db_snapshots(DBSnapshotIdentifier=f"{name}-s")["DBSnapshots"][0]

    # Moments of restores are whole seconds of the databases' own clock.
    second = int(time.time()) + 1
    until(lambda: time.time() > second)
    before = datetime.fromtimestamp(second, UTC)
    until(lambda: time.time() > second + 1)
    rows(instance, "INSERT INTO kept VALUES (2)")
    with pytest.raises(ClientError) as caught:
        rds.modify_db_snapshot(DBSnapshotIdentifier=f"{name}-s", EngineVersion="1.0")
    assert code_of(caught) == "InvalidParameterCombination"
    asked = rds.modify_db_snapshot(DBSnapshotIdentifier=f"{name}-s", EngineVersion=major)["DBSnapshot"]
    assert asked["Status"] == "upgrading"
    until(lambda: snapshot()["Status"] == "available", 120)
    assert snapshot()["EngineVersion"].startswith(f"{major}.")
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=f"{name}-n", DBSnapshotIdentifier=f"{name}-s", DBInstanceClass="db.t3.micro"
    )
    newer = available(rds, f"{name}-n")
    assert newer["EngineVersion"].startswith(f"{major}.")
    assert rows(newer, "SELECT id FROM kept") == [(1,)]
    after = upgraded(rds, name, major, AllowMajorVersionUpgrade=True)
    rows(after, "INSERT INTO kept VALUES (3)")
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=f"{name}-then", RestoreTime=before
    )
    then = available(rds, f"{name}-then")
    assert then["EngineVersion"] == instance["EngineVersion"]
    assert rows(then, "SELECT id FROM kept") == [(1,)]
