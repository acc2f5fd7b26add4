"""Blue/Green deployments by their API: what is refused, what green may be, its members that come and go, events, lists."""

import contextlib
import json

import pytest
from botocore.exceptions import ClientError

from coldframe.jobs.job import JobError
from coldframe.services.rds import replicating
from coldframe.services.rds.blue_green import switchover
from coldframe.services.rds.blue_green.watching import looks_at_schemas
from coldframe.services.rds.records import Deployment
from tests.journeys.process import until
from tests.journeys.writers import connector, session
from tests.services.rds.conftest import (
    PASSWORD,
    available,
    code_of,
    deployment_of,
    described,
    made,
    settled,
)
from tests.services.rds.deployments import Story, at

pytestmark = pytest.mark.xdist_group("deployments")


@pytest.fixture(scope="module")
def source(rds):
    return made(rds, DBName="app", BackupRetentionPeriod=1)


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return code_of(caught), caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ({"TargetDBClusterParameterGroupName": "group"}, "InvalidParameterCombination", "DB clusters"),
        ({"TargetDBParameterGroupName": "nobody"}, "DBParameterGroupNotFound", "nobody"),
        ({"TargetEngineVersion": "10.5"}, "InvalidParameterCombination", "10.5"),
        ({"TargetAllocatedStorage": 5}, "InvalidParameterValue", "storage"),
        ({"TargetStorageType": "io3"}, "InvalidParameterValue", "io3"),
        ({"TargetIops": 20, "TargetStorageType": "io1"}, None, ""),
        ({"TargetDBInstanceClass": "db.t9.micro"}, None, "db.t9.micro"),
        ({"BlueGreenDeploymentName": "two--hyphens"}, None, ""),
        (
            {"SourceArn": True, "TargetKmsKeyId": "alias/a"},
            "KMSKeyNotAccessibleFault",
            "key [alias/a] does not",
        ),
        ({"SourceArn": "twice"}, "InvalidParameterValue", "more than one entry"),
        ({"SourceArn": "other"}, "InvalidParameterValue", "no resource of the blue environment"),
    ],
)
def test_what_is_no_good_is_refused(rds, source, more, code, word):
    request = {"BlueGreenDeploymentName": "no", "Source": source["DBInstanceArn"], **more}
    which = request.pop("SourceArn", None)
    if which:
        own = {"SourceArn": source["DBInstanceArn"]}
        if "TargetKmsKeyId" in request:
            own["TargetKmsKeyId"] = request.pop("TargetKmsKeyId")
        other = {"SourceArn": source["DBInstanceArn"].rpartition(":")[0] + ":other"}
        request["TargetResourceConfigurations"] = {"twice": [own, own], "other": [other]}.get(which, [own])
    found, message = refused(rds.create_blue_green_deployment, **request)
    assert code is None or found == code, message
    assert word.lower() in message.lower()
    assert not rds.describe_blue_green_deployments()["BlueGreenDeployments"]


def test_a_source_whose_password_lies_in_secrets_manager(rds):
    name = "managed"
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="mariadb",
        MasterUsername="owner",
        ManageMasterUserPassword=True,
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
    )
    arn = available(rds, name)["DBInstanceArn"]
    code, message = refused(rds.create_blue_green_deployment, BlueGreenDeploymentName="no", Source=arn)
    assert code == "SourceDatabaseNotSupportedFault"
    assert "Secrets Manager" in message


def test_green_is_what_the_request_says(rds, source):
    made_one = rds.create_blue_green_deployment(
        BlueGreenDeploymentName="sized",
        Source=source["DBInstanceArn"],
        TargetDBInstanceClass="db.t3.small",
        TargetStorageType="gp3",
        TargetAllocatedStorage=400,
        TargetIops=12_000,
        TargetStorageThroughput=500,
        UpgradeTargetStorageConfig=True,
        TargetResourceConfigurations=[{"SourceArn": source["DBInstanceArn"]}],
        Tags=[{"Key": "a", "Value": "b"}],
    )["BlueGreenDeployment"]
    identifier = made_one["BlueGreenDeploymentIdentifier"]
    found = settled(rds, identifier)
    assert found["Status"] == "AVAILABLE", found
    assert found["TagList"] == [{"Key": "a", "Value": "b"}]
    green = described(rds, found["Target"])
    assert (green["DBInstanceClass"], green["AllocatedStorage"]) == ("db.t3.small", 400)
    assert (green["StorageType"], green["Iops"], green["StorageThroughput"]) == ("gp3", 12_000, 500)
    for name, value in (
        ("blue-green-deployment-identifier", identifier),
        ("blue-green-deployment-name", "sized"),
        ("source", source["DBInstanceArn"]),
        ("target", found["Target"]),
    ):
        for given, count in ((value, 1), (f"{value}x", 0)):
            rows = rds.describe_blue_green_deployments(Filters=[{"Name": name, "Values": [given]}])
            assert len(rows["BlueGreenDeployments"]) == count, name
    assert refused(
        rds.describe_blue_green_deployments, Filters=[{"Name": "status", "Values": ["AVAILABLE"]}]
    )[0] == ("InvalidParameterValue")
    assert deployment_of(rds, identifier.upper()) == found
    code, _ = refused(
        rds.create_blue_green_deployment, BlueGreenDeploymentName="sized", Source=source["DBInstanceArn"]
    )
    assert code == "BlueGreenDeploymentAlreadyExistsFault"
    code, _ = refused(
        rds.switchover_blue_green_deployment, BlueGreenDeploymentIdentifier=identifier, SwitchoverTimeout=3601
    )
    assert code == "InvalidParameterValue"
    for call, more in (
        (rds.stop_db_instance, {}),
        (rds.create_blue_green_deployment, {"BlueGreenDeploymentName": "again", "Source": found["Target"]}),
    ):
        request = more or {"DBInstanceIdentifier": source["DBInstanceIdentifier"]}
        code, _ = refused(call, **request)
        assert code in {"InvalidDBInstanceState", "SourceDatabaseNotSupportedFault"}
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier, DeleteTarget=True)
    until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 60)


def test_pages(server, rds, source):
    """Deployments in pages; made by records, for twenty-five databases would be too many for a test."""
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "eu-west-1")
        for number in range(45):
            records.add(
                Deployment(
                    id=f"bgd-{number:016}", name=f"n{number}", status="SWITCHOVER_COMPLETED", created=1
                )
            )
    elsewhere = server.client("rds", region="eu-west-1")
    pages = list(
        elsewhere.get_paginator("describe_blue_green_deployments").paginate(PaginationConfig={"PageSize": 20})
    )
    assert [len(page["BlueGreenDeployments"]) for page in pages] == [20, 20, 5]
    found = [row["BlueGreenDeploymentName"] for page in pages for row in page["BlueGreenDeployments"]]
    assert len(set(found)) == 45
    code, _ = refused(elsewhere.describe_blue_green_deployments, MaxRecords=101)
    assert code == "InvalidParameterValue"


def test_events_go_to_topics_under_the_ids_of_aws(server, rds):
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="rds")["TopicArn"]
    queue = sqs.create_queue(QueueName="rds")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(
        QueueUrl=queue,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
                    ],
                }
            )
        },
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    rds.create_event_subscription(
        SubscriptionName="deployments", SnsTopicArn=topic, SourceType="blue-green-deployment"
    )
    story = Story(server, rds)
    rds.add_tags_to_resource(
        ResourceName=story.blue["DBInstanceArn"], Tags=[{"Key": "late", "Value": "blue"}]
    )
    rds.add_tags_to_resource(
        ResourceName=story.green["DBInstanceArn"], Tags=[{"Key": "of", "Value": "green"}]
    )
    story.rolled_forward(story.switch())
    # Tags of blue take the place of all that green had.
    assert described(rds, story.name)["TagList"] == [{"Key": "late", "Value": "blue"}]
    green = story.green["DBInstanceIdentifier"]
    wanted = {
        "RDS-EVENT-0244": "Blue/green deployment tasks completed.",
        "RDS-EVENT-0247": f"Switchover from {story.name} to {green} started.",
        "RDS-EVENT-0250": f"Switchover from primary {story.name} to {green} started.",
        "RDS-EVENT-0251": f"Switchover from primary {story.name} to {green} completed. Renamed {story.name} to"
        f" {story.name}-old1 and {green} to {story.name}.",
        "RDS-EVENT-0248": "Switchover completed on blue/green deployment.",
        "RDS-EVENT-0409": "The switchover paused writes for",
    }
    told = {}

    def all_told():
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            event = json.loads(json.loads(message["Body"])["Message"])
            told[event["Event ID"].rpartition("#")[2]] = event["Event Message"]
            assert event["Source ID"] == story.id
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return set(wanted) <= set(told)

    until(all_told, 30)
    for number, words in wanted.items():
        assert told[number].startswith(words), told
    # For binary log consumers, under the name that green had.
    found = rds.describe_events(SourceIdentifier=green, SourceType="db-instance")["Events"]
    messages = [row["Message"] for row in found]
    assert any(
        message.startswith("Binary log coordinates in green environment after switchover: file binlog.")
        for message in messages
    ), messages


def look_at_schemas(server):
    for _, look in looks_at_schemas(server.installation):
        look()


def test_changes_of_blue_degrade_the_replication_for_good(server, rds):
    story = Story(server, rds, "postgres")
    look_at_schemas(server)
    assert "StatusDetails" not in story.now()
    with session(story.connect) as cursor:
        cursor.execute("CREATE TABLE late (id INT PRIMARY KEY)")
    look_at_schemas(server)
    found = story.now()
    assert found["Status"] == "AVAILABLE"
    assert found["StatusDetails"].startswith(
        f"Replication degraded: unsupported PostgreSQL changes on {story.name}: app: table public.late was created"
    )
    assert "Delete the blue/green deployment with its green databases" in found["StatusDetails"]
    info = described(rds, story.green["DBInstanceIdentifier"])["StatusInfos"][0]
    assert (info["StatusType"], info["Normal"], info["Status"]) == (
        "read replication",
        False,
        "replication degraded",
    )
    with session(story.connect) as cursor:
        cursor.execute("DROP TABLE late")
    look_at_schemas(server)
    found = story.switch()
    assert found["Status"] == "AVAILABLE"
    assert "Replication degraded" in found["StatusDetails"]
    assert story.writable(story.blue)
    assert sum(message.startswith("Replication degraded: ") for message in story.events()) == 1
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)


def test_what_comes_to_blue_after_the_guardrails_is_not_lost(server, rds, monkeypatch):
    """A table is made between the guardrails and the moment at which blue is read-only: it ends rolled back."""
    story = Story(server, rds, "postgres")

    def late():
        with session(story.connect) as cursor:
            cursor.execute("CREATE TABLE late (id INT PRIMARY KEY)")
            cursor.execute("INSERT INTO late VALUES (1)")

    at(monkeypatch, switchover, "_hold", late)
    found = story.switch()
    assert found["Status"] == "SWITCHOVER_FAILED", found
    assert "app: table public.late was created" in found["StatusDetails"]
    assert story.writable(story.blue)
    with session(story.connect) as cursor:
        cursor.execute("SELECT id FROM late")
        assert cursor.fetchall() == [(1,)]
        cursor.execute("INSERT INTO late VALUES (2)")


def with_replica(rds, name):
    rds.create_db_instance_read_replica(DBInstanceIdentifier=f"{name}-r", SourceDBInstanceIdentifier=name)
    return available(rds, f"{name}-r")


def test_members_that_go_and_replicas_that_come(server, rds):
    """A green replica that is deleted leaves its blue one as it is; a replica of green's own goes along with green."""
    blue = made(rds, DBName="app", BackupRetentionPeriod=1)
    name = blue["DBInstanceIdentifier"]
    replica = with_replica(rds, name)
    identifier = rds.create_blue_green_deployment(
        BlueGreenDeploymentName="members", Source=blue["DBInstanceArn"]
    )["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    found = settled(rds, identifier)
    assert found["Status"] == "AVAILABLE", found
    greens = [member["TargetMember"] for member in found["SwitchoverDetails"]]
    green = described(rds, greens[0])["DBInstanceIdentifier"]
    code, message = refused(
        rds.create_db_instance_read_replica,
        DBInstanceIdentifier="no",
        SourceDBInstanceIdentifier=described(rds, greens[1])["DBInstanceIdentifier"],
    )
    assert code == "InvalidDBInstanceState", message
    rds.create_db_instance_read_replica(DBInstanceIdentifier="extra", SourceDBInstanceIdentifier=green)
    available(rds, "extra")
    rds.delete_db_instance(
        DBInstanceIdentifier=described(rds, greens[1])["DBInstanceIdentifier"], SkipFinalSnapshot=True
    )
    until(
        lambda: deployment_of(rds, identifier)["SwitchoverDetails"][1]["Status"] == "MISSING_TARGET",
        60,
    )
    assert deployment_of(rds, identifier)["Status"] == "AVAILABLE"
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    done = settled(rds, identifier)
    assert done["Status"] == "SWITCHOVER_COMPLETED", done
    assert described(rds, f"{name}-r")["DbiResourceId"] == replica["DbiResourceId"]
    assert described(rds, f"{name}-r")["ReadReplicaSourceDBInstanceIdentifier"] == f"{name}-old1"
    assert described(rds, "extra")["ReadReplicaSourceDBInstanceIdentifier"] == name
    with session(connector(described(rds, name), PASSWORD)) as cursor:
        cursor.execute("CREATE TABLE after_it (n INT)")

    def arrived():
        with contextlib.suppress(Exception), session(connector(described(rds, "extra"), PASSWORD)) as cursor:
            cursor.execute("SELECT n FROM after_it")
            return True

    until(arrived)


def test_a_green_database_that_is_promoted_makes_the_deployment_invalid(server, rds):
    story = Story(server, rds)
    green = story.green["DBInstanceIdentifier"]
    rds.promote_read_replica(DBInstanceIdentifier=green)
    available(rds, green)
    found = until(lambda: story.now() if story.now()["Status"] == "INVALID_CONFIGURATION" else None)
    assert "was promoted" in found["StatusDetails"]
    code, _ = refused(rds.switchover_blue_green_deployment, BlueGreenDeploymentIdentifier=story.id)
    assert code == "InvalidBlueGreenDeploymentStateFault"
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id)
    until(lambda: story.id not in str(rds.describe_blue_green_deployments()["BlueGreenDeployments"]), 60)
    assert described(rds, green)["DBInstanceStatus"] == "available"


def test_a_blue_database_that_is_deleted_makes_the_deployment_invalid(server, rds):
    story = Story(server, rds)
    rds.delete_db_instance(DBInstanceIdentifier=story.name, SkipFinalSnapshot=True)
    found = until(lambda: story.now() if story.now()["Status"] == "INVALID_CONFIGURATION" else None, 60)
    assert found["SwitchoverDetails"][0]["Status"] in {"MISSING_SOURCE", "AVAILABLE"}
    until(lambda: story.now()["SwitchoverDetails"][0]["Status"] == "MISSING_SOURCE", 60)
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id)


def test_green_with_the_event_scheduler_is_not_made(server, rds):
    rds.create_db_parameter_group(
        DBParameterGroupName="events", DBParameterGroupFamily="mariadb10.11", Description="of a test"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="events",
        Parameters=[{"ParameterName": "event_scheduler", "ParameterValue": "ON", "ApplyMethod": "immediate"}],
    )
    story = Story(server, rds, ready=False, TargetDBParameterGroupName="events")
    found = settled(rds, story.id)
    assert found["Status"] == "INVALID_CONFIGURATION"
    assert any(
        message.startswith(
            "Creation of blue/green deployment failed because of incompatible parameter settings: event_scheduler"
        )
        for message in story.events()
    ), story.events()
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_green_that_fails_half_way_leaves_nothing_behind(server, rds, monkeypatch, engine):
    """No files, and with PostgreSQL no slot for which blue would keep its log until the deployment is deleted."""

    def refuse(*_):
        raise JobError("it does not follow")

    monkeypatch.setattr(replicating, "follow", refuse)
    story = Story(server, rds, engine, ready=False)
    found = settled(rds, story.id)
    assert (found["Status"], found["StatusDetails"]) == ("INVALID_CONFIGURATION", "it does not follow")
    green = described(rds, found["Target"].rpartition(":")[2])
    assert green["DBInstanceStatus"] == "failed"
    assert not (server.installation.settings.data_dir / "databases" / green["DbiResourceId"]).exists()
    assert story.writable(described(rds, story.name))
    if engine == "postgres":
        with story.administrator(described(rds, story.name)) as there:
            slots = there.execute("SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical'")
            assert slots.fetchall() == []
            assert there.execute("SELECT pubname FROM pg_publication").fetchall() == []
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)
    until(lambda: story.id not in str(rds.describe_blue_green_deployments()["BlueGreenDeployments"]), 60)
