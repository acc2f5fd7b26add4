"""Starts that must be refused with a sentence, and stops that must be clean."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.journeys.process import MAIN, SOURCES, ServerProcess, events_of, until


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A data directory that a server has used and left."""
    data = tmp_path_factory.mktemp("used") / "data"
    with ServerProcess(data) as server:
        server.stop()
    return data


def test_a_second_server_on_the_data_directory(tmp_path):
    with ServerProcess(tmp_path / "data") as first:
        said = ServerProcess(tmp_path / "data", "--host", "127.0.0.1").refused()
        assert str(tmp_path / "data") in said
        assert str(first.process.pid) in said
        first.client("sts").get_caller_identity()


def test_a_port_in_use(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = ServerProcess(tmp_path / "data", port=port).refused()
        assert f"Port {port}" in said
        assert "--port" in said


def test_a_tls_port_in_use(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port}" in ServerProcess(tmp_path / "data", "--tls-port", str(port)).refused()


@pytest.mark.parametrize(
    "options",
    [
        ("--host", "203.0.113.7"),
        ("--store", "postgresql://coldframe@127.0.0.1:1/none?connect_timeout=2"),
        ("--store", "nonsense"),
        ("--store", "mysql://a@127.0.0.1/b"),
    ],
)
def test_a_setting_that_cannot_work(tmp_path, options):
    said = ServerProcess(tmp_path / "data", *options).refused()
    assert len(said.splitlines()) <= 4


def test_a_data_directory_that_is_a_file(tmp_path):
    data = tmp_path / "data"
    data.write_text("x")
    assert str(data) in ServerProcess(data).refused()


def test_a_data_directory_that_cannot_be_written(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    # Root obeys a folder's mode only without its capabilities.
    obedient = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all") if os.geteuid() == 0 else ()
    said = ServerProcess(closed / "data", log=tmp_path / "log", prefix=obedient).refused()
    assert str(closed / "data") in said


def test_a_master_key_that_others_can_read(used, tmp_path):
    data = shutil.copytree(used, tmp_path / "data")
    (data / "master.key").chmod(0o644)
    said = ServerProcess(data).refused()
    assert "chmod 600" in said
    (data / "master.key").chmod(0o600)
    (data / "master.key").write_bytes(b"short")
    assert "master" in ServerProcess(data).refused()


def test_another_master_key_is_noticed(used, tmp_path):
    data = shutil.copytree(used, tmp_path / "data")
    (data / "master.key").write_bytes(bytes(32))
    assert "master" in ServerProcess(data).refused()


def test_a_damaged_store(used, tmp_path):
    data = shutil.copytree(used, tmp_path / "data")
    for file in data.glob("coldframe.sqlite3*"):
        if file.suffix == ".sqlite3":
            file.write_bytes(b"this is no database" * 1000)
        elif not file.name.endswith("lock"):
            file.unlink()
    assert "coldframe.sqlite3" in ServerProcess(data).refused()


def test_a_damaged_server_file_is_written_anew(used, tmp_path):
    data = shutil.copytree(used, tmp_path / "data")
    (data / "server.json").write_bytes(b"\x00{")
    command = [*MAIN, "env", "--data", str(data)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    told = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert told.returncode == 1
    assert "server.json" in told.stderr
    assert "Traceback" not in told.stderr
    with ServerProcess(data) as again:
        assert again.address.pid == again.process.pid
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        assert again.address.endpoint in told.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_requests_is_clean_and_loses_nothing(tmp_path, number):
    data = tmp_path / "data"
    acknowledged = []
    with ServerProcess(data) as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")

        def put():
            client = server.client("logs")
            while True:
                text = f"{threading.get_ident()} {len(acknowledged)} {time.monotonic_ns()}"
                events = [{"timestamp": int(time.time() * 1000), "message": text}]
                try:
                    client.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
                except (ClientError, BotoCoreError):
                    return
                acknowledged.append(text)

        threads = [threading.Thread(target=put) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged) > 20)
        session = server.client("sts").get_session_token()["Credentials"]
        assert server.stop(number) == 0
        for thread in threads:
            thread.join(30)
        assert "Traceback" not in server.said()
    with ServerProcess(data) as server:
        found = events_of(server.client("logs"), "g", "s")
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        # Credentials of before are good for their whole time: a restart ends nobody's session.
        again = server.client(
            "sts",
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )
        assert again.get_caller_identity()["Account"] == server.root.account
        assert json.loads((data / "server.json").read_text())["pid"] == server.process.pid
