"""StartQuery, GetQueryResults, StopQuery and their kin, over boto3 against a whole server."""

import re
import threading

import pytest
from botocore.exceptions import ClientError

from coldframe.engines.logstore.store import LogStore
from coldframe.engines.query.engine import QueryEngine
from coldframe.engines.query.errors import TooLarge
from coldframe.services.logs.insights.keeping import forget_queries
from coldframe.services.logs.insights.running import QueryRunner
from coldframe.services.logs.insights.sources import Sources
from coldframe.services.logs.records import InsightsQuery, LogGroup
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group

EVENTS = ['{"level":"ERROR","ms":5}', '{"level":"INFO","ms":7,"tags":["x"]}', "plain text"]


def put(server, group, *messages, stream="one"):
    now = server.clock.milliseconds()
    events = [{"timestamp": now - 3000 + at, "message": text} for at, text in enumerate(messages)]
    server.client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with the group `app` of three events and the group `app-other` of one."""
    with running_server(tmp_path_factory.mktemp("insights") / "data") as server:
        add_group(server, "app", "one", "two")
        add_group(server, "app-other", "one")
        put(server, "app", *EVENTS)
        put(server, "app-other", '{"level":"OTHER"}')
        yield server


def start(server, query, client=None, **more):
    now = server.clock.milliseconds() // 1000
    named = {"startTime": now - 3600, "endTime": now + 60, "queryString": query, **more}
    if not any(name.startswith("logGroup") for name in more) and "SOURCE" not in query[:8]:
        named["logGroupName"] = "app"
    return (client or server.client("logs")).start_query(**named)["queryId"]


def ask(server, query, client=None, **more):
    identifier = start(server, query, client, **more)
    server.installation.parts.get(QueryRunner).wait(identifier, 30)
    return (client or server.client("logs")).get_query_results(queryId=identifier)


def rows(answer):
    return [{each["field"]: each["value"] for each in row} for row in answer["results"]]


def refused(call, *arguments, **more):
    with pytest.raises(ClientError) as error:
        call(*arguments, **more)
    return error.value.response


def test_results_have_the_fields_asked_for_and_a_pointer(served):
    answer = ask(served, "fields level, ms | filter ms > 5")
    assert answer["status"] == "Complete"
    assert answer["queryLanguage"] == "CWLI"
    (row,) = rows(answer)
    pointer = row.pop("@ptr")
    assert row == {"level": "INFO", "ms": "7"}
    record = served.client("logs").get_log_record(logRecordPointer=pointer)["logRecord"]
    assert record["@message"] == EVENTS[1]
    assert {name: record[name] for name in ("level", "ms", "tags.0", "@logStream", "@log")} == {
        "level": "INFO",
        "ms": "7",
        "tags.0": "x",
        "@logStream": "one",
        "@log": f"{served.account}:app",
    }


def test_statistics_are_of_the_events_not_of_the_rows(served):
    size = float(sum(map(len, EVENTS)))
    for query, matched, results in (
        ("filter @message like 'level'", 2, 2),
        ("filter @message like 'level' | limit 1", 2, 1),
        ("filter @message like 'level' | stats count(*)", 2, 1),
        ("filter @message like 'level' | stats count(*) as n by level | filter n > 5", 2, 0),
        ("fields @message", 3, 3),
        ("fields @message | limit 1", 3, 1),
        ("stats count(*)", 3, 1),
        ("filter @message like 'nothing'", 0, 0),
    ):
        statistics = ask(served, query)["statistics"]
        assert statistics == {
            "recordsMatched": matched,
            "recordsScanned": 3,
            "estimatedRecordsSkipped": 0,
            "bytesScanned": size,
            "estimatedBytesSkipped": 0,
            "logGroupsScanned": 1,
            "resultCount": results,
        }, query


def test_aggregated_rows_have_no_pointer(served):
    assert rows(ask(served, "stats count(*) as n by level | filter level = 'ERROR'")) == [
        {"level": "ERROR", "n": "1"}
    ]


def test_a_row_of_totals_is_no_event(served):
    found = rows(ask(served, "fields ms | filter ispresent(ms) | sort ms | addtotals row=false col=true"))
    assert [(row["ms"], "@ptr" in row) for row in found] == [("5", True), ("7", True), ("12", False)]


def test_events_in_segments_and_in_memory_are_read_together(tmp_path):
    with running_server(tmp_path / "data") as server:
        add_group(server, "app", "one", "two")
        put(server, "app", *EVENTS)
        server.installation.parts.get(LogStore).flush()
        put(server, "app", "newest", stream="two")
        assert rows(ask(server, "stats count(*) as n by @logStream")) == [
            {"@logStream": "one", "n": "3"},
            {"@logStream": "two", "n": "1"},
        ]
        assert len(ask(server, "fields @message | sort @timestamp desc | limit 4")["results"]) == 4
        server.installation.parts.get(LogStore).drop_stream("id-of-app", "one")
        answer = ask(server, "fields @message | sort @message")
        assert [row["@message"] for row in rows(answer)] == ["newest"]
        assert answer["statistics"]["recordsScanned"] == 1
        server.installation.parts.get(LogStore).expire("id-of-app", server.clock.milliseconds() + 1)
        assert ask(server, "stats count(*)")["results"] == []


def test_the_time_range_takes_in_both_ends(served):
    now = served.clock.milliseconds() // 1000
    assert rows(ask(served, "stats count(*) as n", startTime=now - 3600, endTime=now - 3500)) == []
    assert rows(ask(served, "stats count(*) as n", startTime=now - 3600, endTime=now)) == [{"n": "3"}]
    millis = served.clock.milliseconds()
    assert rows(ask(served, "stats count(*) as n", startTime=millis - 60_000, endTime=millis)) == [{"n": "3"}]


def test_groups_by_name_by_names_by_identifier_and_by_source(served):
    arn = f"arn:aws:logs:us-east-1:{served.account}:log-group:app-other"
    count = "stats count(*) as n"
    assert rows(ask(served, count, logGroupName="app-other")) == [{"n": "1"}]
    assert rows(ask(served, count, logGroupNames=["app", "app-other"])) == [{"n": "4"}]
    assert rows(ask(served, count, logGroupIdentifiers=[arn, "app"])) == [{"n": "4"}]
    assert rows(ask(served, f"SOURCE logGroups(namePrefix: ['app-']) | {count}")) == [{"n": "1"}]
    assert rows(ask(served, f"SOURCE logGroups() | {count}")) == [{"n": "4"}]
    assert rows(ask(served, f"SOURCE 'app' | {count}")) == [{"n": "3"}]
    answer = ask(served, f"{count} by @log", logGroupNames=["app", "app-other"])
    assert [row["@log"] for row in rows(answer)] == [f"{served.account}:app", f"{served.account}:app-other"]


def test_parameters_that_do_not_fit_are_refused(served):
    client = served.client("logs")
    base = {"startTime": 1, "endTime": 2, "queryString": "fields @message"}
    both = {"logGroupName": "app", "logGroupNames": ["app"]}
    for more, code in (
        ({}, "InvalidParameterException"),
        (both, "InvalidParameterException"),
        ({"logGroupName": "app", "startTime": 3}, "InvalidParameterException"),
        ({"logGroupNames": [f"g{n}" for n in range(51)]}, "InvalidParameterException"),
        ({"logGroupName": "nowhere"}, "ResourceNotFoundException"),
        ({"logGroupName": "app", "queryString": "SOURCE 'app'"}, "InvalidParameterException"),
    ):
        assert refused(client.start_query, **{**base, **more})["Error"]["Code"] == code, more
    answer = refused(client.start_query, **base, logGroupName="app", queryLanguage="SQL")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_malformed_query_is_pointed_at(served):
    answer = refused(start, served, "fields @message | filtre x = 1")
    assert answer["Error"]["Code"] == "MalformedQueryException"
    assert answer["queryCompileError"]["location"]["startCharOffset"] == 18
    assert answer["queryCompileError"]["message"].startswith("unexpected")


def test_some_commands_need_log_groups_of_the_standard_class(served):
    add_group(served, "rare", "one", group_class="INFREQUENT_ACCESS")
    put(served, "rare", "x 1")
    index = "filterIndex level = 'x'"
    for query in ("pattern @message", "diff", "anomaly", "fields unmask(@message)", "unmask @message", index):
        error = refused(start, served, f"limit 5 | {query}", logGroupName="rare")
        assert error["Error"]["Code"] == "MalformedQueryException"
        assert error["queryCompileError"]["location"]["startCharOffset"] >= 10
    assert len(rows(ask(served, "stats count(*)", logGroupName="rare"))) == 1


def test_filter_index_takes_only_log_groups_that_have_indexes_of_its_fields(served):
    for name in ("indexed", "unindexed"):
        add_group(served, name, "one")
        put(served, name, '{"level":"ERROR","who":"ann"}', '{"level":"INFO","who":"bob"}')
    policy = {"logGroupIdentifier": "indexed", "policyDocument": '{"Fields": ["level", "a.b"]}'}
    served.client("logs").put_index_policy(**policy)

    def groups(query):
        answer = ask(served, f"{query} | stats count(*) as n by @log", logGroupNames=["indexed", "unindexed"])
        return {row["@log"].split(":")[1]: row["n"] for row in rows(answer)}

    assert groups("filter level = 'ERROR'") == {"indexed": "1", "unindexed": "1"}
    assert groups("filterIndex level = 'ERROR'") == {"indexed": "1"}
    assert groups("filterIndex level in ['ERROR', 'INFO']") == {"indexed": "2"}
    assert groups("filterIndex level = 'ERROR' or level = 'INFO' | filter who = 'bob'") == {"indexed": "1"}
    assert groups("filterIndex level = 'ERROR' and who = 'ann'") == {}
    assert groups("filterIndex who = 'ann'") == {}
    assert groups("filterIndex @logStream = 'one'") == {"indexed": "2", "unindexed": "2"}
    for query in ("filterIndex level like 'E'", "filterIndex level != 'E'", "filterIndex not level = 'E'"):
        error = refused(start, served, query)
        assert error["queryCompileError"]["message"] == "filterIndex compares fields by = or in"


def test_results_come_in_pages(served):
    client = served.client("logs")
    identifier = start(served, "fields @message | sort @timestamp asc")
    served.installation.parts.get(QueryRunner).wait(identifier, 30)
    first = client.get_query_results(queryId=identifier, maxItems=2)
    second = client.get_query_results(queryId=identifier, maxItems=2, nextToken=first["nextToken"])
    assert [row["@message"] for row in rows(first) + rows(second)] == EVENTS
    assert "nextToken" not in second
    error = refused(client.get_query_results, queryId=identifier, nextToken="mine")
    assert error["Error"]["Code"] == "InvalidParameterException"


class Held:
    """A query engine whose sessions wait until they are let go or interrupted."""

    def __init__(self, engine):
        self.engine = engine
        self.go = threading.Event()
        self.entered = threading.Event()

    def session(self):
        session = self.engine.session()
        run, interrupt = session.run, session.interrupt

        def held(sql, values=None):
            self.entered.set()
            self.go.wait(20)
            return run(sql, values)

        def interrupted():
            interrupt()
            self.go.set()

        session.run, session.interrupt = held, interrupted
        return session


@pytest.fixture
def held(served):
    parts = served.installation.parts
    real = parts.get(QueryEngine)
    waiting = Held(real)
    parts._made[QueryEngine] = waiting
    yield waiting
    waiting.go.set()
    parts._made[QueryEngine] = real


def test_a_running_query_can_be_stopped(served, held):
    client = served.client("logs")
    identifier = start(served, "stats count(*)")
    assert held.entered.wait(20)
    assert client.get_query_results(queryId=identifier)["status"] == "Running"
    assert identifier in [each["queryId"] for each in client.describe_queries(status="Running")["queries"]]
    assert client.stop_query(queryId=identifier)["success"] is True
    served.installation.parts.get(QueryRunner).wait(identifier, 30)
    answer = client.get_query_results(queryId=identifier)
    assert (answer["status"], answer["results"]) == ("Cancelled", [])
    assert refused(client.stop_query, queryId=identifier)["Error"]["Code"] == "InvalidParameterException"


def test_queries_that_are_too_many_are_refused(served, held):
    started = [start(served, "stats count(*)") for _ in range(100)]
    assert refused(start, served, "stats count(*)")["Error"]["Code"] == "LimitExceededException"
    statuses = [each["status"] for each in served.client("logs").describe_queries()["queries"]]
    assert statuses.count("Running") == 4
    assert statuses.count("Scheduled") == 96
    held.go.set()
    for identifier in started:
        served.installation.parts.get(QueryRunner).wait(identifier, 30)


def test_a_query_that_cannot_run_says_why(tmp_path):
    with running_server(tmp_path / "data") as server:
        add_group(server, "app", "one")
        put(server, "app", *EVENTS)
        server.installation.parts.get(LogStore).flush()
        for segment in (tmp_path / "data" / "logs" / "segments").glob("*.parquet"):
            segment.write_bytes(b"not parquet at all")
        answer = ask(server, "stats count(*)")
        assert answer["status"] == "Failed"
        assert list(rows(answer)[0]) == ["@error"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooLarge("the query needs more memory than queries may use here"), "the query needs more memory"),
        (OSError(28, "No space left on device"), "the query failed: OSError"),
    ],
)
def test_whatever_ends_a_query_is_its_result(served, monkeypatch, error, reason):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(Sources, "open", broken)
    answer = ask(served, "stats count(*)")
    assert answer["status"] == "Failed"
    assert rows(answer)[0]["@error"].startswith(reason)
    assert "nextToken" not in answer


def test_what_was_asked_is_listed_latest_first(served):
    client = served.client("logs")
    first = start(served, "fields @message | limit 1")
    served.clock.advance(1)
    second = start(served, "fields @message | limit 2", logGroupNames=["app-other"])
    for identifier in (first, second):
        served.installation.parts.get(QueryRunner).wait(identifier, 30)
    listed = client.describe_queries(maxResults=2)
    assert [each["queryId"] for each in listed["queries"]] == [second, first]
    # As AWS shows it: what was asked follows its log group and its times, in milliseconds.
    text = listed["queries"][0]["queryString"]
    assert re.fullmatch(r'SOURCE "app-other" START=\d+000 END=\d+999 \| fields @message \| limit 2', text)
    assert listed["queries"][0]["logGroupName"] == "app-other"
    assert listed["queries"][0]["userIdentity"] == f"arn:aws:iam::{served.account}:root"
    more = client.describe_queries(maxResults=2, nextToken=listed["nextToken"])
    assert first not in [each["queryId"] for each in more["queries"]]
    found = client.describe_queries(logGroupName="app-other", status="Complete")["queries"]
    assert second in [each["queryId"] for each in found]
    assert first not in [each["queryId"] for each in found]
    assert client.describe_queries(queryLanguage="PPL")["queries"] == []
    assert client.list_log_groups_for_query(queryId=second)["logGroupIdentifiers"] == ["app-other"]


def test_an_unknown_query_is_not_found(served):
    client = served.client("logs")
    for call in (client.get_query_results, client.stop_query, client.list_log_groups_for_query):
        assert refused(call, queryId="nobody")["Error"]["Code"] == "ResourceNotFoundException"


def test_results_outlive_a_restart_and_running_queries_are_failed(tmp_path):
    folder = tmp_path / "data"
    with running_server(folder) as server:
        root = server.account, server.access_key_id, server.secret_access_key
        add_group(server, "app", "one")
        put(server, "app", *EVENTS)
        done = start(server, "fields @message | sort @timestamp asc")
        server.installation.parts.get(QueryRunner).wait(done, 30)
        with server.installation.store.write() as transaction:
            transaction.records(server.account, "us-east-1").add(
                InsightsQuery(id="lost", text="", groups=["app"], created=1, caller="me")
            )
    with running_server(folder, root=root) as server:
        client = server.client("logs")
        assert [row["@message"] for row in rows(client.get_query_results(queryId=done))] == EVENTS
        lost = client.get_query_results(queryId="lost")
        assert lost["status"] == "Failed"
        assert rows(lost) == [{"@error": "the server stopped while the query ran"}]
        server.clock.advance(7 * 86_400 + 60)
        assert forget_queries(server.installation) == 2
        assert refused(client.get_query_results, queryId=done)["Error"]["Code"] == "ResourceNotFoundException"
        assert list((folder / "logs-queries").iterdir()) == []


def test_retention_hides_events_that_are_still_stored(served):
    add_group(served, "short", "one", retention_days=1)
    put(served, "short", "old")
    served.clock.advance(2 * 86_400)
    put(served, "short", "new")
    now = served.clock.milliseconds() // 1000
    answer = ask(served, "fields @message", logGroupName="short", startTime=now - 5 * 86_400)
    assert [row["@message"] for row in rows(answer)] == ["new"]
    answer = ask(served, "stats count(*) as n", logGroupName="short", startTime=now - 5 * 86_400)
    assert rows(answer) == [{"n": "1"}]


def test_fields_of_a_group_by_how_often_they_are_there(tmp_path):
    with running_server(tmp_path / "data") as server:
        add_group(server, "app", "one")
        put(server, "app", *EVENTS, '{"level":"WARN"}')
        client = server.client("logs")
        found = client.get_log_group_fields(logGroupName="app")["logGroupFields"]
        percents = {each["name"]: each["percent"] for each in found}
        assert percents["@message"] == percents["@timestamp"] == 100
        assert (percents["level"], percents["ms"], percents["tags.0"]) == (75, 50, 25)
        assert [each["percent"] for each in found] == sorted(percents.values(), reverse=True)
        past = server.clock.milliseconds() // 1000 - 3600
        assert client.get_log_group_fields(logGroupName="app", time=past)["logGroupFields"] == []


def test_a_pointer_is_good_only_as_it_was_given(served):
    client = served.client("logs")
    assert (
        refused(client.get_log_record, logRecordPointer="made-up")["Error"]["Code"]
        == "InvalidParameterException"
    )
    add_group(served, "gone", "one")
    put(served, "gone", "text")
    (row,) = rows(ask(served, "fields @message", logGroupName="gone"))
    with served.installation.store.write() as transaction:
        records = transaction.records(served.account, "us-east-1")
        records.remove(records.get(LogGroup, "gone"))
    error = refused(client.get_log_record, logRecordPointer=row["@ptr"])
    assert error["Error"]["Code"] == "ResourceNotFoundException"
