"""The AWS Encryption SDK for Python, unmodified, as a client of KMS."""

import gc

import aws_encryption_sdk
import botocore.session
import pytest
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.key_providers.kms import StrictAwsKmsMasterKeyProvider


@pytest.fixture
def provider(server, monkeypatch, caplog):
    """Makes a master key provider of keys; it makes its own clients, so the endpoint comes by the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_access_key)

    def make(*arns):
        session = botocore.session.Session()
        return StrictAwsKmsMasterKeyProvider(key_ids=list(arns), botocore_session=session)

    yield make
    # What was logged holds the decryptors that were refused, too.
    caplog.get_records("call").clear()
    gc.collect()


# A decryptor of the SDK that was refused complains when it is collected that it has read no footer.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_encrypts_and_decrypts(kms, make, arn, provider) -> None:
    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    )
    first, second, other = arn(make()), arn(make()), arn(make())
    text = b"a secret of more than a few bytes" * 100
    ciphertext, _ = client.encrypt(
        source=text, key_provider=provider(first, second), encryption_context={"purpose": "test"}
    )
    assert text[:30] not in ciphertext
    for key in (first, second):
        plain, header = client.decrypt(source=ciphertext, key_provider=provider(key))
        assert plain == text
        assert header.encryption_context["purpose"] == "test"
    with pytest.raises(AWSEncryptionSDKClientError):
        client.decrypt(source=ciphertext, key_provider=provider(other))
    kms.disable_key(KeyId=first)
    with pytest.raises(AWSEncryptionSDKClientError):
        client.decrypt(source=ciphertext, key_provider=provider(first))
