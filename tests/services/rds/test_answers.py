"""What RDS answers, member by member, where no database is needed: subscriptions, quotas, categories, parameters, storage."""

import re

import pytest
from botocore.exceptions import ClientError

from tests.services.rds.conftest import code_of

# Source types with their categories: the tables of the two user guides, under the names that subscriptions take.
CATEGORIES = {
    "db-instance": (
        "availability, backtrack, backup, configuration change, creation, deletion, failover, failure, low storage,"
        " maintenance, notification, read replica, recovery, restoration, security, security patching"
    ),
    "db-security-group": "configuration change, failure",
    "db-parameter-group": "configuration change",
    "db-snapshot": "creation, deletion, failure, notification, restoration",
    "db-cluster": (
        "configuration change, creation, deletion, failover, failure, global-failover, maintenance, migration,"
        " notification, read replica, serverless"
    ),
    "db-cluster-snapshot": "backup, failure, notification",
    "custom-engine-version": "creation, failure, restoring",
    "db-proxy": "configuration change, creation, deletion, failure",
    "blue-green-deployment": "creation, deletion, failure, notification",
    "db-shard-group": "failure, maintenance, notification",
}


@pytest.mark.parametrize("kind", CATEGORIES)
def test_a_kind_of_source_has_its_categories(rds, kind):
    found = rds.describe_event_categories(SourceType=kind)["EventCategoriesMapList"]
    assert found == [{"SourceType": kind, "EventCategories": CATEGORIES[kind].split(", ")}]


def test_all_kinds_of_sources_are_described_at_once(rds):
    found = rds.describe_event_categories()["EventCategoriesMapList"]
    assert {row["SourceType"] for row in found} == set(CATEGORIES)


@pytest.fixture
def topic(server):
    return server.client("sns").create_topic(Name="answers")["TopicArn"]


def test_a_subscription_is_on_its_way_while_it_is_changed(rds, topic):
    made = rds.create_event_subscription(
        SubscriptionName="Mine",
        SnsTopicArn=topic,
        SourceType="db-instance",
        EventCategories=["Backup", "recovery"],
    )["EventSubscription"]
    account = topic.split(":")[4]
    created = made.pop("SubscriptionCreationTime")
    assert re.fullmatch(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4}", created)
    assert made == {
        "CustomerAwsId": account,
        "CustSubscriptionId": "mine",
        "SnsTopicArn": topic,
        "Status": "creating",
        "SourceType": "db-instance",
        "EventCategoriesList": ["backup", "recovery"],
        "Enabled": True,
        "EventSubscriptionArn": f"arn:aws:rds:us-east-1:{account}:es:mine",
    }
    found = rds.describe_event_subscriptions(SubscriptionName="mine")["EventSubscriptionsList"][0]
    assert found["Status"] == "active"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", found["SubscriptionCreationTime"])
    changed = rds.modify_event_subscription(SubscriptionName="mine", Enabled=False)["EventSubscription"]
    assert (changed["Status"], changed["Enabled"]) == ("modifying", False)
    gone = rds.delete_event_subscription(SubscriptionName="mine")["EventSubscription"]
    assert gone["Status"] == "deleting"


SUBSCRIPTIONS = {
    "no-topic": ({"SnsTopicArn": "{topic}-nosuch"}, "SNSTopicArnNotFound"),
    "no-arn": ({"SnsTopicArn": "nosuch"}, "SNSInvalidTopic"),
    "other-service": ({"SnsTopicArn": "arn:aws:sqs:us-east-1:123456789012:q"}, "SNSInvalidTopic"),
    "no-category": ({"EventCategories": ["colour"]}, "SubscriptionCategoryNotFound"),
    "category-of-others": (
        {"SourceType": "db-parameter-group", "EventCategories": ["backup"]},
        "SubscriptionCategoryNotFound",
    ),
    "no-kind": ({"SourceType": "colour"}, "SourceNotFound"),
    "no-source": ({"SourceType": "db-instance", "SourceIds": ["nosuch"]}, "SourceNotFound"),
    "sources-without-kind": ({"SourceIds": ["a"]}, "InvalidParameterCombination"),
    "name": ({"SubscriptionName": "1st"}, "InvalidParameterValue"),
}


@pytest.mark.parametrize("case", SUBSCRIPTIONS)
def test_a_subscription_is_refused(rds, topic, case):
    changed, code = SUBSCRIPTIONS[case]
    parameters = {"SubscriptionName": "mine", "SnsTopicArn": "{topic}", **changed}
    parameters["SnsTopicArn"] = parameters["SnsTopicArn"].format(topic=topic)
    with pytest.raises(ClientError) as caught:
        rds.create_event_subscription(**parameters)
    assert code_of(caught) == code
    assert not rds.describe_event_subscriptions()["EventSubscriptionsList"]


def test_quotas_are_those_of_rds_and_are_kept(rds, topic):
    quotas = {row["AccountQuotaName"]: row for row in rds.describe_account_attributes()["AccountQuotas"]}
    assert quotas["DBInstances"] == {"AccountQuotaName": "DBInstances", "Used": 0, "Max": 40}
    assert quotas["AllocatedStorage"]["Max"] == 100_000
    assert quotas["ManualClusterSnapshots"]["Max"] == 100
    most = quotas["EventSubscriptions"]["Max"]
    assert most == 20
    for number in range(most):
        rds.create_event_subscription(SubscriptionName=f"s{number}", SnsTopicArn=topic)
    with pytest.raises(rds.exceptions.EventSubscriptionQuotaExceededFault):
        rds.create_event_subscription(SubscriptionName="more", SnsTopicArn=topic)
    used = {
        row["AccountQuotaName"]: row["Used"] for row in rds.describe_account_attributes()["AccountQuotas"]
    }
    assert used["EventSubscriptions"] == most
    pages = rds.get_paginator("describe_event_subscriptions").paginate(PaginationConfig={"PageSize": 20})
    names = [row["CustSubscriptionId"] for page in pages for row in page["EventSubscriptionsList"]]
    assert names == sorted(f"s{number}" for number in range(most))
    for name in names:
        rds.delete_event_subscription(SubscriptionName=name)


def test_a_subnet_group_has_at_most_twenty_subnets_by_their_names(rds):
    subnets = [f"subnet-{number}" for number in range(21)]
    group = {"DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d"}
    with pytest.raises(rds.exceptions.DBSubnetQuotaExceededFault):
        rds.create_db_subnet_group(**group, SubnetIds=subnets)
    with pytest.raises(rds.exceptions.InvalidSubnet):
        rds.create_db_subnet_group(**group, SubnetIds=["subnet-1", "net-2"])


def test_parameters_of_a_family_say_no_method_and_those_of_clusters_their_modes(rds):
    of_family = rds.describe_engine_default_parameters(DBParameterGroupFamily="postgres15", MaxRecords=20)
    assert all("ApplyMethod" not in row for row in of_family["EngineDefaults"]["Parameters"])
    assert of_family["EngineDefaults"]["DBParameterGroupFamily"] == "postgres15"
    of_group = rds.describe_db_cluster_parameters(
        DBClusterParameterGroupName="default.aurora-postgresql15", MaxRecords=20
    )
    assert {row["ApplyMethod"] for row in of_group["Parameters"]} == {"pending-reboot"}
    assert all(row["SupportedEngineModes"] == ["provisioned"] for row in of_group["Parameters"])


def test_a_thousand_orderable_options_fit_on_a_page(rds):
    found = rds.describe_orderable_db_instance_options(Engine="postgres", MaxRecords=1000)
    assert len(found["OrderableDBInstanceOptions"]) > 100
    with pytest.raises(ClientError) as caught:
        rds.describe_orderable_db_instance_options(Engine="postgres", MaxRecords=1001)
    assert code_of(caught) == "InvalidParameterValue"


def test_events_are_of_what_is_or_was_there(rds):
    for kind, code in {
        "db-instance": "DBInstanceNotFound",
        "db-cluster": "DBClusterNotFoundFault",
        "db-snapshot": "DBSnapshotNotFound",
        "db-parameter-group": "DBParameterGroupNotFound",
    }.items():
        with pytest.raises(ClientError) as caught:
            rds.describe_events(SourceIdentifier="nosuch", SourceType=kind)
        assert code_of(caught) == code
    with pytest.raises(ClientError) as caught:
        rds.describe_events(SourceIdentifier="nosuch")
    assert caught.value.response["Error"]["Message"] == "Cannot specify source identifier without source type"
    group = {"DBParameterGroupName": "gone", "DBParameterGroupFamily": "postgres15", "Description": "d"}
    rds.create_db_parameter_group(**group)
    assert rds.describe_events(SourceIdentifier="gone", SourceType="db-parameter-group")["Events"] == []
    change = {"ParameterName": "work_mem", "ParameterValue": "4096", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="gone", Parameters=[change])
    rds.delete_db_parameter_group(DBParameterGroupName="gone")
    found = rds.describe_events(SourceIdentifier="Gone", SourceType="db-parameter-group")["Events"]
    assert [row["Message"] for row in found] == [
        "Updated parameter work_mem to 4096 with apply method immediate"
    ]
