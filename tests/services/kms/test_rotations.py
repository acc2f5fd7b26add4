"""Rotation and multi-Region keys: old ciphertexts go on being read, in every region of the key."""

import pytest
from botocore.exceptions import ClientError

from coldframe.services.kms.jobs import keep_keys
from tests.services.kms.conftest import code

DAY = 86400


def test_rotation_by_the_calendar(server, kms, make) -> None:
    key = make()
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    first = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    server.clock.advance(90 * DAY + 60)
    keep_keys(server.installation)
    second = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert second != first
    found = kms.decrypt(CiphertextBlob=old)
    assert (found["Plaintext"], found["KeyMaterialId"]) == (b"old", first)
    assert kms.generate_data_key(KeyId=key, KeySpec="AES_256")["KeyMaterialId"] == second
    listed = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [(row["RotationType"], row["KeyMaterialId"]) for row in listed] == [("AUTOMATIC", second)]
    kms.disable_key_rotation(KeyId=key)
    server.clock.advance(90 * DAY)
    keep_keys(server.installation)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == second


def test_rotation_on_demand_has_a_limit(kms, make) -> None:
    key = make()
    blobs = []
    for number in range(25):
        blobs.append(kms.encrypt(KeyId=key, Plaintext=b"%d" % number)["CiphertextBlob"])
        kms.rotate_key_on_demand(KeyId=key)
    with pytest.raises(ClientError) as error:
        kms.rotate_key_on_demand(KeyId=key)
    assert code(error) == "LimitExceededException"
    assert [kms.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in blobs] == [b"%d" % n for n in range(25)]
    rotations, marker = [], {}
    while marker is not None:
        page = kms.list_key_rotations(KeyId=key, Limit=10, **marker)
        rotations += page["Rotations"]
        marker = {"Marker": page["NextMarker"]} if page["Truncated"] else None
    assert len({row["KeyMaterialId"] for row in rotations}) == 25
    assert [row["KeyMaterialState"] for row in rotations][-1] == "CURRENT"


def test_only_symmetric_keys_rotate(kms, make) -> None:
    key = make(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    for use in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand):
        with pytest.raises(ClientError) as error:
            use(KeyId=key)
        assert code(error) == "UnsupportedOperationException"


def test_a_replica_reads_what_the_primary_wrote(server, kms, make) -> None:
    europe = server.client("kms", region="eu-west-1")
    key = make(MultiRegion=True)
    assert key.startswith("mrk-")
    single = make()
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    made = kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1", Description="replica")
    about = made["ReplicaKeyMetadata"]
    assert about["Arn"] == f"arn:aws:kms:eu-west-1:{server.account}:key/{key}"
    config = about["MultiRegionConfiguration"]
    assert (config["MultiRegionKeyType"], config["PrimaryKey"]["Region"]) == ("REPLICA", "us-east-1")
    assert [replica["Region"] for replica in config["ReplicaKeys"]] == ["eu-west-1"]
    with pytest.raises(ClientError) as error:
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert code(error) == "AlreadyExistsException"
    assert europe.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
    kms.rotate_key_on_demand(KeyId=key)
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    assert europe.decrypt(CiphertextBlob=new, KeyId=key)["Plaintext"] == b"new"
    back = europe.encrypt(KeyId=key, Plaintext=b"back")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=back)["Plaintext"] == b"back"
    with pytest.raises(ClientError) as error:
        europe.decrypt(CiphertextBlob=kms.encrypt(KeyId=single, Plaintext=b"x")["CiphertextBlob"])
    assert code(error) == "InvalidCiphertextException"
    kms.update_primary_region(KeyId=key, PrimaryRegion="eu-west-1")
    config = kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert (config["MultiRegionKeyType"], config["PrimaryKey"]["Region"]) == ("REPLICA", "eu-west-1")


def test_a_primary_outlives_its_replicas(server, kms, make) -> None:
    europe = server.client("kms", region="eu-west-1")
    key = make(MultiRegion=True)
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)["KeyState"] == "PendingReplicaDeletion"
    europe.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    server.clock.advance(7 * DAY + 60)
    keep_keys(server.installation)
    with pytest.raises(ClientError) as error:
        europe.describe_key(KeyId=key)
    assert code(error) == "NotFoundException"
    about = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert about["KeyState"] == "PendingDeletion"
    server.clock.advance(7 * DAY + 60)
    keep_keys(server.installation)
    with pytest.raises(ClientError) as error:
        kms.describe_key(KeyId=key)
    assert code(error) == "NotFoundException"
