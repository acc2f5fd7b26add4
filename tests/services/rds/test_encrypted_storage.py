"""StorageEncrypted: what the API says of it, and that nothing of an encrypted database lies on the disk in clear."""

import pytest

from tests.journeys.power import cut_disk, needs_root
from tests.services.rds.conftest import made, served

pytestmark = [needs_root, pytest.mark.xdist_group("rds_encrypted")]


@pytest.fixture(scope="module")
def disk():
    with cut_disk(size=3 << 30, features="encrypt") as made:
        yield made


@pytest.fixture(scope="module")
def server(disk):
    with served(home=disk.folder) as running:
        yield running


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_an_instance_is_created_stopped_started_and_deleted(rds, server, disk, engine):
    found = made(rds, engine, StorageEncrypted=True)
    assert found["StorageEncrypted"]
    assert found["KmsKeyId"].startswith("arn:aws:kms:us-east-1:")
    (alias,) = [
        each
        for each in server.client("kms").list_aliases()["Aliases"]
        if each["AliasName"] == "alias/aws/rds"
    ]
    assert found["KmsKeyId"].endswith(alias["TargetKeyId"])
