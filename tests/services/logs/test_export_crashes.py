"""An export whose process is killed after each of its steps, and between each step's effect and its record."""

import gzip
import importlib.util
import json
import random
import time
from pathlib import Path

import pytest

from coldframe.core.clock import Clock
from coldframe.core.config import Settings
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore
from coldframe.identity import bootstrap
from coldframe.identity.caller import Caller
from coldframe.server.assembly import assemble
from coldframe.services.logs import exporting
from coldframe.services.logs.records import ExportTask, LogGroup, LogStream

ACCOUNT, REGION, TASK = "123456789012", "us-east-1", "the-task"
RNG = random.Random(1)
STREAMS = {"long": [RNG.randbytes(100).hex() for _ in range(400)], "short": ["only one"]}
STEPS = ["begin", "list streams", "export long"]
STEPS += [f"export part {number} of long" for number in (1, 2, 3)]
STEPS += ["complete long", "export short", "end"]


@pytest.fixture(scope="module")
def crash():
    """The crash harness of the job tests."""
    path = Path(__file__).parents[2] / "jobs" / "crash.py"
    spec = importlib.util.spec_from_file_location("coldframe_tests_crash_of_exports", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def s3_of(installation):
    root = Caller(kind="root", arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT, user_id=ACCOUNT)
    return installation.clients("s3", principal=root, region=REGION)


def set_up(folder):
    """A bucket, a group with events, and a task whose job has not begun."""
    with assemble(Settings(data_dir=folder, port=0), Clock(time.time)) as assembly:
        assembly.runner.close()
        installation = assembly.installation
        bootstrap.set_up(installation)
        s3 = s3_of(installation)
        s3.create_bucket(Bucket="bucket")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
            "Resource": "arn:aws:s3:::bucket/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        s3.put_bucket_policy(Bucket="bucket", Policy=policy)
        with installation.store.write() as transaction:
            records = transaction.records(ACCOUNT, REGION)
            records.add(LogGroup(name="g", id="gid", created=1))
            for name, messages in STREAMS.items():
                records.add(LogStream(group="g", name=name, created=1))
                events = [Event(1000 + at, 2000, text) for at, text in enumerate(messages)]
                installation.parts.get(LogStore).append("gid", name, events)
            records.add(
                ExportTask(
                    id=TASK,
                    group="g",
                    group_id="gid",
                    start=0,
                    end=9000,
                    bucket="bucket",
                    prefix="p",
                    created=1,
                )
            )
            installation.start_job(records, exporting.export, TASK, caller="")


def run_on(folder):
    """Start the server, which goes on with the job, and wait for its end."""
    with assemble(Settings(data_dir=folder, port=0), Clock(time.time)) as assembly:
        assert assembly.runner.idle(20)


def outcome(folder):
    with assemble(Settings(data_dir=folder, port=0), Clock(time.time)) as assembly:
        assert assembly.runner.idle(20)
        s3 = s3_of(assembly.installation)
        with assembly.installation.store.read() as transaction:
            task = transaction.records(ACCOUNT, REGION).get(ExportTask, TASK)
        texts = {
            each["Key"]: gzip.decompress(s3.get_object(Bucket="bucket", Key=each["Key"])["Body"].read())
            for each in s3.list_objects_v2(Bucket="bucket")["Contents"]
        }
        uploads = s3.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
        return task, texts, uploads


@pytest.mark.parametrize("moment", ["BEFORE", "AFTER"])
def test_killed_at_every_step_in_turn(crash, tmp_path, monkeypatch, moment):
    monkeypatch.setattr(exporting, "PART_BYTES", 15_000)
    monkeypatch.setattr("coldframe.services.s3.assembling.SMALLEST_PART", 1)
    assert not crash.crash_after("no such step", lambda: set_up(tmp_path))
    for step in STEPS:
        assert crash.crash_after(step, lambda: run_on(tmp_path), moment=getattr(crash, moment)), step
    task, texts, uploads = outcome(tmp_path)
    assert (task.status, task.message) == ("COMPLETED", "Completed successfully")
    assert sorted(texts) == [f"p/{TASK}/long/000000.gz", f"p/{TASK}/short/000000.gz"]
    for name, messages in STREAMS.items():
        lines = texts[f"p/{TASK}/{name}/000000.gz"].decode().splitlines()
        assert [line.partition(" ")[2] for line in lines] == messages
    # An upload that was begun and not written down is left, without parts, to the bucket's lifecycle rules.
    assert len(uploads) == (moment == "BEFORE")
