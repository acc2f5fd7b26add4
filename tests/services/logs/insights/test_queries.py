"""StartQuery, GetQueryResults, StopQuery and their kin, over boto3 against a whole server."""

import pytest
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group

from coldframe.services.logs.insights.running import QueryRunner


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with the group `app` of three events and the group `other`."""
    with running_server(tmp_path_factory.mktemp("insights") / "data") as server:
        add_group(server, "app", "one", "two")
        add_group(server, "other", "one")
        now = server.clock.milliseconds()
        client = server.client("logs")
        messages = ['{"level":"ERROR","ms":5}', '{"level":"INFO","ms":7}', "plain text"]
        client.put_log_events(
            logGroupName="app",
            logStreamName="one",
            logEvents=[
                {"timestamp": now - 3000 + at * 1000, "message": text} for at, text in enumerate(messages)
            ],
        )
        yield server


def ask(server, query, group="app", **more):
    client = server.client("logs")
    now = server.clock.milliseconds() // 1000
    named = {} if group is None else {"logGroupName": group}
    started = client.start_query(
        **{"startTime": now - 3600, "endTime": now + 60, "queryString": query, **named, **more}
    )
    server.installation.parts.get(QueryRunner).wait(started["queryId"], 30)
    return started["queryId"], client.get_query_results(queryId=started["queryId"])


def rows(answer):
    return [{field["field"]: field["value"] for field in row} for row in answer["results"]]


def test_results_have_the_fields_and_a_pointer(served):
    _, answer = ask(served, "fields level, ms | filter ms > 5")
    assert answer["status"] == "Complete"
    assert [{k: v for k, v in row.items() if k != "@ptr"} for row in rows(answer)] == [
        {"level": "INFO", "ms": "7"}
    ]
    assert answer["statistics"]["recordsMatched"] == 1
    assert answer["statistics"]["recordsScanned"] == 3
    assert answer["statistics"]["bytesScanned"] == 57
    record = served.client("logs").get_log_record(logRecordPointer=rows(answer)[0]["@ptr"])["logRecord"]
    assert record["@message"] == '{"level":"INFO","ms":7}'
    assert record["ms"] == "7"
    assert record["@logStream"] == "one"
    assert record["@log"] == f"{served.account}:app"


def test_without_commands_the_newest_events_come_first(served):
    _, answer = ask(served, "")
    assert [row["@message"] for row in rows(answer)][0] == "plain text"
    assert len(rows(answer)) == 3
    assert rows(answer)[0]["@timestamp"].count(":") == 2
    assert answer["statistics"]["recordsMatched"] == 3
