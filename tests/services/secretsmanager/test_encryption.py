"""Values lie encrypted under KMS: whose key it is, who may use it, and what is on the disk."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server
from tests.services.secretsmanager.conftest import code, message


def allow(*actions, resource="*"):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def test_the_default_key_is_made_at_the_first_value(server, secrets, fresh) -> None:
    secrets.create_secret(Name=fresh, SecretString="x")
    kms = server.client("kms")
    about = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    assert about["KeyManager"] == "AWS"
    versions = secrets.list_secret_version_ids(SecretId=fresh)["Versions"]
    assert versions[0]["KmsKeyIds"] == ["DefaultEncryptionKey"]


def test_the_first_value_of_all_may_be_put(server, fresh) -> None:
    secrets = server.client("secretsmanager", region="eu-west-3")
    secrets.create_secret(Name=fresh)
    secrets.put_secret_value(SecretId=fresh, SecretString="x")
    assert secrets.get_secret_value(SecretId=fresh)["SecretString"] == "x"


def test_whoever_may_read_the_secret_needs_no_more_with_the_default_key(secrets, fresh, person) -> None:
    secrets.create_secret(Name=fresh, SecretString="x")
    _, reader = person(allow("secretsmanager:GetSecretValue"))
    assert reader.get_secret_value(SecretId=fresh)["SecretString"] == "x"


def test_a_key_of_the_customer_asks_for_its_own_permission(server, secrets, fresh, person) -> None:
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name=fresh, SecretString="x", KmsKeyId=key)
    assert secrets.describe_secret(SecretId=fresh)["KmsKeyId"] == key
    _, reader = person(allow("secretsmanager:GetSecretValue"))
    with pytest.raises(ClientError) as error:
        reader.get_secret_value(SecretId=fresh)
    assert (code(error), message(error)) == ("AccessDeniedException", "Access to KMS is not allowed")
    via = {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
    about = {"StringLike": {"kms:EncryptionContext:SecretARN": f"*:secret:{fresh}-??????"}}
    user, both = person(
        allow("secretsmanager:GetSecretValue"),
        {**allow("kms:Decrypt", resource=key), "Condition": {**via, **about}},
    )
    assert both.get_secret_value(SecretId=fresh)["SecretString"] == "x"
    assert user
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId=fresh)
    assert code(error) == "DecryptionFailure"
    with pytest.raises(ClientError) as error:
        secrets.put_secret_value(SecretId=fresh, SecretString="y")
    assert code(error) == "EncryptionFailure"
    kms.enable_key(KeyId=key)
    assert secrets.get_secret_value(SecretId=fresh)["SecretString"] == "x"


def test_changing_the_key_wraps_the_labelled_versions_anew(server, secrets, fresh) -> None:
    kms = server.client("kms")
    old, new = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    secrets.create_secret(Name=fresh, SecretString="0", KmsKeyId=old)
    secrets.put_secret_value(SecretId=fresh, SecretString="1")
    secrets.update_secret(SecretId=fresh, KmsKeyId=new)
    kms.disable_key(KeyId=old)
    assert secrets.get_secret_value(SecretId=fresh)["SecretString"] == "1"
    assert secrets.get_secret_value(SecretId=fresh, VersionStage="AWSPREVIOUS")["SecretString"] == "0"
    listed = secrets.list_secret_version_ids(SecretId=fresh)["Versions"]
    assert [row["KmsKeyIds"] for row in listed] == [[new]] * 2
    secrets.update_secret(SecretId=fresh, KmsKeyId="")
    assert "KmsKeyId" not in secrets.describe_secret(SecretId=fresh)


def test_nothing_of_a_value_is_on_the_disk(tmp_path) -> None:
    marker = "correct-horse-battery-staple"
    with running_server(tmp_path / "data") as server:
        secrets = server.client("secretsmanager")
        secrets.create_secret(Name="a", SecretString=marker)
        secrets.put_secret_value(SecretId="a", SecretBinary=marker.encode())
        assert secrets.get_secret_value(SecretId="a")["SecretBinary"].decode() == marker
        found = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
        assert any(b"secretsmanager_versions" in path.read_bytes() for path in found)
        assert [path for path in found if marker.encode() in path.read_bytes()] == []


def test_policies_of_secrets(server, secrets, fresh, person) -> None:
    arn = secrets.create_secret(Name=fresh, SecretString="x")["ARN"]
    user, client = person()
    with pytest.raises(ClientError) as error:
        client.get_secret_value(SecretId=fresh)
    assert code(error) == "AccessDeniedException"
    assert f"is not authorized to perform: secretsmanager:GetSecretValue on resource: {arn}" in message(error)
    statement = {**allow("secretsmanager:GetSecretValue"), "Principal": {"AWS": user}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId=fresh)
    secrets.put_resource_policy(SecretId=fresh, ResourcePolicy=policy, BlockPublicPolicy=True)
    assert secrets.get_resource_policy(SecretId=fresh)["ResourcePolicy"] == policy
    assert secrets.list_resource_policies(SecretId=fresh)["ResourcePolicies"] == [{"PolicyName": "default"}]
    assert client.get_secret_value(SecretId=fresh)["SecretString"] == "x"
    public = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": "*"}]})
    with pytest.raises(ClientError) as error:
        secrets.put_resource_policy(SecretId=fresh, ResourcePolicy=public, BlockPublicPolicy=True)
    assert code(error) == "PublicPolicyException"
    assert secrets.validate_resource_policy(ResourcePolicy=policy)["PolicyValidationPassed"] is True
    assert secrets.validate_resource_policy(ResourcePolicy=public)["PolicyValidationPassed"] is False
    with pytest.raises(ClientError) as error:
        secrets.put_resource_policy(SecretId=fresh, ResourcePolicy="{}")
    assert code(error) == "MalformedPolicyDocumentException"
    secrets.delete_resource_policy(SecretId=fresh)
    with pytest.raises(ClientError):
        client.get_secret_value(SecretId=fresh)


def test_a_batch_tells_what_may_not_be_read(secrets, fresh, person) -> None:
    first = secrets.create_secret(Name=f"{fresh}/1", SecretString="1")["ARN"]
    secrets.create_secret(Name=f"{fresh}/2", SecretString="2")
    _, client = person(
        allow("secretsmanager:BatchGetSecretValue"), allow("secretsmanager:GetSecretValue", resource=first)
    )
    answer = client.batch_get_secret_value(SecretIdList=[f"{fresh}/1", f"{fresh}/2", f"{fresh}/3"])
    assert [value["SecretString"] for value in answer["SecretValues"]] == ["1"]
    assert [(e["SecretId"], e["ErrorCode"]) for e in answer["Errors"]] == [
        (f"{fresh}/2", "AccessDeniedException"),
        (f"{fresh}/3", "AccessDeniedException"),
    ]
    answer = secrets.batch_get_secret_value(Filters=[{"Key": "name", "Values": [f"{fresh}/"]}], MaxResults=1)
    assert len(answer["SecretValues"]) == 1
    assert "NextToken" in answer
    answer = secrets.batch_get_secret_value(SecretIdList=[f"{fresh}/3"])
    assert answer["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        secrets.batch_get_secret_value()
    assert code(error) == "InvalidParameterException"
