"""A server that is killed anywhere between file and row loses nothing acknowledged and shows nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

ROOT = Path(__file__).parents[3]
# Puts `kept`, then dies at a point of putting `lost` and replacing `kept`.
CHILD = """
import json, os, sys
from pathlib import Path
from tests.server_fixtures import running_server
from coldframe.engines.objectstore.store import ObjectStore

folder, point, key = sys.argv[1:]
with running_server(Path(folder)) as server:
    print(json.dumps([server.account, server.access_key_id, server.secret_access_key]), flush=True)
    s3 = server.client("s3")
    s3.create_bucket(Bucket="crash")
    s3.put_object(Bucket="crash", Key="kept", Body=b"kept" * 500_000)
    store = server.installation.parts.get(ObjectStore)

    def die(reached):
        if reached == point:
            os._exit(9)

    store._disk.reached = die
    if point == "committed":
        store.keep = lambda *ids: os._exit(9)
    s3.put_object(Bucket="crash", Key=key, Body=b"lost" * 500_000)
"""


@pytest.mark.parametrize("point", ["written", "synced", "named", "committed"])
@pytest.mark.parametrize("key", ["kept", "lost"])
def test_killed(tmp_path, point, key):
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "data"), point, key],
        cwd=ROOT, env={"PYTHONPATH": f"{ROOT}/src:{ROOT}", "PATH": "/usr/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 9, child.stderr
    with running_server(tmp_path / "data", root=tuple(json.loads(child.stdout))) as server:
        s3 = server.client("s3")
        kept = s3.get_object(Bucket="crash", Key="kept")["Body"].read()
        listed = [each["Key"] for each in s3.list_objects_v2(Bucket="crash")["Contents"]]
        if point == "committed":
            assert kept == (b"lost" if key == "kept" else b"kept") * 500_000
            assert listed == sorted({"kept", key})
            assert s3.get_object(Bucket="crash", Key=key)["Body"].read() == b"lost" * 500_000
        else:
            assert kept == b"kept" * 500_000
            assert listed == ["kept"]
            with pytest.raises(ClientError, match="NoSuchKey"):
                s3.get_object(Bucket="crash", Key="lost")
        objects = tmp_path / "data" / "objects"
        files = [path for path in objects.rglob("*") if path.is_file() and path.name != "in-use"]
        assert len(files) == len(listed), "what nothing names was swept at the start"


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    from coldframe.engines.objectstore.store import ObjectStore

    with running_server(tmp_path / "data") as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="full")
        s3.put_object(Bucket="full", Key="old", Body=b"old")
        disk = server.installation.parts.get(ObjectStore)._disk

        def full(descriptor, data):
            raise OSError(28, "No space left on device")

        disk.write = full
        for body in (b"new", b"x" * 3_000_000):
            with pytest.raises(ClientError, match="disk is full") as caught:
                s3.put_object(Bucket="full", Key="old", Body=body)
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        del disk.write
        assert s3.get_object(Bucket="full", Key="old")["Body"].read() == b"old"
        objects = tmp_path / "data" / "objects"
        assert sum(path.is_file() and path.name != "in-use" for path in objects.rglob("*")) == 1
