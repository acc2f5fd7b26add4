"""Replicas in other Regions: they follow their primary, can only be read, and can be made secrets of their own."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.services.secretsmanager.conftest import code, message


@pytest.fixture
def europe(server):
    return server.client("secretsmanager", region="eu-west-1")


def replicate(secrets, name, region="eu-west-1", **more):
    return secrets.replicate_secret_to_regions(
        SecretId=name, AddReplicaRegions=[{"Region": region, **more.pop("replica", {})}], **more
    )


def test_a_replica_follows(server, secrets, europe, fresh):
    made = secrets.create_secret(Name=fresh, SecretString="1", Tags=[{"Key": "a", "Value": "1"}])
    secrets.put_secret_value(SecretId=fresh, SecretString="2")
    answer = replicate(secrets, fresh)
    assert answer["ReplicationStatus"] == [
        {"Region": "eu-west-1", "KmsKeyId": "alias/aws/secretsmanager", "Status": "InSync"}
    ]
    found = europe.get_secret_value(SecretId=fresh)
    assert (found["SecretString"], found["ARN"]) == ("2", made["ARN"].replace("us-east-1", "eu-west-1"))
    assert europe.get_secret_value(SecretId=fresh, VersionStage="AWSPREVIOUS")["SecretString"] == "1"
    about = europe.describe_secret(SecretId=fresh)
    assert (about["PrimaryRegion"], about["Tags"]) == ("us-east-1", [{"Key": "a", "Value": "1"}])
    secrets.put_secret_value(SecretId=fresh, SecretString="3")
    secrets.untag_resource(SecretId=fresh, TagKeys=["a"])
    secrets.update_secret(SecretId=fresh, Description="new")
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "3"
    about = europe.describe_secret(SecretId=fresh)
    assert (about.get("Tags", []), about["Description"]) == ([], "new")
    pending = secrets.put_secret_value(SecretId=fresh, SecretString="4", VersionStages=["AWSPENDING"])[
        "VersionId"
    ]
    current = secrets.get_secret_value(SecretId=fresh)["VersionId"]
    move = {"SecretId": fresh, "VersionStage": "AWSCURRENT", "MoveToVersionId": pending}
    secrets.update_secret_version_stage(**move, RemoveFromVersionId=current)
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "4"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{server.account}:root"},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    secrets.put_resource_policy(SecretId=fresh, ResourcePolicy=policy)
    assert europe.get_resource_policy(SecretId=fresh)["ResourcePolicy"] == policy


def test_a_replica_is_only_read(secrets, europe, fresh):
    secrets.create_secret(Name=fresh, SecretString="1", AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "1"
    for use in (
        lambda: europe.put_secret_value(SecretId=fresh, SecretString="2"),
        lambda: europe.update_secret(SecretId=fresh, Description="x"),
        lambda: europe.tag_resource(SecretId=fresh, Tags=[{"Key": "a", "Value": "1"}]),
        lambda: europe.delete_secret(SecretId=fresh, ForceDeleteWithoutRecovery=True),
    ):
        with pytest.raises(ClientError) as error:
            use()
        assert (code(error), message(error)) == (
            "InvalidRequestException",
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        )
    with pytest.raises(ClientError) as error:
        secrets.delete_secret(SecretId=fresh)
    assert code(error) == "InvalidParameterException"
    secrets.remove_regions_from_replication(SecretId=fresh, RemoveReplicaRegions=["eu-west-1"])
    with pytest.raises(ClientError) as error:
        europe.describe_secret(SecretId=fresh)
    assert code(error) == "ResourceNotFoundException"
    secrets.delete_secret(SecretId=fresh)


def test_a_replica_becomes_a_secret_of_its_own(secrets, europe, fresh):
    secrets.create_secret(Name=fresh, SecretString="1", AddReplicaRegions=[{"Region": "eu-west-1"}])
    europe.stop_replication_to_replica(SecretId=fresh)
    europe.put_secret_value(SecretId=fresh, SecretString="own")
    secrets.put_secret_value(SecretId=fresh, SecretString="2")
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "own"
    assert "PrimaryRegion" not in europe.describe_secret(SecretId=fresh)
    with pytest.raises(ClientError) as error:
        europe.stop_replication_to_replica(SecretId=fresh)
    assert code(error) == "InvalidRequestException"


def test_a_name_that_is_taken(secrets, europe, fresh):
    europe.create_secret(Name=fresh, SecretString="theirs")
    secrets.create_secret(Name=fresh, SecretString="ours")
    (status,) = replicate(secrets, fresh)["ReplicationStatus"]
    assert (status["Status"], status["StatusMessage"]) == (
        "Failed",
        f"Replication failed: Secret name {fresh} already exists in region eu-west-1.",
    )
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "theirs"
    (status,) = replicate(secrets, fresh, ForceOverwriteReplicaSecret=True)["ReplicationStatus"]
    assert status["Status"] == "InSync"
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "ours"
    for region in ("us-east-1", "eu-west-1"):
        with pytest.raises(ClientError) as error:
            replicate(secrets, fresh, region)
        assert (code(error), message(error)) == ("InvalidParameterException", "Invalid replica region.")


def test_a_replica_has_its_own_key(server, secrets, europe, fresh):
    kms = server.client("kms", region="eu-west-1")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name=fresh, SecretString="1")
    (status,) = replicate(secrets, fresh, replica={"KmsKeyId": key})["ReplicationStatus"]
    assert (status["KmsKeyId"], status["Status"]) == (key, "InSync")
    assert europe.describe_secret(SecretId=fresh)["KmsKeyId"] == key
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as error:
        europe.get_secret_value(SecretId=fresh)
    assert code(error) == "DecryptionFailure"
    assert secrets.get_secret_value(SecretId=fresh)["SecretString"] == "1"
    secrets.put_secret_value(SecretId=fresh, SecretString="2")
    (status,) = secrets.describe_secret(SecretId=fresh)["ReplicationStatus"]
    assert status["Status"] == "Failed", "a replica that cannot follow holds up nobody"
    assert secrets.get_secret_value(SecretId=fresh)["SecretString"] == "2"
    kms.enable_key(KeyId=key)
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "1"
    (status,) = replicate(secrets, fresh, replica={"KmsKeyId": key})["ReplicationStatus"]
    assert status["Status"] == "InSync"
    assert europe.get_secret_value(SecretId=fresh)["SecretString"] == "2"
    (status,) = replicate(secrets, fresh, "ap-south-1", replica={"KmsKeyId": "alias/nobody"})[
        "ReplicationStatus"
    ][1:]
    assert status["Status"] == "Failed"
    assert "alias/nobody is not found" in status["StatusMessage"]
