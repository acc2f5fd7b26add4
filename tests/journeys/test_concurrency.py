"""Many clients at once: one winner, no event twice or missing, and nothing in clear once a policy was acknowledged."""

import contextlib
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.journeys.process import ServerProcess, events_of

ARN = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
POLICY = json.dumps(
    {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {"Sid": "a", "DataIdentifier": [ARN], "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "m", "DataIdentifier": [ARN], "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ServerProcess(tmp_path_factory.mktemp("many") / "data") as running:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.said()


def together(number, call):
    """Call from many threads that begin at the same moment; gives what each returned or the code of its error."""
    gate = threading.Barrier(number)

    def one(which):
        gate.wait(20)
        try:
            return call(which)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("logs", "create_log_group", {"logGroupName": "same"}, "ResourceAlreadyExistsException"),
        ("logs", "create_log_stream", {"logGroupName": "same", "logStreamName": "s"}, "ResourceAlreadyExistsException"),
        ("iam", "create_user", {"UserName": "same"}, "EntityAlreadyExists"),
        ("iam", "create_access_key", {"UserName": "same"}, "LimitExceeded"),
        ("logs", "delete_log_group", {"logGroupName": "same"}, "ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_one_of_sixteen_wins(server, service, operation, parameters, code):
    clients = [server.client(service) for _ in range(16)]
    needed = {
        "create_log_stream": ("create_log_group", {"logGroupName": "same"}),
        "create_access_key": ("create_user", {"UserName": "same"}),
        "delete_log_group": ("create_log_group", {"logGroupName": "same"}),
    }
    if operation in needed:
        make, of = needed[operation]
        with contextlib.suppress(ClientError):  # another case may have made it already
            getattr(clients[0], make)(**of)
    got = together(16, lambda which: getattr(clients[which], operation)(**parameters))
    winners = [answer for answer in got if not isinstance(answer, str)]
    # Two access keys are what a user may have.
    assert len(winners) == (2 if operation == "create_access_key" else 1), got
    busy = {"OperationAbortedException", "ConcurrentModification"}
    assert {answer for answer in got if isinstance(answer, str)} <= {code, *busy}


def test_readers_see_every_event_once_while_others_write(server):
    logs = server.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    sent, done, clients = [], threading.Event(), [server.client("logs") for _ in range(12)]

    def write(which):
        for step in range(40):
            texts = [f"{which} {step} {number}" for number in range(5)]
            events = [{"timestamp": int(time.time() * 1000), "message": text} for text in texts]
            clients[which].put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
            sent.extend(texts)

    def read(which):
        """Follow the stream by its forward token to the end, as `aws logs get-log-events` and tails do."""
        found, token = [], {}
        while True:
            last = done.is_set()
            page = clients[8 + which].get_log_events(
                logGroupName="g", logStreamName="s", startFromHead=True, limit=50, **token
            )
            found += [event["message"] for event in page["events"]]
            unmoved = token.get("nextToken") == page["nextForwardToken"]
            token = {"nextToken": page["nextForwardToken"]}
            if last and unmoved and not page["events"]:
                return found

    with ThreadPoolExecutor(12) as threads:
        readers = [threads.submit(read, which) for which in range(4)]
        for writer in [threads.submit(write, which) for which in range(8)]:
            writer.result(60)
        done.set()
        for reader in readers:
            found = reader.result(60)
            assert len(found) == len(set(found))
            assert not set(found) - set(sent)
    assert sorted(events_of(logs, "g", "s")) == sorted(sent)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", PaginationConfig={"PageSize": 33}
    )
    assert sorted(event["message"] for page in pages for event in page["events"]) == sorted(sent)


@pytest.mark.parametrize("way", ["group", "account"])
def test_nothing_is_in_clear_once_a_policy_is_acknowledged(server, way):
    """The product's promise: writers never stop while policies come and go; what follows an answer obeys it."""
    logs = server.client("logs")
    groups = [f"masked-{way}-{turn}" for turn in range(12)]
    stop, current = threading.Event(), {"masked": False, "group": ""}
    clients = [server.client("logs") for _ in range(4)]
    after, count, resting = [], [0] * 4, [threading.Event() for _ in range(4)]

    def write(which):
        while not stop.is_set():
            protected, group = current["masked"], current["group"]
            if not group:
                resting[which].set()
                time.sleep(0.001)
                continue
            count[which] += 1
            text = f"mail user{which}.{count[which]}@example.com {'AFTER' if protected else 'before'} {which}-{count[which]}"
            try:
                clients[which].put_log_events(
                    logGroupName=group,
                    logStreamName="s",
                    logEvents=[{"timestamp": int(time.time() * 1000), "message": text}] * 3,
                )
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ResourceNotFoundException"
                continue
            if protected:
                after.append((group, f"{which}-{count[which]}"))

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, which) for which in range(4)]
        for group in groups:
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="s")
            current["group"] = group
            time.sleep(0.05)
            if way == "group":
                logs.put_data_protection_policy(logGroupIdentifier=group, policyDocument=POLICY)
            else:
                logs.put_account_policy(
                    policyName="p", policyDocument=POLICY, policyType="DATA_PROTECTION_POLICY", scope="ALL"
                )
            current["masked"] = True
            time.sleep(0.1)
            current["masked"] = False
            current["group"] = ""
            for rest in resting:
                rest.clear()
            for rest in resting:
                assert rest.wait(30)
            if way == "account":
                logs.delete_account_policy(policyName="p", policyType="DATA_PROTECTION_POLICY")
        stop.set()
        for writer in writers:
            writer.result(30)
    assert len(after) > 20
    for group in groups:
        for message in events_of(logs, group, "s"):
            if "AFTER" in message:
                assert "@example.com" not in message
                assert re.fullmatch(r"mail \*+ AFTER \d-\d+", message), message
    # On the disk too: no address that came after an answer lies in clear in any file.
    server.client("sts").get_caller_identity()
    for file in Path(server.data).rglob("*"):
        if file.is_file():
            assert not re.search(rb"@example\.com AFTER", file.read_bytes()), file
