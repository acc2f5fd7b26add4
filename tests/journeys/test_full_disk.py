"""A disk that fills up: new writes are refused as something to try again, reads go on, and nothing acknowledged is lost."""

import time

import pytest
from botocore.exceptions import ClientError

from tests.journeys.process import ServerProcess, events_of, small_filesystem, until

MESSAGE = "x" * 200_000


@pytest.fixture
def small_disk(tmp_path):
    """A folder that can hold little, and a way to free some of it."""
    folder = tmp_path / "disk"
    with small_filesystem(folder, "48m") as mounted:
        # What an operator would delete: space that was taken by something else.
        ballast = mounted / "ballast"
        ballast.write_bytes(bytes(8 * 1024 * 1024))
        yield mounted, ballast.unlink


def put(logs, number):
    text = f"{number:06} {MESSAGE}"
    events = [{"timestamp": int(time.time() * 1000), "message": text + str(part)} for part in range(4)]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    return [event["message"] for event in events]


def test_a_full_disk(tmp_path, small_disk):
    disk, free = small_disk
    data = disk / "data"
    acknowledged, refusals = [], []
    with ServerProcess(data, "--tls-port", "0", log=tmp_path / "log") as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        for number in range(500):
            try:
                acknowledged += put(logs, number)
            except ClientError as error:
                refusals.append(error.response)
                if len(refusals) > 3:
                    break
        for number in range(3000):
            try:
                logs.create_log_group(logGroupName=f"filler-{number}" + "x" * 400, tags={"a": "y" * 250})
            except ClientError as error:
                refusals.append(error.response)
                break
        else:
            raise AssertionError("the store never filled up")
        for response in refusals:
            # What AWS's clients try again after a while; 500 is the documented status of this code in CloudWatch Logs.
            assert response["Error"]["Code"] == "ServiceUnavailableException", response
            assert response["ResponseMetadata"]["HTTPStatusCode"] in {500, 503}
            assert "space" in response["Error"]["Message"]
        # Reading goes on, and so do calls that need no space.
        assert acknowledged
        assert events_of(logs, "g", "s") == acknowledged
        assert logs.filter_log_events(logGroupName="g", limit=1)["events"]
        server.client("sts").get_caller_identity()
        free()

        def works_again():
            try:
                acknowledged.extend(put(logs, 999_999))
                logs.create_log_group(logGroupName="afterwards")
            except ClientError:
                return False
            return True

        until(works_again)
        assert events_of(logs, "g", "s") == acknowledged
        assert "Traceback" not in server.said()
        server.kill()
    with ServerProcess(data, "--tls-port", "0", log=tmp_path / "log") as server:
        logs = server.client("logs")
        assert events_of(logs, "g", "s") == acknowledged
        assert logs.describe_log_groups(logGroupNamePrefix="afterwards")["logGroups"]
        assert server.stop() == 0
