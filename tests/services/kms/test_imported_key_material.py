"""Imported material: wrapped as AWS's guide does, published vectors come out, and it ends when it expires."""

import os

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from coldframe.services.kms.jobs import keep_keys
from tests.services.kms.conftest import code


def wrapped(kms, key, secret, algorithm="RSA_AES_KEY_WRAP_SHA_256", spec="RSA_2048"):
    """The token and the wrapped material, as a caller makes them."""
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    public = load_der_public_key(given["PublicKey"])
    chosen = SHA1() if algorithm.endswith("SHA_1") else SHA256()
    oaep = padding.OAEP(padding.MGF1(chosen), chosen, None)
    if algorithm.startswith("RSAES"):
        body = public.encrypt(secret, oaep)
    else:
        once = os.urandom(32)
        body = public.encrypt(once, oaep) + aes_key_wrap_with_padding(once, secret)
    return {"ImportToken": given["ImportToken"], "EncryptedKeyMaterial": body}


def bring(kms, key, secret, *, how=None, **more):
    """Import for good."""
    more.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return kms.import_key_material(KeyId=key, **wrapped(kms, key, secret, **(how or {})), **more)


def pkcs8(key):
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "algorithm",
    ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"],
)
def test_symmetric_material(kms, make, arn, algorithm) -> None:
    key = make(Origin="EXTERNAL")
    about = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (about["KeyState"], about["Enabled"], about["Origin"]) == ("PendingImport", False, "EXTERNAL")
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    assert code(error) == "KMSInvalidStateException"
    bring(kms, key, os.urandom(32), how={"algorithm": algorithm, "spec": "RSA_3072"})
    about = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (about["KeyState"], about["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == arn(key)


def test_the_same_material_comes_back_and_no_other(kms, make) -> None:
    key, secret = make(Origin="EXTERNAL"), os.urandom(32)
    bring(kms, key, secret)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=blob)
    assert code(error) == "KMSInvalidStateException"
    with pytest.raises(ClientError) as error:
        bring(kms, key, os.urandom(32))
    assert code(error) == "IncorrectKeyMaterialException"
    bring(kms, key, secret)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_that_expires_is_destroyed(server, kms, make) -> None:
    key, secret = make(Origin="EXTERNAL"), os.urandom(32)
    valid_to = server.clock.seconds() + 3600
    bring(kms, key, secret, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to)
    about = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert abs(about["ValidTo"].timestamp() - valid_to) < 1
    assert about["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    server.clock.advance(3601)
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=blob)
    assert code(error) == "KMSInvalidStateException"
    keep_keys(server.installation)
    with server.installation.store.read() as transaction:
        rows = transaction.run(f"SELECT _body FROM kms_key_materials WHERE key_id = '{key}'").fetchall()
    assert [row[0].count('"sealed":""') for row in rows] == [1]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    bring(kms, key, secret)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_tokens_are_for_one_key_and_one_day(server, kms, make) -> None:
    key, other = make(Origin="EXTERNAL"), make(Origin="EXTERNAL")
    sent = wrapped(kms, key, os.urandom(32))
    forever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    with pytest.raises(ClientError) as error:
        kms.import_key_material(KeyId=other, **sent, **forever)
    assert code(error) == "InvalidImportTokenException"
    with pytest.raises(ClientError) as error:
        kms.import_key_material(KeyId=key, **sent)
    assert code(error) == "ValidationException"
    torn = {**sent, "EncryptedKeyMaterial": sent["EncryptedKeyMaterial"][:-1]}
    with pytest.raises(ClientError) as error:
        kms.import_key_material(KeyId=key, **torn, **forever)
    assert code(error) == "InvalidCiphertextException"
    server.clock.advance(86401)
    with pytest.raises(ClientError) as error:
        kms.import_key_material(KeyId=key, **sent, **forever)
    assert code(error) == "ExpiredImportTokenException"
    with pytest.raises(ClientError) as error:
        kms.get_parameters_for_import(
            KeyId=make(), WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )
    assert code(error) == "UnsupportedOperationException"


@pytest.mark.parametrize(
    ("bits", "size", "wanted"),
    [
        ("256", 32, "198a607eb44bfbc69903a0f1cf2bbdc5"),
        ("384", 48, "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"),
        ("512", 64, "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"),
    ],
)
def test_rfc_4868_hmac(kms, make, bits, size, wanted) -> None:
    key = make(Origin="EXTERNAL", KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
    bring(kms, key, b"\x0b" * size)
    made = kms.generate_mac(KeyId=key, Message=b"Hi There", MacAlgorithm=f"HMAC_SHA_{bits}")
    assert made["Mac"].hex().startswith(wanted)
    with pytest.raises(ClientError) as error:
        bring(kms, make(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), b"short")
    assert code(error) == "IncorrectKeyMaterialException"


def test_rfc_8032_ed25519(kms, make) -> None:
    seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
    signature = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    key = make(Origin="EXTERNAL", KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    bring(kms, key, pkcs8(ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))))
    made = kms.sign(KeyId=key, Message=b"\xaf\x82", SigningAlgorithm="ED25519_SHA_512")
    assert made["Signature"].hex() == signature


def test_rfc_6979_ecdsa(kms, make) -> None:
    number = int("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721", 16)
    r = int("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716", 16)
    s = int("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8", 16)
    key = make(Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    bring(kms, key, pkcs8(ec.derive_private_key(number, ec.SECP256R1())))
    signature = utils.encode_dss_signature(r, s)
    found = kms.verify(KeyId=key, Message=b"sample", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
    assert found["SignatureValid"] is True


def test_an_rsa_key_signs_as_its_owner_does(kms, make) -> None:
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = make(Origin="EXTERNAL", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    with pytest.raises(ClientError) as error:
        wrapped(kms, key, b"", algorithm="RSAES_OAEP_SHA_256")
    assert code(error) == "ValidationException"
    bring(kms, key, pkcs8(mine))
    made = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")
    assert made["Signature"] == mine.sign(b"m", padding.PKCS1v15(), SHA256())
    with pytest.raises(ClientError) as error:
        bring(kms, make(Origin="EXTERNAL", KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY"), pkcs8(mine))
    assert code(error) == "IncorrectKeyMaterialException"


def test_the_next_material_waits_for_its_rotation(kms, make) -> None:
    key, first, second = make(Origin="EXTERNAL"), os.urandom(32), os.urandom(32)
    old_id = bring(kms, key, first)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    new_id = bring(kms, key, second, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    listed = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(row["KeyMaterialId"], row["KeyMaterialState"]) for row in listed] == [
        (old_id, "CURRENT"),
        (new_id, "PENDING_ROTATION"),
    ]
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == new_id
    assert kms.decrypt(CiphertextBlob=blob) | {"ResponseMetadata": None} == {
        "KeyId": kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"],
        "Plaintext": b"old",
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": old_id,
        "ResponseMetadata": None,
    }
    with pytest.raises(ClientError) as error:
        kms.rotate_key_on_demand(KeyId=key)
    assert code(error) == "KMSInvalidStateException"
