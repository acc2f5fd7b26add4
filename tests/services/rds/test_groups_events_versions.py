"""Subnet groups, option groups, tags, event subscriptions, versions, certificates, quotas: what needs no database."""

import pytest
from botocore.exceptions import ClientError

from tests.services.rds.conftest import code_of


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return code_of(caught)


def test_a_subnet_group_covers_two_zones_and_is_deleted(rds):
    assert (
        refused(
            rds.create_db_subnet_group,
            DBSubnetGroupName="one",
            DBSubnetGroupDescription="x",
            SubnetIds=["subnet-1"],
        )
        == "DBSubnetGroupDoesNotCoverEnoughAZs"
    )
    made = rds.create_db_subnet_group(
        DBSubnetGroupName="Two", DBSubnetGroupDescription="x", SubnetIds=["subnet-1", "subnet-2"]
    )["DBSubnetGroup"]
    assert made["DBSubnetGroupName"] == "two"
    assert [each["SubnetAvailabilityZone"]["Name"] for each in made["Subnets"]] == [
        "us-east-1a",
        "us-east-1b",
    ]
    assert (
        refused(
            rds.create_db_subnet_group,
            DBSubnetGroupName="two",
            DBSubnetGroupDescription="x",
            SubnetIds=["subnet-1", "subnet-2"],
        )
        == "DBSubnetGroupAlreadyExists"
    )
    rds.delete_db_subnet_group(DBSubnetGroupName="two")
    assert refused(rds.describe_db_subnet_groups, DBSubnetGroupName="two") == "DBSubnetGroupNotFoundFault"


def test_option_groups_are_kept_and_have_no_options(rds):
    rds.create_option_group(
        OptionGroupName="og", EngineName="mariadb", MajorEngineVersion="10.11", OptionGroupDescription="x"
    )
    found = {
        row["OptionGroupName"] for row in rds.describe_option_groups(EngineName="mariadb")["OptionGroupsList"]
    }
    assert {"og", "default:mariadb-10-11"} <= found
    assert (
        refused(
            rds.modify_option_group,
            OptionGroupName="og",
            OptionsToInclude=[{"OptionName": "MARIADB_AUDIT_PLUGIN"}],
        )
        == "InvalidParameterValue"
    )
    rds.delete_option_group(OptionGroupName="og")
    assert refused(rds.delete_option_group, OptionGroupName="og") == "OptionGroupNotFoundFault"


def test_tags_are_put_listed_and_taken_by_arn(rds):
    group = rds.create_db_parameter_group(
        DBParameterGroupName="tagged",
        DBParameterGroupFamily="postgres15",
        Description="x",
        Tags=[{"Key": "a", "Value": "1"}],
    )["DBParameterGroup"]
    arn = group["DBParameterGroupArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    tags = {tag["Key"]: tag["Value"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}
    assert tags == {"a": "3", "b": "2"}
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["a", "unknown"])
    assert [tag["Key"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]] == ["b"]
    assert (
        refused(rds.add_tags_to_resource, ResourceName=arn, Tags=[{"Key": "aws:x", "Value": "1"}])
        == "InvalidParameterValue"
    )
    gone = arn.replace("tagged", "gone")
    assert refused(rds.list_tags_for_resource, ResourceName=gone) == "DBParameterGroupNotFound"
    assert refused(rds.list_tags_for_resource, ResourceName="nonsense") == "InvalidParameterValue"
    rds.delete_db_parameter_group(DBParameterGroupName="tagged")


def test_event_categories_are_those_of_the_kind_of_source(rds):
    found = rds.describe_event_categories(SourceType="db-instance")["EventCategoriesMapList"]
    assert [row["SourceType"] for row in found] == ["db-instance"]
    assert {"creation", "backup", "failover", "read replica"} <= set(found[0]["EventCategories"])
    kinds = {row["SourceType"] for row in rds.describe_event_categories()["EventCategoriesMapList"]}
    assert {"db-instance", "db-snapshot", "blue-green-deployment"} <= kinds


def test_a_change_of_a_parameter_reaches_a_topic(server, rds):
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="of-rds")["TopicArn"]
    queue = sqs.create_queue(
        QueueName="of-rds",
        Attributes={
            "Policy": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},'
            '"Action":"sqs:SendMessage","Resource":"*"}]}'
        },
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    made = rds.create_event_subscription(
        SubscriptionName="Watch",
        SnsTopicArn=topic,
        SourceType="db-parameter-group",
        EventCategories=["configuration change"],
    )["EventSubscription"]
    assert made["CustSubscriptionId"] == "watch"
    rds.create_db_parameter_group(
        DBParameterGroupName="watched", DBParameterGroupFamily="mariadb10.11", Description="x"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="watched",
        Parameters=[{"ParameterName": "long_query_time", "ParameterValue": "4", "ApplyMethod": "immediate"}],
    )
    found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]["Body"]
    assert '"Source ID": "watched"' in found
    assert "Updated parameter long_query_time to 4 with apply method immediate" in found
    assert rds.describe_events(SourceIdentifier="watched", SourceType="db-parameter-group")["Events"]
    rds.delete_event_subscription(SubscriptionName="watch")
    assert refused(rds.describe_event_subscriptions, SubscriptionName="watch") == "SubscriptionNotFound"
    rds.delete_db_parameter_group(DBParameterGroupName="watched")


def test_events_need_a_kind_for_a_source_and_a_span_that_is_one(rds):
    assert refused(rds.describe_events, SourceIdentifier="x") == "InvalidParameterCombination"
    assert refused(rds.describe_events, Duration=20161) == "InvalidParameterValue"


def test_only_installed_versions_are_offered_and_mysql_is_not(rds):
    found = rds.describe_db_engine_versions()["DBEngineVersions"]
    assert {row["Engine"] for row in found} == {"mariadb", "postgres", "aurora-postgresql"}
    ten = rds.describe_db_engine_versions(Engine="mariadb", EngineVersion="10.11")["DBEngineVersions"]
    assert [row["DBParameterGroupFamily"] for row in ten] == ["mariadb10.11"]
    assert rds.describe_db_engine_versions(Engine="mysql")["DBEngineVersions"] == []


def test_classes_with_local_storage_are_orderable(rds):
    found = rds.describe_orderable_db_instance_options(Engine="mariadb", DBInstanceClass="db.m5d.large")
    rows = found["OrderableDBInstanceOptions"]
    assert {row["StorageType"] for row in rows} == {"gp2", "gp3", "io1", "io2", "standard"}
    pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(Engine="mariadb")
    every = [
        (row["EngineVersion"], row["DBInstanceClass"], row["StorageType"])
        for page in pages
        for row in page["OrderableDBInstanceOptions"]
    ]
    assert len(every) == len(set(every)) > 100


def test_the_authority_of_the_endpoints_is_described(rds):
    found = rds.describe_certificates()
    assert found["DefaultCertificateForNewLaunches"] == "rds-ca-rsa2048-g1"
    assert len(found["Certificates"][0]["Thumbprint"]) == 40
    assert refused(rds.describe_certificates, CertificateIdentifier="other") == "CertificateNotFound"


def test_quotas_say_what_is_used(rds):
    found = {row["AccountQuotaName"]: row for row in rds.describe_account_attributes()["AccountQuotas"]}
    assert found["DBInstances"]["Max"] == 40


@pytest.mark.parametrize("name", ["backtrack_db_cluster", "create_db_proxy", "create_global_cluster"])
def test_what_is_not_built_says_so(server, rds, name):
    parameters = {
        "backtrack_db_cluster": {"DBClusterIdentifier": "c", "BacktrackTo": 0},
        "create_db_proxy": {
            "DBProxyName": "p",
            "EngineFamily": "MYSQL",
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "VpcSubnetIds": ["s"],
        },
        "create_global_cluster": {"GlobalClusterIdentifier": "g"},
    }
    with pytest.raises(ClientError) as caught:
        getattr(rds, name)(**parameters[name])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
