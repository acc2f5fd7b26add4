"""Encrypting, data keys, re-encrypting; real clients decrypt what was encrypted elsewhere by published rules."""

import os

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from tests.services.kms.conftest import code, message


def test_round_trip_and_the_order_of_the_context_is_of_no_matter(kms, make, arn) -> None:
    key = make()
    secret = os.urandom(4096)
    sent = kms.encrypt(KeyId=key, Plaintext=secret, EncryptionContext={"a": "1", "b": "2"})
    assert (sent["KeyId"], sent["EncryptionAlgorithm"]) == (arn(key), "SYMMETRIC_DEFAULT")
    found = kms.decrypt(CiphertextBlob=sent["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
    assert (found["Plaintext"], found["KeyId"]) == (secret, arn(key))
    assert found["KeyMaterialId"] == kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    for context in ({}, {"a": "1"}, {"a": "2", "b": "1"}, {"A": "1", "b": "2"}):
        with pytest.raises(ClientError) as error:
            kms.decrypt(CiphertextBlob=sent["CiphertextBlob"], EncryptionContext=context)
        assert code(error) == "InvalidCiphertextException"
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId=key, Plaintext=bytes(4097))
    assert code(error) == "ValidationException"


def test_a_changed_or_foreign_blob_does_not_open(kms, make) -> None:
    key, other = make(), make()
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    for position in (0, 1, 20, 130, 145, 160, len(blob) - 1):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(ClientError) as error:
            kms.decrypt(CiphertextBlob=bytes(changed))
        assert code(error) == "InvalidCiphertextException", position
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=b"nonsense")
    assert code(error) == "InvalidCiphertextException"
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=blob, KeyId=other)
    assert code(error) == "IncorrectKeyException"
    # A header of one blob and the body of another, both of one key.
    second = kms.encrypt(KeyId=key, Plaintext=b"public")["CiphertextBlob"]
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=blob[:141] + second[141:])
    assert code(error) == "InvalidCiphertextException"


def test_a_blob_tells_nothing_but_its_length(server, kms, make) -> None:
    key = make()
    blobs = [kms.encrypt(KeyId=key, Plaintext=b"same")["CiphertextBlob"] for _ in range(2)]
    assert blobs[0] != blobs[1]
    assert len({len(blob) for blob in blobs}) == 1
    for blob in blobs:
        for told in (key, server.account, "us-east-1", "same"):
            assert told.encode() not in blob
        assert bytes.fromhex(key.replace("-", "")) not in blob


def test_data_keys(kms, make, arn) -> None:
    key = make()
    context = {"purpose": "test"}
    for more, size in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 7}, 7)):
        made = kms.generate_data_key(KeyId=key, EncryptionContext=context, **more)
        assert len(made["Plaintext"]) == size
        found = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        assert found["Plaintext"] == made["Plaintext"]
        hidden = kms.generate_data_key_without_plaintext(KeyId=key, EncryptionContext=context, **more)
        assert "Plaintext" not in hidden
        found = kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"], EncryptionContext=context)
        assert len(found["Plaintext"]) == size
    for more in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
        with pytest.raises(ClientError) as error:
            kms.generate_data_key(KeyId=key, **more)
        assert (code(error), message(error)) == (
            "ValidationException",
            "Please specify either number of bytes or key spec.",
        )


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"])
def test_data_key_pairs(kms, make, spec) -> None:
    key = make()
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec)
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert private.public_key() == load_der_public_key(made["PublicKey"])
    found = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])
    assert found["Plaintext"] == made["PrivateKeyPlaintext"]
    hidden = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in hidden
    assert hidden["PublicKey"] != made["PublicKey"]


def test_re_encrypting_moves_a_secret_without_showing_it(kms, make, arn) -> None:
    old, new = make(), make()
    blob = kms.encrypt(KeyId=old, Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=new,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (arn(old), arn(new))
    assert "Plaintext" not in moved
    found = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"}, KeyId=new)
    assert found["Plaintext"] == b"secret"
    signing = make(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    with pytest.raises(ClientError, match="which is not valid for ReEncryptTo") as error:
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=signing, SourceEncryptionContext={"a": "1"})
    assert code(error) == "InvalidKeyUsageException"
    with pytest.raises(ClientError) as error:
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    assert code(error) == "InvalidCiphertextException"


@pytest.mark.parametrize(
    ("algorithm", "chosen", "most"),
    [("RSAES_OAEP_SHA_1", SHA1(), 214), ("RSAES_OAEP_SHA_256", SHA256(), 190)],
)
def test_rsa_encryption_is_that_of_everybody(kms, make, algorithm, chosen, most) -> None:
    key = make(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x" * most, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    assert len(blob) == 256
    found = kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
    assert found["Plaintext"] == b"x" * most
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    outside = public.encrypt(b"outside", padding.OAEP(padding.MGF1(chosen), chosen, None))
    assert (
        kms.decrypt(KeyId=key, CiphertextBlob=outside, EncryptionAlgorithm=algorithm)["Plaintext"]
        == b"outside"
    )
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId=key, Plaintext=b"x" * (most + 1), EncryptionAlgorithm=algorithm)
    assert message(error) == (
        f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {most} bytes."
    )
    with pytest.raises(ClientError) as error:
        kms.decrypt(KeyId=key, CiphertextBlob=outside[:-1] + b"\0", EncryptionAlgorithm=algorithm)
    assert code(error) == "InvalidCiphertextException"
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    assert code(error) == "InvalidKeyUsageException"


def test_random(kms) -> None:
    first, second = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert len(first) == 32
    assert first != second


def test_a_dry_run_tells_and_does_nothing(kms, make) -> None:
    key = make()
    for use in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", DryRun=True),
    ):
        with pytest.raises(ClientError) as error:
            use()
        assert (code(error), message(error)) == (
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        )
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    assert code(error) == "DisabledException"


def test_material_lies_nowhere_in_clear(server, kms, make) -> None:
    """What the server keeps of an imported-like known secret: a data key that was asked for and the private halves."""
    key = make(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    with server.installation.store.read() as transaction:
        rows = transaction.run("SELECT _body FROM kms_key_materials").fetchall()
    # A PKCS#8 private key in clear has this algorithm identifier, in DER or base64 of any alignment.
    assert rows
    assert all("BggqhkjOPQMBBw" not in row[0] and "CCqGSM49" not in row[0] for row in rows)
