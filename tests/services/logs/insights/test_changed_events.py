"""Queries of groups with a transformer, and of lookup tables, over boto3 against a whole server."""

import errno

import pytest

from coldframe.services.logs.insights import results, sources
from coldframe.services.logs.insights.errors import QueryFailed
from coldframe.services.logs.insights.lookup_relations import relation_of
from coldframe.services.logs.insights.stage import Lookup
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group, policy
from tests.services.logs.insights.test_queries import ask, put, refused, rows, start
from tests.services.logs.test_masking import user

SECRET = "jane.doe@example.com"
CONFIG = [
    {"parseKeyValue": {"destination": "kv", "fieldDelimiter": " "}},
    {"addKeys": {"entries": [{"key": "added", "value": "yes"}]}},
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server whose group `shaped` has a transformer since its second event, and masks e-mail addresses."""
    with running_server(tmp_path_factory.mktemp("changed") / "data") as server:
        add_group(server, "shaped", "one", protection=policy("EmailAddress"))
        put(server, "shaped", "before=1")
        server.clock.advance(2)
        server.client("logs").put_transformer(logGroupIdentifier="shaped", transformerConfig=CONFIG)
        server.clock.advance(2)
        put(server, "shaped", f"user=ann mail={SECRET}", "user=bob n=7")
        yield server


def asked(server, query, client=None):
    answer = ask(server, query, client, logGroupName="shaped")
    assert answer["status"] == "Complete"
    return [{name: value for name, value in row.items() if name != "@ptr"} for row in rows(answer)]


def test_a_query_sees_what_the_transformer_makes(served):
    found = asked(served, "fields kv.user, added | filter added = 'yes' | sort kv.user")
    assert found == [{"kv.user": "ann", "added": "yes"}, {"kv.user": "bob", "added": "yes"}]
    (found,) = asked(served, "filter kv.n = 7")
    assert '"added":"yes"' in found["@message"]
    assert asked(served, "stats count(*) as n by kv.user") == [
        {"kv.user": "ann", "n": "1"},
        {"kv.user": "bob", "n": "1"},
        {"n": "1"},
    ]


def test_a_record_and_the_fields_of_the_group_are_seen_as_queries_see_them(served):
    answer = ask(served, "filter kv.n = 7", logGroupName="shaped")
    (row,) = rows(answer)
    logs = served.client("logs")
    record = logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]
    assert (record["kv.user"], record["added"], record["@message"]) == ("bob", "yes", row["@message"])
    found = {
        each["name"]: each["percent"]
        for each in logs.get_log_group_fields(logGroupName="shaped")["logGroupFields"]
    }
    assert (found["@message"], found["added"], found["kv.n"]) == (100, 67, 33)


def test_events_from_before_the_transformer_stay_as_they_are(served):
    assert asked(served, "filter @message like 'before' | display @message") == [{"@message": "before=1"}]


def test_masked_text_is_transformed_masked_and_unmasked_alike(served):
    query = "filter kv.user = 'ann' | display kv.mail"
    assert asked(served, query) == [{"kv.mail": "*" * len(SECRET)}]
    admin = user(served, "whole", "logs:*")
    assert asked(served, "filter kv.user = 'ann' | fields unmask(kv.mail) as m | display m", admin) == [
        {"m": SECRET}
    ]


def test_too_many_events_to_transform_fail_and_counting_needs_none(served, monkeypatch):
    monkeypatch.setattr(sources, "MOST_TRANSFORMED", 2)
    answer = ask(served, "filter added = 'yes'", logGroupName="shaped")
    assert answer["status"] == "Failed"
    assert rows(answer) == [{"@error": "more than 2 events would be transformed: narrow the time range"}]
    assert asked(served, "stats count(*) as n by bin(1d)")[0]["n"] == "3"
    assert len(asked(served, "fields @message | limit 2")) == 2


def test_a_lookup_table_beside_events(served):
    logs = served.client("logs")
    arn = logs.create_lookup_table(lookupTableName="people", tableBody="who,team\nann,red\nbob,blue\n")[
        "lookupTableArn"
    ]
    query = "lookup people who as kv.user OUTPUT team | filter ispresent(team) | display kv.user, team | sort team"
    assert asked(served, query) == [{"kv.user": "bob", "team": "blue"}, {"kv.user": "ann", "team": "red"}]
    logs.delete_lookup_table(lookupTableArn=arn)
    error = refused(start, served, query, logGroupName="shaped")
    assert error["Error"]["Code"] == "MalformedQueryException"
    assert error["queryCompileError"]["location"]["startCharOffset"] == 0


def test_a_lookup_table_that_changed_or_went_before_the_query_ran(served):
    def relation(*columns):
        with served.installation.store.read() as transaction:
            return relation_of(
                transaction.records(served.account, "us-east-1"), Lookup("l", "t", columns, None)
            )

    with pytest.raises(QueryFailed, match="cannot be read"):
        relation("a", "b")
    served.client("logs").create_lookup_table(lookupTableName="t", tableBody="a,b\n1,2\n")
    assert relation("a", "b").num_rows == 1
    with pytest.raises(QueryFailed, match="was changed"):
        relation("a")


def test_results_that_find_no_place_fail_the_query_with_the_reason(served, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(results.durable, "write", full)
        answer = ask(served, "fields @message", logGroupName="shaped")
    assert answer["status"] == "Failed"
    assert rows(answer) == [{"@error": "the results could not be kept: No space left on device"}]
    assert len(asked(served, "fields @message")) == 3
