"""CreateLookupTable, UpdateLookupTable, GetLookupTable, DescribeLookupTables and DeleteLookupTable."""

import pytest
from botocore.exceptions import ClientError

from coldframe.services.logs.lookup_tables import MOST_BYTES, lookup_table
from tests.server_fixtures import running_server

TEXT = 'id,name\n1,Ann\n2,"Bob, the\nsecond"\n'


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("lookup-tables") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client in an account without lookup tables."""
    client = running.client("logs")
    for table in client.describe_lookup_tables(maxResults=100)["lookupTables"]:
        client.delete_lookup_table(lookupTableArn=table["lookupTableArn"])
    return client


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def table_of(running, name):
    with running.installation.store.read() as transaction:
        columns, rows = lookup_table(transaction.records(running.account, "us-east-1"), name)
        return columns, list(rows)


def test_create_get_update_and_delete(logs, running):
    arn = f"arn:aws:logs:us-east-1:{running.account}:lookup-table:users"
    before = running.clock.milliseconds()
    made = logs.create_lookup_table(
        lookupTableName="users", description="who", tableBody=TEXT, tags={"team": "a"}
    )
    assert made["lookupTableArn"] == arn
    assert before <= made["createdAt"] <= running.clock.milliseconds()
    got = logs.get_lookup_table(lookupTableArn=arn)
    assert got["tableBody"] == TEXT
    assert (got["lookupTableName"], got["description"], got["sizeBytes"]) == ("users", "who", len(TEXT))
    (told,) = logs.describe_lookup_tables()["lookupTables"]
    assert (told["tableFields"], told["recordsCount"], told["sizeBytes"]) == (["id", "name"], 2, len(TEXT))
    assert "tableBody" not in told
    assert table_of(running, "users") == (("id", "name"), [["1", "Ann"], ["2", "Bob, the\nsecond"]])
    running.clock.advance(2)
    updated = logs.update_lookup_table(lookupTableArn=arn, tableBody="code\n7\n")
    assert updated["lastUpdatedTime"] >= made["createdAt"] + 2000
    got = logs.get_lookup_table(lookupTableArn=arn)
    assert (got["tableBody"], got["description"]) == ("code\n7\n", "who")
    assert table_of(running, "users") == (("code",), [["7"]])
    logs.delete_lookup_table(lookupTableArn=arn)
    for call in (logs.get_lookup_table, logs.delete_lookup_table):
        assert code_of(call, lookupTableArn=arn) == "ResourceNotFoundException"
    assert (
        code_of(logs.update_lookup_table, lookupTableArn=arn, tableBody=TEXT) == "ResourceNotFoundException"
    )


def test_a_name_is_taken_once(logs):
    logs.create_lookup_table(lookupTableName="t", tableBody=TEXT)
    again = {"lookupTableName": "t", "tableBody": TEXT}
    assert code_of(logs.create_lookup_table, **again) == "ResourceAlreadyExistsException"


@pytest.mark.parametrize(
    "body",
    [
        "\n",
        "a,a\n1,2\n",
        "a,\n1,2\n",
        "a,b\n1\n",
        "a,b\n1,2,3\n",
        'a,b\n"1,2\n',
        'a\n"1"x\n',
        "a\n" + "x" * 200_000,
    ],
)
def test_text_that_is_no_table(logs, body):
    assert (
        code_of(logs.create_lookup_table, lookupTableName="t", tableBody=body) == "InvalidParameterException"
    )
    assert logs.describe_lookup_tables()["lookupTables"] == []


def test_sizes(logs):
    logs.create_lookup_table(
        lookupTableName="fits", tableBody="a\n" + ("x" * 1023 + "\n") * (MOST_BYTES // 1024 - 1) + "x" * 1022
    )
    (told,) = logs.describe_lookup_tables()["lookupTables"]
    assert told["sizeBytes"] == MOST_BYTES
    too_large = "a\n" + "é" * 1_000_000 + "x" * (MOST_BYTES - 2_000_001)
    parameters = {"lookupTableName": "large", "tableBody": too_large}
    assert code_of(logs.create_lookup_table, **parameters) == "InvalidParameterException"


def test_where_the_content_comes_from(logs):
    for more, code in (
        ({}, "InvalidParameterException"),
        ({"tableBody": TEXT, "queryId": "q"}, "InvalidParameterException"),
        ({"queryId": "q"}, "NotImplemented"),
        ({"tableBody": TEXT, "kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k"}, "NotImplemented"),
        ({"tableBody": TEXT, "tags": {"aws:a": "b"}}, "InvalidParameterException"),
    ):
        assert code_of(logs.create_lookup_table, lookupTableName="t", **more) == code


def test_names_and_arns_that_are_none(logs):
    for name in ("a-b", "x" * 257):
        parameters = {"lookupTableName": name, "tableBody": TEXT}
        assert code_of(logs.create_lookup_table, **parameters) == "InvalidParameterException"
    assert code_of(logs.get_lookup_table, lookupTableArn="users") == "InvalidParameterException"
    elsewhere = "arn:aws:logs:us-east-1:999999999999:lookup-table:users"
    assert code_of(logs.get_lookup_table, lookupTableArn=elsewhere) == "AccessDeniedException"


def test_pages_by_name(logs):
    for name in ("b2", "a1", "b1", "b3"):
        logs.create_lookup_table(lookupTableName=name, tableBody=TEXT)
    first = logs.describe_lookup_tables(lookupTableNamePrefix="b", maxResults=2)
    assert [each["lookupTableName"] for each in first["lookupTables"]] == ["b1", "b2"]
    rest = logs.describe_lookup_tables(lookupTableNamePrefix="b", maxResults=2, nextToken=first["nextToken"])
    assert [each["lookupTableName"] for each in rest["lookupTables"]] == ["b3"]
    assert "nextToken" not in rest
