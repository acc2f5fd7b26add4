"""PutLogEvents, GetLogEvents and FilterLogEvents as their documentation describes them."""

import pytest
from botocore.exceptions import ClientError

from tests.services.logs.conftest import add_group

DAY = 86_400_000
HOUR = 3_600_000


def refused(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]


def read(logs, **parameters):
    answer = logs.client.get_log_events(
        logGroupName="app", logStreamName="one", startFromHead=True, **parameters
    )
    return [event["message"] for event in answer["events"]]


def found(logs, **parameters):
    return [
        event["message"]
        for event in logs.client.filter_log_events(logGroupName="app", **parameters)["events"]
    ]


def test_what_was_put_comes_back_with_its_times(logs):
    before = logs.now()
    answer = logs.put("first", "second", at=before - 5)
    assert "rejectedLogEventsInfo" not in answer
    events = logs.client.get_log_events(logGroupName="app", logStreamName="one")["events"]
    assert [event["message"] for event in events] == ["first", "second"]
    assert all(event["timestamp"] == before - 5 for event in events)
    assert all(before <= event["ingestionTime"] <= logs.now() for event in events)


@pytest.mark.parametrize(
    ("group", "stream", "text"),
    [
        ("none", "one", "The specified log group does not exist."),
        ("app", "none", "The specified log stream does not exist."),
    ],
)
def test_a_group_or_stream_that_is_not_there(logs, group, stream, text):
    error = refused(
        logs.client.put_log_events,
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": logs.now(), "message": "x"}],
    )
    assert error == {"Code": "ResourceNotFoundException", "Message": text}


def test_events_out_of_order_are_refused_whole(logs):
    now = logs.now()
    with pytest.raises(ClientError) as error:
        logs.put({"timestamp": now, "message": "late"}, {"timestamp": now - 1, "message": "early"})
    assert error.value.response["Error"] == {
        "Code": "InvalidParameterException",
        "Message": "Log events in a single PutLogEvents request must be in chronological order.",
    }
    assert read(logs) == []


def test_the_batch_limit_counts_26_bytes_an_event(logs):
    room = 1_048_576 - 26
    logs.put("x" * room)
    with pytest.raises(ClientError) as error:
        logs.put("x" * (room + 1))
    assert (
        error.value.response["Error"]["Message"] == "Upload too large: 1048577 bytes exceeds limit of 1048576"
    )


def test_bytes_are_counted_not_characters(logs):
    with pytest.raises(ClientError) as error:
        logs.put("é" * 524_288)
    assert "Upload too large: 1048602 bytes" in error.value.response["Error"]["Message"]


def test_more_than_a_day_in_a_batch_is_refused(logs):
    now = logs.now()
    logs.put({"timestamp": now - DAY, "message": "a"}, {"timestamp": now, "message": "b"})
    with pytest.raises(ClientError) as error:
        logs.put({"timestamp": now - DAY - 1, "message": "a"}, {"timestamp": now, "message": "b"})
    assert "cannot span more than 24 hours" in error.value.response["Error"]["Message"]


def test_too_old_and_too_new_events_are_rejected_and_the_rest_stays(logs):
    now = logs.now()
    answer = logs.put(
        {"timestamp": now - 15 * DAY, "message": "too old"},
        {"timestamp": now, "message": "fine"},
        {"timestamp": now + 3 * HOUR, "message": "too new"},
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert read(logs) == ["fine"]


def test_events_older_than_the_retention_are_expired(logs):
    add_group(logs.server, "short", "one", retention_days=1)
    now = logs.now()
    answer = logs.put(
        {"timestamp": now - 2 * DAY, "message": "gone"}, {"timestamp": now, "message": "here"}, group="short"
    )
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def test_reading_hides_what_is_older_than_the_retention(logs, clock):
    add_group(logs.server, "short", "one", retention_days=1)
    logs.put("old", group="short")
    clock.advance(2 * 86_400)
    answer = logs.client.get_log_events(logGroupName="short", logStreamName="one", startFromHead=True)
    assert answer["events"] == []
    assert logs.client.filter_log_events(logGroupName="short")["events"] == []


def test_the_newest_come_first_in_pages_and_ascending_within(logs):
    base = logs.now() - 100
    logs.put(*[{"timestamp": base + number, "message": str(number)} for number in range(10)])
    page = logs.client.get_log_events(logGroupName="app", logStreamName="one", limit=4)
    assert [event["message"] for event in page["events"]] == ["6", "7", "8", "9"]
    older = logs.client.get_log_events(
        logGroupName="app", logStreamName="one", limit=4, nextToken=page["nextBackwardToken"]
    )
    assert [event["message"] for event in older["events"]] == ["2", "3", "4", "5"]


def test_the_end_of_a_stream_returns_the_token_that_was_passed(logs):
    logs.put("only")
    first = logs.client.get_log_events(logGroupName="app", logStreamName="one", startFromHead=True)
    token = first["nextForwardToken"]
    again = logs.client.get_log_events(
        logGroupName="app", logStreamName="one", startFromHead=True, nextToken=token
    )
    assert again["events"] == []
    assert again["nextForwardToken"] == token
    logs.put("later")
    later = logs.client.get_log_events(
        logGroupName="app", logStreamName="one", startFromHead=True, nextToken=token
    )
    assert [event["message"] for event in later["events"]] == ["later"]


def test_walking_back_over_an_empty_stream_ends(logs):
    first = logs.client.get_log_events(logGroupName="app", logStreamName="one")
    again = logs.client.get_log_events(
        logGroupName="app", logStreamName="one", nextToken=first["nextBackwardToken"]
    )
    assert again["nextBackwardToken"] == first["nextBackwardToken"]


def test_start_is_inclusive_and_end_exclusive_for_a_stream(logs):
    base = logs.now() - 100
    logs.put(*[{"timestamp": base + number, "message": str(number)} for number in range(4)])
    assert read(logs, startTime=base + 1, endTime=base + 3) == ["1", "2"]


def test_filter_includes_its_end(logs):
    base = logs.now() - 100
    logs.put(*[{"timestamp": base + number, "message": str(number)} for number in range(4)])
    assert found(logs, startTime=base + 1, endTime=base + 3) == ["1", "2", "3"]


@pytest.mark.parametrize("token", ["nonsense", "f/12/s", "f/" + "9" * 57 + "/s", "x/" + "1" * 56 + "/s"])
def test_a_token_that_nobody_gave(logs, token):
    for call, more in (
        (logs.client.get_log_events, {"logStreamName": "one"}),
        (logs.client.filter_log_events, {}),
    ):
        error = refused(call, logGroupName="app", nextToken=token, **more)
        assert error == {
            "Code": "InvalidParameterException",
            "Message": "The specified nextToken is invalid.",
        }


def test_the_group_by_arn_and_by_name_but_not_both(logs):
    logs.put("x")
    arn = f"arn:aws:logs:us-east-1:{logs.server.account}:log-group:app"
    answer = logs.client.get_log_events(logGroupIdentifier=arn, logStreamName="one")
    assert len(answer["events"]) == 1
    error = refused(
        logs.client.get_log_events, logGroupIdentifier=arn, logGroupName="app", logStreamName="one"
    )
    assert error["Code"] == "ValidationException"
    assert refused(logs.client.get_log_events, logStreamName="one")["Code"] == "InvalidParameterException"


def test_filter_merges_streams_by_time(logs):
    base = logs.now() - 100
    for number in range(6):
        logs.put({"timestamp": base + number, "message": str(number)}, stream="one" if number % 2 else "two")
    assert found(logs) == ["0", "1", "2", "3", "4", "5"]
    assert found(logs, logStreamNames=["two"]) == ["0", "2", "4"]
    assert found(logs, logStreamNamePrefix="o") == ["1", "3", "5"]
    assert found(logs, startFromHead=False) == ["5", "4", "3", "2", "1", "0"]


def test_filter_pages_to_the_end_without_doubles(logs):
    base = logs.now() - 1000
    logs.put(*[{"timestamp": base + number // 3, "message": str(number)} for number in range(100)])
    pages = logs.client.get_paginator("filter_log_events").paginate(
        logGroupName="app", PaginationConfig={"PageSize": 7}
    )
    events = [event for page in pages for event in page["events"]]
    assert [event["message"] for event in events] == [str(number) for number in range(100)]
    assert len({event["eventId"] for event in events}) == 100


def test_names_and_prefix_exclude_each_other(logs):
    error = refused(
        logs.client.filter_log_events, logGroupName="app", logStreamNames=["one"], logStreamNamePrefix="o"
    )
    assert error["Code"] == "InvalidParameterException"


def test_a_stream_to_search_must_exist(logs):
    error = refused(logs.client.filter_log_events, logGroupName="app", logStreamNames=["ghost"])
    assert error["Code"] == "ResourceNotFoundException"


def test_a_bad_pattern_is_an_error(logs):
    error = refused(logs.client.filter_log_events, logGroupName="app", filterPattern="{ $.a = ")
    assert error["Code"] == "InvalidParameterException"


def test_patterns_select(logs):
    logs.put("ERROR one", "INFO two", '{"level": "ERROR", "code": 7}')
    assert found(logs, filterPattern="ERROR") == ["ERROR one", '{"level": "ERROR", "code": 7}']
    assert found(logs, filterPattern="{ $.code > 5 }") == ['{"level": "ERROR", "code": 7}']


def test_a_page_holds_a_megabyte(logs):
    for _ in range(3):
        logs.put("x" * 500_000)
    page = logs.client.filter_log_events(logGroupName="app")
    assert len(page["events"]) == 2
    assert len(logs.client.filter_log_events(logGroupName="app", nextToken=page["nextToken"])["events"]) == 1


def test_events_survive_a_restart_of_the_server(tmp_path):
    from tests.server_fixtures import running_server

    with running_server(tmp_path / "kept") as server:
        add_group(server, "app", "one")
        server.client("logs").put_log_events(
            logGroupName="app",
            logStreamName="one",
            logEvents=[{"timestamp": server.clock.milliseconds(), "message": "kept"}],
        )
        keys = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(tmp_path / "kept", root=keys) as server:
        answer = server.client("logs").get_log_events(logGroupName="app", logStreamName="one")
        assert [event["message"] for event in answer["events"]] == ["kept"]
