"""Exports of snapshots: tables as Parquet files in a bucket, read back here by Arrow, and what stands in the way of them."""

import datetime as dt
import json
from decimal import Decimal

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from tests.services.rds.conftest import PASSWORD, code_of, made
from tests.services.rds.exports import BUCKET, asked, content, ended, keys_below, place_for_exports, table

pytestmark = pytest.mark.xdist_group("databases")
TABLES = {
    "mariadb": [
        "CREATE DATABASE other",
        (
            "CREATE TABLE app.kinds (id BIGINT PRIMARY KEY, u BIGINT UNSIGNED, d DECIMAL(10,2), f FLOAT, s VARCHAR(20)"
            " CHARACTER SET utf8mb4, b VARBINARY(10), t DATETIME(6), day DATE, y YEAR, bits BIT(8), n INT UNSIGNED)"
        ),
        (
            "INSERT INTO app.kinds VALUES (1, 18446744073709551615, -1.50, 0.5, 'grün', x'00ff', '2026-02-03 04:05:06.000007',"
            " '2026-02-03', 2026, b'101', 4294967295), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        ),
        "CREATE TABLE app.empty (id INT PRIMARY KEY)",
        "CREATE TABLE app.`odd column` (`a b` INT)",
        "CREATE TABLE other.many (id INT PRIMARY KEY)",
        "INSERT INTO other.many SELECT seq FROM seq_1_to_2500",
    ],
    "postgres": [
        "CREATE SCHEMA other",
        (
            "CREATE TABLE kinds (id bigint PRIMARY KEY, small smallint, d numeric(10,2), f double precision, s text, b bytea,"
            " t timestamptz, yes boolean, list int[])"
        ),
        (
            "INSERT INTO kinds VALUES (1, -3, -1.50, 'NaN', 'grün', '\\x00ff', '2026-02-03 04:05:06.000007+00', true, '{1,2}'),"
            " (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        ),
        "CREATE TABLE empty (id int PRIMARY KEY)",
        'CREATE TABLE "odd column" ("a b" int)',
        "CREATE UNLOGGED TABLE passing (id int)",
        "CREATE TABLE other.many (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE other.low PARTITION OF other.many FOR VALUES FROM (0) TO (1000)",
        "CREATE TABLE other.high PARTITION OF other.many FOR VALUES FROM (1000) TO (9000)",
        "INSERT INTO other.many SELECT generate_series(1, 2500)",
    ],
}
MOMENT = dt.datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
KINDS = {
    "mariadb": {
        "id": 1,
        "u": Decimal(18446744073709551615),
        "d": Decimal("-1.50"),
        "f": 0.5,
        "s": "grün",
        "b": b"\x00\xff",
        "t": MOMENT,
        "day": "2026-02-03",
        "y": 2026,
        "bits": b"\x05",
        "n": 4294967295,
    },
    "postgres": {
        "id": 1,
        "small": -3,
        "d": "-1.50",
        "s": "grün",
        "b": b"\x00\xff",
        "t": "2026-02-03 04:05:06.000007+00",
        "yes": True,
        "list": "{1,2}",
    },
}


def run(row, statements):
    where = {"host": row["Endpoint"]["Address"], "port": row["Endpoint"]["Port"], "user": "owner"}
    if row["Engine"] == "mariadb":
        connection = pymysql.connect(**where, password=PASSWORD, database="app", autocommit=True)
    else:
        connection = psycopg.connect(**where, password=PASSWORD, dbname="app", autocommit=True)
    with connection, connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)


@pytest.fixture(scope="module")
def place(server):
    return place_for_exports(server)


@pytest.fixture(scope="module", params=["mariadb", "postgres"])
def snapshot(request, rds):
    row = made(rds, request.param, DBName="app")
    run(row, TABLES[request.param])
    name = f"of-{request.param}"
    rds.create_db_snapshot(DBInstanceIdentifier=row["DBInstanceIdentifier"], DBSnapshotIdentifier=name)
    rds.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]


def test_a_snapshot_is_exported_whole(server, rds, place, snapshot):
    engine, name = snapshot["Engine"], f"whole-{snapshot['Engine']}"
    begun = rds.start_export_task(**asked(place, snapshot["DBSnapshotArn"], name, S3Prefix="backups"))
    assert (begun["Status"], begun["SourceType"], begun["PercentProgress"]) == ("STARTING", "SNAPSHOT", 0)
    task = ended(rds, name)
    assert (task["Status"], task["PercentProgress"]) == ("COMPLETE", 100), task
    assert "odd column" in task["WarningMessage"]
    app, other = ("app/app", "other/other") if engine == "mariadb" else ("app/public", "app/other")
    rows = table(server, f"backups/{name}/{app}.kinds/")
    assert len(rows) == 2
    number = rows[0].pop("f")
    assert number == 0.5 or number != number
    assert rows[0] == {key: value for key, value in KINDS[engine].items() if key != "f"}
    assert set(rows[1].values()) == {2, None}
    many = sorted(row["id"] for row in table(server, f"backups/{name}/{other}.many/"))
    assert many == list(range(1, 2501))
    found = keys_below(server, f"backups/{name}/")
    assert f"backups/{name}/{app}.empty/1/_SUCCESS" in found
    assert not any("odd" in key or "passing" in key for key in found)
    # The low rows of a partitioned table and the high ones are batches of their own.
    batches = {key.split("/")[4] for key in found if f"{other}.many/" in key}
    assert batches == ({"1"} if engine == "mariadb" else {"1", "2"})
    head = server.client("s3").head_object(Bucket=BUCKET, Key=found[0])
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", place["key"])
    info = json.loads(content(server, f"backups/{name}/export_info_{name}.json"))
    assert (info["status"], info["sourceArn"]) == ("COMPLETE", snapshot["DBSnapshotArn"])
    tables = json.loads(content(server, f"backups/{name}/export_tables_info_{name}_from_1_to_4.json"))
    kinds = next(each for each in tables["perTableStatus"] if each["target"].endswith(".kinds"))
    first = kinds["schemaMetadata"]["originalTypeMappings"][0]
    assert (first["columnName"], first["originalType"], first["expectedExportedType"]) == (
        "id",
        "bigint",
        "int64",
    )
    name = snapshot["DBSnapshotIdentifier"]
    told = rds.describe_events(SourceIdentifier=name, SourceType="db-snapshot")["Events"]
    assert told[-1]["Message"] == "The snapshot export task completed"
    root = server.installation.settings.data_dir / "databases"
    assert not [each.name for each in root.glob("export-*")]


def test_parts_of_a_snapshot_are_exported(server, rds, place, snapshot):
    engine = snapshot["Engine"]
    name, only = f"part-{engine}", "other.many" if engine == "mariadb" else "app.other"
    rds.start_export_task(**asked(place, snapshot["DBSnapshotArn"], name, ExportOnly=[only]))
    assert ended(rds, name)["Status"] == "COMPLETE"
    folders = {"/".join(key.split("/")[1:3]) for key in keys_below(server, f"{name}/") if "json" not in key}
    assert folders == {"other/other.many" if engine == "mariadb" else "app/other.many"}
    rds.start_export_task(**asked(place, snapshot["DBSnapshotArn"], f"none-{engine}", ExportOnly=["nowhere"]))
    failed = ended(rds, f"none-{engine}")
    assert (failed["Status"], "nowhere" in failed["FailureCause"]) == ("FAILED", True)
    with pytest.raises(ClientError) as refused:
        rds.start_export_task(**asked(place, snapshot["DBSnapshotArn"], "bad", ExportOnly=["a b"]))
    assert code_of(refused) == "InvalidExportOnly"


def test_what_an_export_lacks_is_said_before_it_begins(rds, place, snapshot):
    arn = snapshot["DBSnapshotArn"]
    for code, more in (
        ("DBSnapshotNotFound", {"SourceArn": arn + "x"}),
        ("KMSKeyNotAccessibleFault", {"KmsKeyId": "alias/nobody"}),
        ("IamRoleNotFound", {"IamRoleArn": place["other"]}),
        ("IamRoleMissingPermissions", {"IamRoleArn": place["idle"]}),
        ("InvalidS3BucketFault", {"S3BucketName": "not-here"}),
        ("InvalidParameterValue", {"S3Prefix": "a:b"}),
    ):
        with pytest.raises(ClientError) as refused:
            rds.start_export_task(**(asked(place, arn, "refused") | more))
        assert code_of(refused) == code
    with pytest.raises(ClientError) as refused:
        rds.cancel_export_task(ExportTaskIdentifier="refused")
    assert code_of(refused) == "ExportTaskNotFound"


def test_an_export_is_cancelled_and_one_of_a_name_is_enough(server, rds, place, snapshot):
    name = f"cancelled-{snapshot['Engine']}"
    rds.start_export_task(**asked(place, snapshot["DBSnapshotArn"], name))
    with pytest.raises(ClientError) as refused:
        rds.start_export_task(**asked(place, snapshot["DBSnapshotArn"], name))
    assert code_of(refused) in {"ExportTaskAlreadyExists", "InvalidExportSourceState"}
    assert rds.cancel_export_task(ExportTaskIdentifier=name)["Status"] == "CANCELING"
    assert ended(rds, name)["Status"] == "CANCELED"
    assert not [key for key in keys_below(server, f"{name}/") if "info" in key]
    with pytest.raises(ClientError) as refused:
        rds.cancel_export_task(ExportTaskIdentifier=name)
    assert code_of(refused) == "InvalidExportTaskStateFault"
    filters = [{"Name": "status", "Values": ["canceled"]}]
    found = rds.describe_export_tasks(Filters=filters)["ExportTasks"]
    assert name in [each["ExportTaskIdentifier"] for each in found]
