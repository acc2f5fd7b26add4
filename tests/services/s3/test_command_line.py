"""The AWS CLI against S3: cp, sync, ls, rm, presign, as people type them."""

import os
import random
import subprocess
import sys

import pytest


@pytest.fixture
def aws(s3_server, tmp_path):
    """Runs the AWS CLI and gives its output."""

    def run(*arguments):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": s3_server.access_key_id,
            "AWS_SECRET_ACCESS_KEY": s3_server.secret_access_key, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": s3_server.endpoint,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_day_with_the_command_line(aws, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "deep").mkdir(parents=True)
    (here / "one.txt").write_text("one")
    (here / "deep" / "ünï code.bin").write_bytes(random.Random(1).randbytes(12_000_000))
    aws("s3", "mb", "s3://from-the-cli")
    aws("s3", "sync", str(here), "s3://from-the-cli/there")
    listed = aws("s3", "ls", "--recursive", "s3://from-the-cli")
    assert "there/deep/ünï code.bin" in listed
    assert "there/one.txt" in listed
    assert "PRE deep/" in aws("s3", "ls", "s3://from-the-cli/there/")
    aws("s3", "cp", "s3://from-the-cli/there/", str(back), "--recursive")
    for path in here.rglob("*"):
        if path.is_file():
            assert (back / path.relative_to(here)).read_bytes() == path.read_bytes()
    assert aws("s3", "cp", "s3://from-the-cli/there/one.txt", "-") == "one"
    url = aws("s3", "presign", "s3://from-the-cli/there/one.txt").strip()
    assert subprocess.run(["curl", "-sS", url], capture_output=True, check=True).stdout == b"one"
    aws("s3", "mv", "s3://from-the-cli/there/one.txt", "s3://from-the-cli/two.txt")
    aws("s3", "rb", "s3://from-the-cli", "--force")
    assert "from-the-cli" not in aws("s3", "ls")
