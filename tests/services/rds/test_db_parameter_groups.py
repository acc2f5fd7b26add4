"""Parameter groups: families from the real engines, values checked, static and dynamic, copied, reset, deleted."""

import pytest
from botocore.exceptions import ClientError

from tests.services.rds.conftest import code_of

FAMILIES = ["mariadb10.11", "postgres15"]


@pytest.fixture
def group(rds, request):
    family = getattr(request, "param", "mariadb10.11")
    rds.create_db_parameter_group(
        DBParameterGroupName="Mine", DBParameterGroupFamily=family, Description="for a test"
    )
    yield "mine"
    rds.delete_db_parameter_group(DBParameterGroupName="mine")


def everything(rds, name, **more):
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name, **more)
    return {row["ParameterName"]: row for page in pages for row in page["Parameters"]}


def setting(name, value, method="immediate"):
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_default_group_of_an_installed_family_has_every_parameter(rds, family):
    found = everything(rds, f"default.{family}")
    assert len(found) > 300
    assert found["max_connections"]["ParameterValue"].startswith("LEAST({DBInstanceClassMemory/")
    assert found["max_connections"]["Source"] == "system"
    assert found["max_connections"]["DataType"] == "integer"
    assert list(found) == sorted(found)


def test_a_parameter_says_whether_it_is_static_and_what_it_may_be(rds):
    found = everything(rds, "default.mariadb10.11")
    assert found["long_query_time"]["ApplyType"] == "dynamic"
    assert found["performance_schema"]["ApplyType"] == "static"
    assert found["performance_schema"]["AllowedValues"] == "0,1"
    assert found["max_connections"]["AllowedValues"] == "10-100000"
    assert found["datadir"]["IsModifiable"] is False


def test_groups_are_created_in_lower_case_and_described(rds, group):
    found = rds.describe_db_parameter_groups(DBParameterGroupName="MINE")["DBParameterGroups"]
    assert [row["DBParameterGroupName"] for row in found] == [group]
    assert found[0]["DBParameterGroupArn"].endswith(":pg:mine")
    names = [row["DBParameterGroupName"] for row in rds.describe_db_parameter_groups()["DBParameterGroups"]]
    assert {"mine", "default.mariadb10.11", "default.postgres15"} <= set(names)


def test_values_of_users_are_listed_by_their_source(rds, group):
    rds.modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[
            setting("long_query_time", "2.5"),
            setting("performance_schema", "1", "pending-reboot"),
            setting("innodb_buffer_pool_size", "{DBInstanceClassMemory*1/2}"),
        ],
    )
    found = everything(rds, group, Source="user")
    assert {name: (row["ParameterValue"], row["ApplyMethod"]) for name, row in found.items()} == {
        "long_query_time": ("2.5", "immediate"),
        "performance_schema": ("1", "pending-reboot"),
        "innodb_buffer_pool_size": ("{DBInstanceClassMemory*1/2}", "immediate"),
    }
    rds.reset_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[{"ParameterName": "long_query_time", "ApplyMethod": "immediate"}],
    )
    assert set(everything(rds, group, Source="user")) == {"performance_schema", "innodb_buffer_pool_size"}
    rds.reset_db_parameter_group(DBParameterGroupName=group, ResetAllParameters=True)
    assert not everything(rds, group, Source="user")


@pytest.mark.parametrize(
    ("parameter", "code", "says"),
    [
        (setting("max_connections", "5"), "InvalidParameterValue", "allowed values are: 10-100000"),
        (setting("max_connections", "many"), "InvalidParameterValue", "max_connections"),
        (
            setting("no_such_thing", "1"),
            "InvalidParameterValue",
            "Could not find parameter with name: no_such_thing",
        ),
        (setting("datadir", "/"), "InvalidParameterValue", "datadir cannot be modified"),
        (
            setting("performance_schema", "1"),
            "InvalidParameterCombination",
            "immediate apply method for static parameter",
        ),
        (setting("innodb_buffer_pool_size", "{Moon*2}"), "InvalidParameterValue", "Moon"),
        (setting("innodb_buffer_pool_size", "{DBInstanceClassMemory*}"), "InvalidParameterValue", "formula"),
        (setting("sql_mode", "ANSI_QUOTES,NO_SUCH_MODE"), "InvalidParameterValue", "sql_mode"),
        (setting("character_set_client", "utf16"), "InvalidParameterValue", "character_set_client"),
        (setting("collation_server", "nowhere_ci"), "InvalidParameterValue", "collation_server"),
        (setting("init_connect", "SET a=1\nport=1"), "InvalidParameterValue", "init_connect"),
    ],
)
def test_bad_values_are_refused_by_name(rds, group, parameter, code, says):
    with pytest.raises(ClientError) as caught:
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter])
    assert code_of(caught) == code
    assert says in str(caught.value)


def test_default_groups_cannot_be_changed_nor_deleted(rds):
    for call, more in (
        (rds.modify_db_parameter_group, {"Parameters": [setting("long_query_time", "1")]}),
        (rds.delete_db_parameter_group, {}),
    ):
        with pytest.raises(ClientError) as caught:
            call(DBParameterGroupName="default.mariadb10.11", **more)
        assert code_of(caught) == "InvalidParameterValue"


def test_groups_are_copied_with_their_values(rds, group):
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[setting("long_query_time", "3")])
    made = rds.copy_db_parameter_group(
        SourceDBParameterGroupIdentifier=group,
        TargetDBParameterGroupIdentifier="copied",
        TargetDBParameterGroupDescription="a copy",
    )["DBParameterGroup"]
    assert made["DBParameterGroupFamily"] == "mariadb10.11"
    assert everything(rds, "copied", Source="user")["long_query_time"]["ParameterValue"] == "3"
    rds.delete_db_parameter_group(DBParameterGroupName="copied")
    with pytest.raises(ClientError) as caught:
        rds.describe_db_parameter_groups(DBParameterGroupName="copied")
    assert code_of(caught) == "DBParameterGroupNotFound"


def test_unknown_families_and_taken_names_are_refused(rds, group):
    with pytest.raises(ClientError) as caught:
        rds.create_db_parameter_group(
            DBParameterGroupName="x", DBParameterGroupFamily="mysql8.0", Description="none"
        )
    assert code_of(caught) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        rds.create_db_parameter_group(
            DBParameterGroupName=group, DBParameterGroupFamily="postgres15", Description="again"
        )
    assert code_of(caught) == "DBParameterGroupAlreadyExists"


def test_the_defaults_of_a_family_come_in_pages_of_the_size_asked_for(rds):
    first = rds.describe_engine_default_parameters(DBParameterGroupFamily="postgres15", MaxRecords=20)[
        "EngineDefaults"
    ]
    assert len(first["Parameters"]) == 20
    second = rds.describe_engine_default_parameters(
        DBParameterGroupFamily="postgres15", MaxRecords=20, Marker=first["Marker"]
    )["EngineDefaults"]
    assert first["Parameters"][-1]["ParameterName"] < second["Parameters"][0]["ParameterName"]
    for size in (19, 101):
        with pytest.raises(ClientError) as caught:
            rds.describe_engine_default_parameters(DBParameterGroupFamily="postgres15", MaxRecords=size)
        assert code_of(caught) == "InvalidParameterValue"


def test_cluster_groups_are_apart_from_the_others(rds):
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="of-a-cluster", DBParameterGroupFamily="postgres15", Description="cluster"
    )
    found = rds.describe_db_cluster_parameter_groups(DBClusterParameterGroupName="of-a-cluster")
    assert found["DBClusterParameterGroups"][0]["DBClusterParameterGroupArn"].endswith(
        ":cluster-pg:of-a-cluster"
    )
    with pytest.raises(ClientError):
        rds.describe_db_parameter_groups(DBParameterGroupName="of-a-cluster")
    rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName="of-a-cluster")
