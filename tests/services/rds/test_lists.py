"""Lists as botocore's model documents them: every filter that it names is taken, no other one, and markers are of this list."""

import re

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

MODEL = botocore.session.get_session().get_service_model("rds")
GIVEN = {
    "DescribeDBClusterParameters": {"DBClusterParameterGroupName": "default.aurora-postgresql15"},
    "DescribeDBParameters": {"DBParameterGroupName": "default.postgres15"},
    "DescribeEngineDefaultClusterParameters": {"DBParameterGroupFamily": "aurora-postgresql15"},
    "DescribeEngineDefaultParameters": {"DBParameterGroupFamily": "postgres15"},
    "DescribeOptionGroupOptions": {"EngineName": "postgres"},
    "DescribeOrderableDBInstanceOptions": {"Engine": "postgres"},
}
# They list what is below something that there has to be first, are not here, or have their own way of paging.
ELSEWHERE = {
    "DescribeDBClusterBacktracks",
    "DescribeDBLogFiles",
    "DescribeDBProxyTargetGroups",
    "DescribeDBProxyTargets",
    "DescribeServerlessV2PlatformVersions",
    "DescribeSourceRegions",
}
# What is never here has nothing to filter.
NEVER = re.compile("Capacity|Global|Recommendation|Reserved|ShardGroup|Tenant|Integration")
OPERATIONS = [
    name
    for name in MODEL.operation_names
    if name.startswith("Describe")
    and name not in ELSEWHERE
    and "Marker" in MODEL.operation_model(name).input_shape.members
]


def filters_of(operation):
    """The names of filters in the model's documentation: the outermost items of its list."""
    shape = MODEL.operation_model(operation).input_shape.members.get("Filters")
    found, depth = [], 0
    for tag, name in re.findall(
        r"(<ul>|</ul>)|<li> <p> <code>([a-z0-9-]+)</code>", shape.documentation if shape is not None else ""
    ):
        depth += {"<ul>": 1, "</ul>": -1}.get(tag, 0)
        if name and depth == 1:
            found.append(name)
    return found


FILTERS = {name: filters_of(name) for name in OPERATIONS if filters_of(name) and not NEVER.search(name)}


def code_and_words(rds, operation, **asked):
    try:
        getattr(rds, xform_name(operation))(**GIVEN.get(operation, {}), **asked)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "", ""


def test_the_model_is_read():
    assert FILTERS["DescribeDBInstanceAutomatedBackups"] == ["status", "db-instance-id", "dbi-resource-id"]
    assert len(FILTERS) >= 10


@pytest.mark.parametrize("operation", FILTERS)
def test_filters_are_those_that_the_model_documents(rds, operation):
    for name in FILTERS[operation]:
        assert code_and_words(rds, operation, Filters=[{"Name": name, "Values": ["x"]}]) == ("", ""), name
        code, words = code_and_words(rds, operation, Filters=[{"Name": name, "Values": []}])
        assert (code, "must not be empty" in words) == ("InvalidParameterCombination", True)
    refused = code_and_words(rds, operation, Filters=[{"Name": "colour", "Values": ["x"]}])
    assert refused == ("InvalidParameterValue", "Unrecognized filter name: colour")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_marker_is_one_that_the_list_gave(rds, operation):
    refused = code_and_words(rds, operation, Marker="nonsense")
    assert refused == ("InvalidParameterValue", "The specified Marker is invalid.")
