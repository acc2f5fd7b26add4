"""Scheduled queries, from the API reference: their configuration, runs when due, deliveries, history, restarts."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from coldframe.services.logs.scheduled_queries import KEPT, ScheduledQueries, forget_runs
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group

MINUTE, HOUR = 60_000, 3_600_000
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["logs:*", "s3:*"], "Resource": "*"}],
}


def role(server, name, service="logs.amazonaws.com", policy=POLICY):
    iam = server.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return arn


def prepared(server):
    add_group(server, "app", "one")
    role(server, "runner")
    server.client("s3").create_bucket(Bucket="results")
    return server


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with the group `app`, the role `runner` that CloudWatch Logs may take on, and the bucket `results`."""
    with running_server(tmp_path_factory.mktemp("scheduled") / "data") as server:
        yield prepared(server)


@pytest.fixture
def logs(served):
    client = served.client("logs")
    for each in client.list_scheduled_queries()["scheduledQueries"]:
        client.delete_scheduled_query(identifier=each["name"])
    return client


def configured(server, **more):
    return {
        "name": "q",
        "queryLanguage": "CWLI",
        "queryString": "stats count(*) as n",
        "logGroupIdentifiers": ["app"],
        "scheduleExpression": "rate(5 minutes)",
        "executionRoleArn": f"arn:aws:iam::{server.account}:role/runner",
        **more,
    }


def put(server, *messages):
    now = server.clock.milliseconds()
    events = [{"timestamp": now, "message": text} for text in messages]
    server.client("logs").put_log_events(logGroupName="app", logStreamName="one", logEvents=events)


def trigger(server):
    return server.installation.parts.get(ScheduledQueries).trigger()


def ended(server, client, name="q"):
    """Wait until the latest run and its deliveries have ended, and return it."""
    deadline = time.monotonic() + 30
    while True:
        (latest, *_) = history(client, name) or [None]
        done = latest and latest["executionStatus"] != "Running"
        if done and all(each["status"] != "IN_PROGRESS" for each in latest["destinations"]):
            return latest
        assert time.monotonic() < deadline, latest
        time.sleep(0.02)


def history(client, name="q", **more):
    answer = client.get_scheduled_query_history(
        **{"identifier": name, "startTime": 0, "endTime": 4_000_000_000, **more}
    )
    return answer["triggerHistory"]


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_scheduled_query_is_created_read_changed_listed_and_deleted(served, logs):
    now = served.clock.milliseconds()
    given = configured(
        served,
        description="counts",
        timezone="Europe/Berlin",
        scheduleExpression="cron(0 9 ? * MON-FRI *)",
        startTimeOffset=3600,
        endTimeOffset=60,
        scheduleEndTime=4_000_000_000,
        tags={"team": "a"},
        destinationConfiguration={
            "s3Configuration": {
                "destinationIdentifier": "s3://results/counts",
                "roleArn": f"arn:aws:iam::{served.account}:role/runner",
            }
        },
    )
    answer = logs.create_scheduled_query(**given)
    arn = f"arn:aws:logs:us-east-1:{served.account}:scheduled-query:q"
    assert (answer["scheduledQueryArn"], answer["state"]) == (arn, "ENABLED")
    for identifier in ("q", arn):
        found = logs.get_scheduled_query(identifier=identifier)
        del found["ResponseMetadata"]
        assert now <= found.pop("creationTime") == found.pop("lastUpdatedTime") <= served.clock.milliseconds()
        expected = {name: value for name, value in given.items() if name != "tags"}
        expected |= {"scheduledQueryArn": arn, "state": "ENABLED", "scheduleType": "CUSTOMER_MANAGED"}
        assert found == expected | {"scheduleEndTime": 4_000_000_000_000}
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a"}
    logs.tag_resource(resourceArn=arn, tags={"b": "c"})

    changed = {key: value for key, value in configured(served, state="DISABLED").items() if key != "name"}
    logs.update_scheduled_query(identifier=arn, **changed)
    found = logs.get_scheduled_query(identifier="q")
    assert found["state"] == "DISABLED"
    assert not {"description", "timezone", "startTimeOffset", "destinationConfiguration"} & set(found)
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a", "b": "c"}

    logs.create_scheduled_query(**configured(served, name="a"))
    pages = logs.get_paginator("list_scheduled_queries").paginate(PaginationConfig={"PageSize": 1})
    assert [[each["name"] for each in page["scheduledQueries"]] for page in pages] == [["a"], ["q"]]
    for more, names in (({"state": "ENABLED"}, ["a"]), ({"scheduleType": "AWS_MANAGED"}, [])):
        listed = logs.list_scheduled_queries(**more)["scheduledQueries"]
        assert [each["name"] for each in listed] == names
    logs.delete_scheduled_query(identifier="a")
    for call in (logs.get_scheduled_query, logs.delete_scheduled_query):
        assert refused(call, identifier="a")[0] == "ResourceNotFoundException"
    assert refused(logs.update_scheduled_query, identifier="a", **changed)[0] == "ResourceNotFoundException"
    assert refused(logs.create_scheduled_query, **configured(served))[0] == "ConflictException"


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"name": "a b"}, "ValidationException", "can have letters"),
        ({"queryString": "fields a b"}, "ValidationException", "unexpected token 'b' ([9,10])"),
        ({"queryLanguage": "SQL"}, "NotImplemented", "not built"),
        ({"scheduleExpression": "cron(0 9 * * * *)"}, "ValidationException", "Exactly one of"),
        ({"scheduleExpression": "rate(0 minutes)"}, "ValidationException", "positive number"),
        ({"timezone": "Mars"}, "ValidationException", "time zone Mars is unknown"),
        ({"logGroupIdentifiers": ["missing"]}, "ResourceNotFoundException", "does not exist"),
        ({"queryString": "SOURCE 'app' | limit 1"}, "ValidationException", "by one of them"),
        ({"startTimeOffset": 60, "endTimeOffset": 60}, "ValidationException", "the start is the longer ago"),
        (
            {"scheduleStartTime": 2_000_000_000, "scheduleEndTime": 1_900_000_000},
            "ValidationException",
            "before",
        ),
        ({"executionRoleArn": "arn:aws:s3:::b"}, "ValidationException", "not the ARN of a role"),
        (
            {"executionRoleArn": "arn:aws:iam::ACCOUNT:role/nobody"},
            "ValidationException",
            "cannot assume the role",
        ),
    ],
)
def test_what_is_wrong_is_refused(served, logs, more, code, words):
    more = {
        key: value.replace("ACCOUNT", served.account) if isinstance(value, str) else value
        for key, value in more.items()
    }
    found, text = refused(logs.create_scheduled_query, **configured(served, **more))
    assert found == code
    assert words in text
    assert logs.list_scheduled_queries()["scheduledQueries"] == []


def test_a_query_runs_when_it_is_due_and_only_then(served, logs):
    logs.create_scheduled_query(**configured(served, startTimeOffset=3600))
    created = logs.get_scheduled_query(identifier="q")["creationTime"]
    put(served, "one", "two")
    assert (trigger(served), history(logs)) == (0, [])
    served.clock.advance(301)
    assert trigger(served) == 1
    run = ended(served, logs)
    assert (run["executionStatus"], run["triggeredTimestamp"]) == ("Complete", created + 5 * MINUTE)
    results = logs.get_query_results(queryId=run["queryId"])["results"]
    assert int(results[0][0]["value"]) >= 2
    found = logs.get_scheduled_query(identifier="q")
    assert (found["lastExecutionStatus"], found["lastTriggeredTime"]) == ("Complete", created + 5 * MINUTE)
    assert trigger(served) == 0


def test_runs_leave_nothing_out_and_count_nothing_twice(served, logs):
    """Without an offset each run looks at the time since the one before."""
    logs.create_scheduled_query(**configured(served, scheduleExpression="rate(10 minutes)"))
    counts = []
    for number in range(3):
        put(served, *["x"] * (number + 1))
        served.clock.advance(600)
        trigger(served)
        run = ended(served, logs)
        rows = logs.get_query_results(queryId=run["queryId"])["results"]
        counts.append(int(rows[0][0]["value"]) if rows else 0)
    assert counts == [1, 2, 3]


def test_times_that_were_missed_are_made_up_for_once(served, logs):
    logs.create_scheduled_query(**configured(served))
    created = logs.get_scheduled_query(identifier="q")["creationTime"]
    served.clock.advance(3 * 3600 + 10)
    trigger(served)
    assert ended(served, logs)["triggeredTimestamp"] == created + 3 * HOUR
    assert len(history(logs)) == 1
    served.clock.advance(300)
    trigger(served)
    assert ended(served, logs)["triggeredTimestamp"] == created + 3 * HOUR + 5 * MINUTE


def test_a_disabled_query_and_one_whose_time_is_over_do_not_run(served, logs):
    now = served.clock.milliseconds() // 1000
    logs.create_scheduled_query(**configured(served, name="off", state="DISABLED"))
    logs.create_scheduled_query(**configured(served, name="over", scheduleEndTime=now + 60))
    logs.create_scheduled_query(**configured(served, name="later", scheduleStartTime=now + 7200))
    served.clock.advance(3600)
    assert trigger(served) == 0
    served.clock.advance(3600 + 301)
    trigger(served)
    assert [len(history(logs, name)) for name in ("off", "over", "later")] == [0, 0, 1]
    ended(served, logs, "later")


def test_results_become_an_object_in_a_bucket_and_a_lookup_table(served, logs):
    arn = f"arn:aws:iam::{served.account}:role/runner"
    logs.create_scheduled_query(
        **configured(
            served,
            queryString="fields @message as word | sort word",
            scheduleExpression="rate(1 hour)",
            destinationConfiguration={
                "s3Configuration": {"destinationIdentifier": "s3://results/some/folder/", "roleArn": arn},
                "lookupTableConfiguration": {
                    "tableName": "words",
                    "roleArn": arn,
                    "description": "all of them",
                },
            },
        )
    )
    for words in (["b", "a"], ["c"]):
        put(served, *words)
        served.clock.advance(3600)
        trigger(served)
        run = ended(served, logs)
        by_kind = {each["destinationType"]: each for each in run["destinations"]}
        assert {kind: each["status"] for kind, each in by_kind.items()} == {
            "S3": "COMPLETE",
            "LOOKUP_TABLE": "COMPLETE",
        }
        identifier = by_kind["S3"]["processedIdentifier"]
        assert identifier.startswith("s3://results/some/folder/q/")
        key = identifier.removeprefix("s3://results/")
        body = json.loads(served.client("s3").get_object(Bucket="results", Key=key)["Body"].read())
        assert (body["queryId"], body["status"]) == (run["queryId"], "Complete")
        assert [row[0] for row in body["results"]] == [
            {"field": "word", "value": word} for word in sorted(words)
        ]
        table = logs.get_lookup_table(lookupTableArn=by_kind["LOOKUP_TABLE"]["processedIdentifier"])
        assert table["tableBody"].split() == ["word", *sorted(words)]
        assert table["description"] == "all of them"


def test_a_query_runs_as_its_role_and_no_more(served, logs):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    arn = role(served, "powerless", policy=policy)
    logs.create_scheduled_query(**configured(served, executionRoleArn=arn))
    served.clock.advance(301)
    trigger(served)
    run = ended(served, logs)
    assert run["executionStatus"] == "Failed"
    assert "logs:StartQuery" in run["errorMessage"]


def test_destinations_that_refuse_are_in_the_history(served, logs):
    arn = f"arn:aws:iam::{served.account}:role/runner"
    uri = "s3://not-there/x"
    logs.create_scheduled_query(
        **configured(
            served,
            destinationConfiguration={"s3Configuration": {"destinationIdentifier": uri, "roleArn": arn}},
        )
    )
    served.clock.advance(301)
    trigger(served)
    (delivery,) = ended(served, logs)["destinations"]
    assert (delivery["status"], delivery["destinationIdentifier"]) == ("CLIENT_ERROR", uri)
    assert "NoSuchBucket" in delivery["errorMessage"]


def test_the_history_can_be_narrowed_and_is_forgotten_after_thirty_days(served, logs):
    logs.create_scheduled_query(**configured(served))
    for _ in range(2):
        served.clock.advance(301)
        trigger(served)
        ended(served, logs)
    latest, earlier = history(logs)
    assert latest["triggeredTimestamp"] > earlier["triggeredTimestamp"]
    at = earlier["triggeredTimestamp"]
    assert history(logs, startTime=at, endTime=at) == [earlier]
    assert history(logs, executionStatuses=["Failed"]) == []
    pages = [history(logs, maxResults=1)]
    assert pages == [[latest]]
    # Not due meanwhile: the server looks by itself, too.
    wanted = configured(served)
    wanted["identifier"] = wanted.pop("name")
    logs.update_scheduled_query(**wanted, state="DISABLED")
    served.clock.advance(KEPT / 1000)
    assert forget_runs(served.installation) >= 2
    assert history(logs) == []


def test_a_lookup_table_that_went_makes_the_query_invalid(served, logs):
    table = logs.create_lookup_table(lookupTableName="gone", tableBody="a,b\n1,2\n")["lookupTableArn"]
    logs.create_scheduled_query(**configured(served, queryString="lookup gone a OUTPUT b | limit 1"))
    logs.delete_lookup_table(lookupTableArn=table)
    served.clock.advance(301)
    trigger(served)
    run = ended(served, logs)
    assert (run["executionStatus"], "gone" in run["errorMessage"]) == ("InvalidQuery", True)


def test_schedules_and_runs_outlive_a_restart(tmp_path, monkeypatch):
    """What was due when the process ended runs in the next one; the schedule goes on."""
    folder = tmp_path / "data"
    with monkeypatch.context() as patched, running_server(folder) as server:
        prepared(server)
        client = server.client("logs")
        client.create_scheduled_query(**configured(server))
        created = client.get_scheduled_query(identifier="q")["creationTime"]
        put(server, "one")

        def interrupted(self, place, key, pause):
            while True:
                pause(60)

        patched.setattr(ScheduledQueries, "ask", interrupted)
        server.clock.advance(301)
        trigger(server)
        assert [run["executionStatus"] for run in history(client)] == ["Running"]
        root = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(folder, root=root) as server:
        client = server.client("logs")
        assert ended(server, client)["executionStatus"] == "Complete"
        server.clock.advance(601)
        trigger(server)
        times = [run["triggeredTimestamp"] for run in history(client)]
        assert times == [created + 10 * MINUTE, created + 5 * MINUTE]
