"""`coldframe backup` while a server runs: everything acknowledged before is in the copy, which a server can use."""

import pytest

from coldframe.core.backup import BackupError
from coldframe.core.store import StoreError
from coldframe.engines.objectstore import backup as objects
from coldframe.server import files
from coldframe.server.backup import back_up
from tests.journeys.process import until
from tests.server_fixtures import running_server


def test_a_server_runs_from_the_copy(tmp_path):
    with running_server(tmp_path / "data") as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="app")
        logs.create_log_stream(logGroupName="app", logStreamName="one")
        event = {"timestamp": server.clock.milliseconds(), "message": "kept"}
        logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=[event])
        s3 = server.client("s3")
        s3.create_bucket(Bucket="objects")
        s3.put_object(Bucket="objects", Key="k", Body=b"kept" * 500_000)
        queue = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        server.client("sqs").send_message(QueueUrl=queue, MessageBody="kept")
        back_up(tmp_path / "data", tmp_path / "copy")
        s3.put_object(Bucket="objects", Key="k", Body=b"later")
        keys = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(tmp_path / "copy", root=keys) as server:
        messages = server.client("sqs").receive_message(QueueUrl=queue)["Messages"]
        assert [message["Body"] for message in messages] == ["kept"]
        answer = server.client("logs").get_log_events(logGroupName="app", logStreamName="one")
        assert [event["message"] for event in answer["events"]] == ["kept"]
        assert server.client("s3").get_object(Bucket="objects", Key="k")["Body"].read() == b"kept" * 500_000


def test_an_object_that_is_deleted_meanwhile_is_in_the_copy_of_the_records_that_name_it(
    tmp_path, monkeypatch
):
    """The blob goes right after the records were copied: it was copied before them."""
    with running_server(tmp_path / "data") as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="objects")
        s3.put_object(Bucket="objects", Key="k", Body=b"kept" * 500_000)
        copied = objects.copy
        calls = []

        def copy(source, destination, named):
            calls.append(copied(source, destination, named))
            if len(calls) == 1:
                # What a sweep does with an object that was deleted.
                (blob,) = named
                (source / blob[:2] / blob).unlink()
            return calls[-1]

        monkeypatch.setattr(objects, "copy", copy)
        back_up(tmp_path / "data", tmp_path / "copy")
        keys = (server.account, server.access_key_id, server.secret_access_key)
    assert calls == [0, 0]
    with running_server(tmp_path / "copy", root=keys) as server:
        assert server.client("s3").get_object(Bucket="objects", Key="k")["Body"].read() == b"kept" * 500_000


def test_results_of_queries_are_in_the_copy(tmp_path):
    with running_server(tmp_path / "data") as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="app")
        query = logs.start_query(
            logGroupName="app",
            startTime=0,
            endTime=int(server.clock.seconds()),
            queryString="fields @message",
        )["queryId"]
        until(lambda: logs.get_query_results(queryId=query)["status"] == "Complete", 30)
        back_up(tmp_path / "data", tmp_path / "copy")
        keys = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(tmp_path / "copy", root=keys) as server:
        assert server.client("logs").get_query_results(queryId=query)["status"] == "Complete"


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(BackupError, match="no data directory"):
        back_up(tmp_path, tmp_path / "copy")


@pytest.mark.parametrize("left", [None, b""])
def test_a_store_that_is_lost_is_not_taken_for_a_first_start(tmp_path, left):
    """What S3 and others keep beside it would be swept as what nothing names."""
    data = tmp_path / "data"
    with running_server(data) as server:
        server.client("s3").create_bucket(Bucket="kept")
        server.client("s3").put_object(Bucket="kept", Key="k", Body=b"x")
        root = (server.account, server.access_key_id, server.secret_access_key)
        # As `coldframe up` does once it is ready.
        files.write(data, files.ServerFile(server.endpoint, "", "", "us-east-1", dev=False, pid=1))
    store, kept = data / "coldframe.sqlite3", (data / "coldframe.sqlite3").read_bytes()
    store.unlink()
    if left is not None:
        store.write_bytes(left)
    with pytest.raises(StoreError, match=r"coldframe\.sqlite3 has no account.*backup"), running_server(data):
        pass
    for path in data.glob("coldframe.sqlite3*"):
        path.unlink()
    store.write_bytes(kept)
    with running_server(data, root=root) as server:
        assert server.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"x"
