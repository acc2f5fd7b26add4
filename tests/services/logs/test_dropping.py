"""Deleting a group outlives the server: the events are dropped after a restart if they could not be before."""

from coldframe.engines.logstore.errors import StorageFull
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.records import LogGroup
from tests.server_fixtures import running_server


def fail(*_):
    raise StorageFull("the disk is full")


def test_events_of_a_deleted_group_are_dropped_after_a_restart(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(LogStore, "drop_group", fail)
        with running_server(tmp_path / "data") as server:
            logs = server.client("logs")
            logs.create_log_group(logGroupName="g")
            logs.create_log_stream(logGroupName="g", logStreamName="s")
            now = server.clock.milliseconds()
            events = [{"timestamp": now, "message": "x"}]
            logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
            group = server.installation.store.cached(LogGroup, server.account, "us-east-1", "g")
            logs.delete_log_group(logGroupName="g")
            assert logs.describe_log_groups()["logGroups"] == []
            assert server.installation.parts.get(LogStore).streams(group.id)
            root = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(tmp_path / "data", root=root) as server:
        assert server.assembly.runner.idle(10)
        assert server.installation.parts.get(LogStore).streams(group.id) == {}
