"""Saved metric queries, from the documentation of PutMetricDataQueryDefinition and its kin."""

import pytest


@pytest.fixture
def client(running):
    client = running.client("cloudwatch")
    yield client
    for item in client.list_metric_data_query_definitions()["Items"]:
        client.delete_metric_data_query_definition(Id=item["Id"])


def put(client, path="team/web/latency", **changed):
    request = {"Path": path, "Expression": "AVG(METRICS())", "Type": "METRIC_MATH"} | changed
    return client.put_metric_data_query_definition(**request)


def test_a_query_is_saved_got_replaced_and_deleted(client, running):
    made = put(client, Tags=[{"Key": "k", "Value": "v"}])
    arn = f"arn:aws:cloudwatch:us-east-1:{running.account}:metric-query-definition/{made['Id']}"
    assert made["Arn"] == arn
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    running.clock.advance(5)
    changed = put(client, "other", Id=made["Id"], Expression="any text", Type="SQL")
    assert changed["CreatedAt"] == made["CreatedAt"] < changed["UpdatedAt"]
    got = client.get_metric_data_query_definition(Id=made["Id"])
    assert (got["Path"], got["Expression"], got["Type"]) == ("other", "any text", "SQL")
    for _ in range(2):
        client.delete_metric_data_query_definition(Id=made["Id"])
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_metric_data_query_definition(Id=made["Id"])
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        put(client, Id=made["Id"])


def test_a_path_is_taken_once(client):
    first = put(client)
    with pytest.raises(client.exceptions.ConflictException):
        put(client)
    put(client, Id=first["Id"])
    for path in ("/a", "a/", "a//b", "\u00e4" * 508):
        with pytest.raises(client.exceptions.ClientError, match="Path"):
            put(client, path)


def test_pages(client):
    made = {put(client, f"p{number}")["Id"] for number in range(5)}
    pages = client.get_paginator("list_metric_data_query_definitions").paginate(
        PaginationConfig={"PageSize": 2}
    )
    items = [item for page in pages for item in page["Items"]]
    assert {item["Id"] for item in items} == made
    assert all("Expression" not in item for item in items)
