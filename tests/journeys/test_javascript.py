"""The AWS SDK for JavaScript, unmodified: create, protect, put, read, unmask, filter and a live tail."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.process import ServerProcess

STORY = Path(__file__).with_name("javascript")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The story and the SDK it needs, in a folder of their own."""
    folder = tmp_path_factory.mktemp("javascript")
    shutil.copytree(STORY, folder, dirs_exist_ok=True)
    command = [
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--ignore-scripts",
        "--silent",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="runs where node and npm are"
)
def test_the_story(installed, tmp_path):
    with ServerProcess(tmp_path / "data") as server:
        root = server.root
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": server.address.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": root.access_key_id,
            "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        }
        done = subprocess.run(
            ["node", "journey.mjs"], cwd=installed, env=environment, capture_output=True, text=True, check=False, timeout=60
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        masked = "mail *************** of Grüße 日本"
        account = root.account
        assert json.loads(done.stdout) == {
            "identity": f"arn:aws:iam::{account}:root",
            "again": {"isTyped": True, "status": 400},
            "started": [f"arn:aws:logs:us-east-1:{account}:log-group:/js/app"],
            "tailed": masked,
            "got": [masked],
            "unmasked": ["mail ann@example.com of Grüße 日本"],
            "filtered": [masked],
        }
