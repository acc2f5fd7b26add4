"""What RDS refuses, by its code and its words: names, windows, storage, passwords, filters, pages; no database is made."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.server_fixtures import REGION
from tests.services.rds.conftest import wanted

BLANK = "The parameter {} must be provided and must not be blank."
NO_IDENTIFIER = (
    "The parameter {} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters,"
    " digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
)
VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"


def refusal(rds, operation, parameters):
    """The code and the message with which an operation is refused."""
    with pytest.raises(ClientError) as caught:
        getattr(rds, operation)(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


INSTANCES = {
    "digit-first": ({"DBInstanceIdentifier": "1st"}, VALUE, NO_IDENTIFIER.format("DBInstanceIdentifier")),
    "hyphen-last": ({"DBInstanceIdentifier": "db-"}, VALUE, NO_IDENTIFIER.format("DBInstanceIdentifier")),
    "two-hyphens": ({"DBInstanceIdentifier": "d--b"}, VALUE, NO_IDENTIFIER.format("DBInstanceIdentifier")),
    "underscore": ({"DBInstanceIdentifier": "d_b"}, VALUE, NO_IDENTIFIER.format("DBInstanceIdentifier")),
    "blank-name": ({"DBInstanceIdentifier": ""}, VALUE, BLANK.format("DBInstanceIdentifier")),
    "long-name": ({"DBInstanceIdentifier": "d" * 64}, VALUE, "is longer than 63 characters."),
    "unknown-engine": ({"Engine": "nosuch"}, VALUE, "Invalid DB engine: nosuch"),
    "mysql": ({"Engine": "mysql"}, VALUE, "Invalid DB engine: mysql. There is no MySQL on this machine"),
    "unknown-version": ({"EngineVersion": "9.9"}, COMBINATION, "Cannot find version 9.9 for mariadb"),
    "unknown-class": ({"DBInstanceClass": "db.x.y"}, VALUE, "Invalid DB Instance class: db.x.y"),
    "no-master": ({"MasterUsername": None}, VALUE, BLANK.format("MasterUsername")),
    "long-master": ({"MasterUsername": "m" * 17}, VALUE, "MasterUsername must be 1 to 16 letters"),
    "reserved-master": (
        {"MasterUsername": "root"},
        VALUE,
        "MasterUsername root cannot be used as it is a reserved word used by the engine",
    ),
    "no-password": ({"MasterUserPassword": None}, VALUE, BLANK.format("MasterUserPassword")),
    "short-password": ({"MasterUserPassword": "seven77"}, VALUE, "it is shorter than 8 characters."),
    "long-password": ({"MasterUserPassword": "p" * 42}, VALUE, "it is longer than 41 characters."),
    "slash-in-password": (
        {"MasterUserPassword": "with/slash"},
        VALUE,
        "Only printable ASCII characters besides",
    ),
    "at-in-password": (
        {"MasterUserPassword": "with@sign99"},
        VALUE,
        "Only printable ASCII characters besides",
    ),
    "key-of-what-is-in-clear": (
        {"KmsKeyId": "alias/aws/rds"},
        COMBINATION,
        "You must enable StorageEncrypted when you specify KmsKeyId for DB engine mariadb",
    ),
    "unknown-key-of-storage": (
        {"StorageEncrypted": True, "KmsKeyId": "alias/none"},
        "KMSKeyNotAccessibleFault",
        "Specified KMS key [alias/none] does not exist, is not enabled or you do not have permissions to access it.",
    ),
    "password-twice": (
        {"ManageMasterUserPassword": True},
        COMBINATION,
        "You can't specify MasterUserPassword",
    ),
    "unknown-key": (
        {"MasterUserPassword": None, "ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": "nosuch"},
        "KMSKeyNotAccessibleFault",
        "Specified KMS key [nosuch] does not exist, is not enabled or you do not have permissions to access it.",
    ),
    "database-name": ({"DBName": "1st"}, VALUE, "DBName must begin with a letter"),
    "database-underscore": ({"DBName": "_first"}, VALUE, "DBName must begin with a letter"),
    "storage-small": (
        {"AllocatedStorage": 5},
        VALUE,
        "Invalid storage size for engine name mariadb and storage type gp3: 5",
    ),
    "storage-small-for-io1": ({"AllocatedStorage": 99, "Iops": 1000}, VALUE, "storage type io1: 99"),
    "storage-kind": ({"StorageType": "tape"}, VALUE, "Invalid storage type: tape"),
    "iops-of-small-gp3": (
        {"StorageType": "gp3", "Iops": 3000},
        COMBINATION,
        "You can't specify IOPS or storage throughput for engine mariadb and a storage size less than 400.",
    ),
    "throughput-of-gp2": (
        {"StorageType": "gp2", "StorageThroughput": 125},
        COMBINATION,
        "You can't specify IOPS or storage throughput for engine mariadb and a storage type gp2.",
    ),
    "io1-without-iops": (
        {"StorageType": "io1", "AllocatedStorage": 100},
        COMBINATION,
        "You must specify IOPS for storage type io1.",
    ),
    "io1-too-fast": (
        {"AllocatedStorage": 100, "Iops": 6000},
        COMBINATION,
        "The IOPS to GiB ratio of 60 is not",
    ),
    "io1-too-slow": ({"AllocatedStorage": 100, "Iops": 999}, VALUE, "Must be between 1000 and 256000"),
    "gp3-too-slow": (
        {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 3001},
        VALUE,
        "Must be between 12000 and 64000",
    ),
    "most-below-least": (
        {"MaxAllocatedStorage": 19},
        COMBINATION,
        "Max storage size must be greater than storage size",
    ),
    "retention": ({"BackupRetentionPeriod": 36}, VALUE, "Must be between 0 and 35"),
    "port": ({"Port": 1149}, VALUE, "Must be between 1150 and 65535"),
    "windows-overlap": (
        {"PreferredBackupWindow": "01:00-02:00", "PreferredMaintenanceWindow": "mon:01:30-mon:02:30"},
        VALUE,
        "The backup window and maintenance window must not overlap.",
    ),
    "windows-overlap-at-midnight": (
        {"PreferredBackupWindow": "23:30-00:30", "PreferredMaintenanceWindow": "tue:00:00-tue:01:00"},
        VALUE,
        "The backup window and maintenance window must not overlap.",
    ),
    "maintenance-short": (
        {"PreferredMaintenanceWindow": "mon:01:00-mon:01:29"},
        VALUE,
        "The maintenance window must be at least 30 minutes.",
    ),
    "maintenance-long": (
        {"PreferredMaintenanceWindow": "mon:01:00-tue:01:01"},
        VALUE,
        "Maintenance window must be less than 24 hours.",
    ),
    "maintenance-day": (
        {"PreferredMaintenanceWindow": "may:01:00-mon:02:00"},
        VALUE,
        "Invalid day:hour:minute value: may:01:00-mon:02:00",
    ),
    "maintenance-form": (
        {"PreferredMaintenanceWindow": "01:00-02:00"},
        VALUE,
        "Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). Example: Sun:23:45-Mon:00:15",
    ),
    "backup-form": (
        {"PreferredBackupWindow": "1-2"},
        VALUE,
        "Should be specified as a range hh24:mi-hh24:mi",
    ),
    "backup-hour": (
        {"PreferredBackupWindow": "25:00-26:00"},
        VALUE,
        "Invalid hour:minute value: 25:00-26:00",
    ),
    "backup-short": (
        {"PreferredBackupWindow": "01:00-01:29"},
        VALUE,
        "The backup window must be at least 30 minutes.",
    ),
    "interval": (
        {"MonitoringInterval": 2},
        VALUE,
        "MonitoringInterval must be one of 0, 1, 5, 10, 15, 30, 60",
    ),
    "interval-without-role": (
        {"MonitoringInterval": 60},
        COMBINATION,
        "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.",
    ),
    "role-without-interval": (
        {"MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring"},
        COMBINATION,
        "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value.",
    ),
    "zone-of-multi-az": (
        {"MultiAZ": True, "AvailabilityZone": "us-east-1a"},
        COMBINATION,
        "Requesting a specific availability zone is not valid for Multi-AZ instances.",
    ),
    "zone-elsewhere": ({"AvailabilityZone": "eu-west-1a"}, VALUE, "Invalid Availability Zone: eu-west-1a"),
    "tier": ({"PromotionTier": 16}, VALUE, "PromotionTier must be from 0 to 15."),
    "licence": (
        {"LicenseModel": "license-included"},
        COMBINATION,
        "Invalid license model 'license-included'",
    ),
    "authority": ({"CACertificateIdentifier": "rds-ca-1999"}, "CertificateNotFound", "rds-ca-1999"),
    "network": ({"NetworkType": "IPV6"}, VALUE, "Invalid network type: IPV6"),
    "dual-stack": ({"NetworkType": "DUAL"}, "NetworkTypeNotSupported", "DUAL is not supported here"),
    "target": ({"BackupTarget": "outposts"}, COMBINATION, "BackupTarget outposts is not here"),
    "insights": (
        {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 94},
        VALUE,
        "Invalid Performance Insights retention period. Valid values are: [7, 31, 62,",
    ),
    "logs": (
        {"EnableCloudwatchLogsExports": ["postgresql"]},
        COMBINATION,
        "You cannot use the log types 'postgresql'",
    ),
    "no-parameter-group": (
        {"DBParameterGroupName": "nosuch"},
        "DBParameterGroupNotFound",
        "DBParameterGroup not found: nosuch",
    ),
    "group-of-others": (
        {"DBParameterGroupName": "default.postgres15"},
        COMBINATION,
        "The Parameter Group default.postgres15 with DBParameterGroupFamily postgres15 can't be used for this instance.",
    ),
    "no-subnet-group": (
        {"DBSubnetGroupName": "nosuch"},
        "DBSubnetGroupNotFoundFault",
        "DB subnet group 'nosuch' does not exist.",
    ),
    "no-option-group": (
        {"OptionGroupName": "nosuch"},
        "OptionGroupNotFoundFault",
        "Specified OptionGroupName: nosuch not found.",
    ),
    "security-group": (
        {"VpcSecurityGroupIds": ["web"]},
        VALUE,
        "Invalid security group , groupId= web, groupName=",
    ),
    "reserved-tag": ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, VALUE, "reserved"),
    "tags-of-nothing": (
        {"TagSpecifications": [{"ResourceType": "volume", "Tags": []}]},
        VALUE,
        "Invalid resource type in TagSpecifications: volume",
    ),
    "member-alone": ({"Engine": "aurora-postgresql"}, VALUE, "DBClusterIdentifier must be specified."),
    "member-of-nothing": (
        {"DBClusterIdentifier": "nosuch"},
        "DBClusterNotFoundFault",
        "The source cluster could not be found or cannot be accessed: nosuch",
    ),
}


@pytest.mark.parametrize("case", INSTANCES)
def test_an_instance_is_not_made(rds, case):
    changed, code, words = INSTANCES[case]
    parameters = {name: value for name, value in {**wanted(), **changed}.items() if value is not None}
    found = refusal(rds, "create_db_instance", parameters)
    assert found[0] == code, found
    assert words in found[1]
    assert not rds.describe_db_instances()["DBInstances"]


CLUSTER = {
    "DBClusterIdentifier": "cluster",
    "Engine": "aurora-postgresql",
    "MasterUsername": "owner",
    "MasterUserPassword": "correct-horse-9",
}
CLUSTERS = {
    "name": ({"DBClusterIdentifier": "c--l"}, VALUE, NO_IDENTIFIER.format("DBClusterIdentifier")),
    "no-master": ({"MasterUsername": None}, VALUE, BLANK.format("MasterUsername")),
    "no-password": ({"MasterUserPassword": None}, VALUE, BLANK.format("MasterUserPassword")),
    "short-password": ({"MasterUserPassword": "seven77"}, VALUE, "it is shorter than 8 characters."),
    "retention": ({"BackupRetentionPeriod": 0}, VALUE, "Must be between 1 and 35"),
    "storage": ({"StorageType": "gp3"}, VALUE, "Invalid storage type for DB engine aurora-postgresql: gp3"),
    "no-group": (
        {"DBClusterParameterGroupName": "nosuch"},
        "DBClusterParameterGroupNotFound",
        "DBClusterParameterGroup not found: nosuch",
    ),
    "windows": (
        {"PreferredBackupWindow": "01:00-02:00", "PreferredMaintenanceWindow": "mon:01:30-mon:02:30"},
        VALUE,
        "The backup window and maintenance window must not overlap.",
    ),
    "dual-stack": ({"NetworkType": "DUAL"}, "NetworkTypeNotSupported", "DUAL is not supported here"),
    "serverless": ({"EngineMode": "serverless"}, COMBINATION, "EngineMode serverless is not here"),
    "class": (
        {"DBClusterInstanceClass": "db.m5d.large"},
        COMBINATION,
        "DBClusterInstanceClass is for Multi-AZ DB clusters",
    ),
}


@pytest.mark.parametrize("case", CLUSTERS)
def test_a_cluster_is_not_made(rds, case):
    changed, code, words = CLUSTERS[case]
    parameters = {name: value for name, value in {**CLUSTER, **changed}.items() if value is not None}
    found = refusal(rds, "create_db_cluster", parameters)
    assert found[0] == code, found
    assert words in found[1]


ABSENT = {
    "describe_db_instances": ("DBInstanceIdentifier", "DBInstanceNotFound", "DBInstance nosuch not found."),
    "describe_db_clusters": ("DBClusterIdentifier", "DBClusterNotFoundFault", "DBCluster nosuch not found."),
    "describe_db_snapshots": ("DBSnapshotIdentifier", "DBSnapshotNotFound", "DBSnapshot nosuch not found."),
    "describe_db_cluster_snapshots": (
        "DBClusterSnapshotIdentifier",
        "DBClusterSnapshotNotFoundFault",
        "DBClusterSnapshot nosuch not found.",
    ),
    "describe_db_parameter_groups": (
        "DBParameterGroupName",
        "DBParameterGroupNotFound",
        "DBParameterGroup not found: nosuch",
    ),
    "describe_db_cluster_parameter_groups": (
        "DBClusterParameterGroupName",
        "DBParameterGroupNotFound",
        "DBClusterParameterGroup not found: nosuch",
    ),
    "describe_option_groups": (
        "OptionGroupName",
        "OptionGroupNotFoundFault",
        "Specified OptionGroupName: nosuch not found.",
    ),
    "describe_db_subnet_groups": (
        "DBSubnetGroupName",
        "DBSubnetGroupNotFoundFault",
        "DB subnet group 'nosuch' does not exist.",
    ),
    "describe_event_subscriptions": (
        "SubscriptionName",
        "SubscriptionNotFound",
        "Subscription nosuch not found.",
    ),
    "describe_certificates": (
        "CertificateIdentifier",
        "CertificateNotFound",
        "Certificate not found: nosuch",
    ),
    "describe_global_clusters": (
        "GlobalClusterIdentifier",
        "GlobalClusterNotFoundFault",
        "nosuch not found.",
    ),
    "describe_db_proxies": ("DBProxyName", "DBProxyNotFoundFault", "The specified proxy name nosuch doesn't"),
    "describe_db_shard_groups": (
        "DBShardGroupIdentifier",
        "DBShardGroupNotFound",
        "DBShardGroup nosuch not found.",
    ),
    "describe_db_security_groups": ("DBSecurityGroupName", "DBSecurityGroupNotFound", "nosuch"),
    "describe_export_tasks": ("ExportTaskIdentifier", "ExportTaskNotFound", "nosuch"),
    "describe_reserved_db_instances": ("ReservedDBInstanceId", "ReservedDBInstanceNotFound", "nosuch"),
    "describe_tenant_databases": (
        "DBInstanceIdentifier",
        "DBInstanceNotFound",
        "DBInstance nosuch not found.",
    ),
}


@pytest.mark.parametrize("operation", ABSENT)
def test_what_is_named_and_not_there_is_not_found(rds, operation):
    member, code, words = ABSENT[operation]
    found = refusal(rds, operation, {member: "nosuch"})
    assert found[0] == code
    assert words in found[1]


LISTS = {
    "describe_db_instances": "DBInstances",
    "describe_db_clusters": "DBClusters",
    "describe_db_snapshots": "DBSnapshots",
    "describe_db_cluster_snapshots": "DBClusterSnapshots",
    "describe_db_instance_automated_backups": "DBInstanceAutomatedBackups",
    "describe_db_cluster_automated_backups": "DBClusterAutomatedBackups",
    "describe_db_cluster_endpoints": "DBClusterEndpoints",
    "describe_db_parameter_groups": "DBParameterGroups",
    "describe_db_cluster_parameter_groups": "DBClusterParameterGroups",
    "describe_db_subnet_groups": "DBSubnetGroups",
    "describe_option_groups": "OptionGroupsList",
    "describe_events": "Events",
    "describe_event_subscriptions": "EventSubscriptionsList",
    "describe_certificates": "Certificates",
    "describe_db_engine_versions": "DBEngineVersions",
    "describe_pending_maintenance_actions": "PendingMaintenanceActions",
    "describe_blue_green_deployments": "BlueGreenDeployments",
    "describe_db_proxies": "DBProxies",
    "describe_db_proxy_endpoints": "DBProxyEndpoints",
    "describe_db_recommendations": "DBRecommendations",
    "describe_db_security_groups": "DBSecurityGroups",
    "describe_db_shard_groups": "DBShardGroups",
    "describe_db_snapshot_tenant_databases": "DBSnapshotTenantDatabases",
    "describe_export_tasks": "ExportTasks",
    "describe_global_clusters": "GlobalClusters",
    "describe_integrations": "Integrations",
    "describe_reserved_db_instances": "ReservedDBInstances",
    "describe_reserved_db_instances_offerings": "ReservedDBInstancesOfferings",
    "describe_tenant_databases": "TenantDatabases",
    "describe_db_capacity_reservations": "DBCapacityReservations",
}


@pytest.fixture(scope="module")
def trusting(server):
    """A client that sends what botocore's model would not let through."""
    return boto3.client(
        "rds",
        region_name=REGION,
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=Config(parameter_validation=False),
    )


@pytest.mark.parametrize("operation", LISTS)
def test_a_page_has_twenty_to_a_hundred_records(trusting, operation):
    assert LISTS[operation] in getattr(trusting, operation)(MaxRecords=20)
    for size in (19, 101):
        code, words = refusal(trusting, operation, {"MaxRecords": size})
        assert code == VALUE
        assert str(size) in words


@pytest.mark.parametrize(
    "operation",
    [
        "describe_db_instances",
        "describe_db_clusters",
        "describe_db_snapshots",
        "describe_db_cluster_snapshots",
        "describe_db_engine_versions",
    ],
)
def test_filters_have_known_names_and_values(rds, operation):
    unknown = {"Filters": [{"Name": "colour", "Values": ["red"]}]}
    assert refusal(rds, operation, unknown) == (VALUE, "Unrecognized filter name: colour")
    empty = {"Filters": [{"Name": "engine", "Values": []}]}
    assert refusal(rds, operation, empty) == (COMBINATION, "The list of Engine Names must not be empty.")


def test_groups_need_a_name_a_family_and_a_description(rds):
    good = {"DBParameterGroupName": "g", "DBParameterGroupFamily": "postgres15", "Description": "d"}
    for member in good:
        code, words = refusal(rds, "create_db_parameter_group", {**good, member: ""})
        assert (code, words) == (VALUE, BLANK.format(member))
    for name in ("with.dot", "1st", "default.postgres15"):
        refused = refusal(rds, "create_db_parameter_group", {**good, "DBParameterGroupName": name})
        assert refused == (VALUE, NO_IDENTIFIER.format("DBParameterGroupName"))
    code, words = refusal(rds, "create_db_parameter_group", {**good, "DBParameterGroupFamily": "mysql8.0"})
    assert (code, words) == (VALUE, "DBParameterGroupFamily mysql8.0 is not a valid parameter group family")


def test_option_groups_are_of_versions_that_are_here(rds):
    good = {
        "OptionGroupName": "o",
        "EngineName": "mariadb",
        "MajorEngineVersion": "10.11",
        "OptionGroupDescription": "d",
    }
    wrong = {
        "EngineName": ("nosuch", VALUE, "Invalid DB engine: nosuch"),
        "MajorEngineVersion": ("1.2", COMBINATION, "Cannot find major version 1.2 for mariadb"),
        "OptionGroupDescription": ("", VALUE, BLANK.format("OptionGroupDescription")),
    }
    for member, (value, code, words) in wrong.items():
        assert refusal(rds, "create_option_group", {**good, member: value}) == (code, words)
    asked = {"EngineName": "mariadb", "MajorEngineVersion": "1.2"}
    assert refusal(rds, "describe_option_group_options", asked)[0] == COMBINATION


def test_subnet_groups_may_have_more_in_their_names(rds):
    group = {"DBSubnetGroupDescription": "d", "SubnetIds": ["subnet-1", "subnet-2"]}
    for name in ("1st", "default", "slash/ed"):
        assert refusal(rds, "create_db_subnet_group", {**group, "DBSubnetGroupName": name})[0] == VALUE
    made = rds.create_db_subnet_group(**group, DBSubnetGroupName="My.own_group 1")["DBSubnetGroup"]
    assert made["DBSubnetGroupName"] == "my.own_group 1"
    rds.delete_db_subnet_group(DBSubnetGroupName="my.own_group 1")
