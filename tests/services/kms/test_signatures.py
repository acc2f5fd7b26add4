"""Signatures, MACs and shared secrets: checked with the cryptography library and with published vectors."""

import hashlib

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from tests.services.kms.conftest import code, message

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
RSA = [f"RSASSA_{kind}_SHA_{bits}" for kind in ("PSS", "PKCS1_V1_5") for bits in HASHES]


@pytest.fixture(scope="module")
def rsa_key(server):
    made = server.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    return made["KeyMetadata"]["KeyId"]


@pytest.mark.parametrize("algorithm", RSA)
def test_rsa(kms, rsa_key, algorithm) -> None:
    public = load_der_public_key(kms.get_public_key(KeyId=rsa_key)["PublicKey"])
    chosen = HASHES[algorithm[-3:]]
    scheme = (
        padding.PSS(padding.MGF1(chosen), chosen.digest_size) if "PSS" in algorithm else padding.PKCS1v15()
    )
    text = b"a message"
    digest = hashlib.new("sha" + algorithm[-3:], text).digest()
    for sent, kind in ((text, "RAW"), (digest, "DIGEST")):
        made = kms.sign(KeyId=rsa_key, Message=sent, MessageType=kind, SigningAlgorithm=algorithm)
        public.verify(made["Signature"], text, scheme, chosen)
        for again, how in ((text, "RAW"), (digest, "DIGEST")):
            found = kms.verify(
                KeyId=rsa_key,
                Message=again,
                MessageType=how,
                Signature=made["Signature"],
                SigningAlgorithm=algorithm,
            )
            assert found["SignatureValid"] is True
    with pytest.raises(ClientError) as error:
        kms.verify(KeyId=rsa_key, Message=b"another", Signature=made["Signature"], SigningAlgorithm=algorithm)
    assert code(error) == "KMSInvalidSignatureException"
    with pytest.raises(ClientError) as error:
        kms.sign(KeyId=rsa_key, Message=digest[:-1], MessageType="DIGEST", SigningAlgorithm=algorithm)
    assert message(error) == f"Digest is invalid length for algorithm {algorithm}."


@pytest.mark.parametrize(
    ("spec", "bits"),
    [
        ("ECC_NIST_P256", "256"),
        ("ECC_NIST_P384", "384"),
        ("ECC_NIST_P521", "512"),
        ("ECC_SECG_P256K1", "256"),
    ],
)
def test_ecdsa(kms, make, spec, bits) -> None:
    key, algorithm = make(KeySpec=spec, KeyUsage="SIGN_VERIFY"), f"ECDSA_SHA_{bits}"
    about = kms.get_public_key(KeyId=key)
    assert (about["KeySpec"], about["KeyUsage"], about["SigningAlgorithms"]) == (
        spec,
        "SIGN_VERIFY",
        [algorithm],
    )
    public = load_der_public_key(about["PublicKey"])
    made = kms.sign(KeyId=key, Message=b"text", SigningAlgorithm=algorithm)
    public.verify(made["Signature"], b"text", ec.ECDSA(HASHES[bits]))
    digest = hashlib.new(f"sha{bits}", b"text").digest()
    made = kms.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm)
    public.verify(made["Signature"], digest, ec.ECDSA(utils.Prehashed(HASHES[bits])))
    other = "ECDSA_SHA_384" if bits != "384" else "ECDSA_SHA_256"
    with pytest.raises(ClientError) as error:
        kms.sign(KeyId=key, Message=b"text", SigningAlgorithm=other)
    assert (code(error), message(error)) == (
        "InvalidKeyUsageException",
        f"Algorithm {other} is incompatible with key spec {spec}.",
    )


def test_ed25519(kms, make) -> None:
    key = make(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ED25519_SHA_512")["Signature"], b"m")
    with pytest.raises(ClientError) as error:
        kms.sign(KeyId=key, Message=bytes(64), MessageType="DIGEST", SigningAlgorithm="ED25519_SHA_512")
    assert code(error) == "ValidationException"


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_ml_dsa(kms, make, spec) -> None:
    key = make(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    made = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ML_DSA_SHAKE_256")
    public.verify(made["Signature"], b"m")
    # FIPS 204, algorithm 7: µ = SHAKE256(SHAKE256(pk, 64) || 0x00 || |ctx| || ctx || M, 64), with an empty context.
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    representative = hashlib.shake_256(hashlib.shake_256(raw).digest(64) + b"\0\0" + b"m").digest(64)
    made = kms.sign(
        KeyId=key, Message=representative, MessageType="EXTERNAL_MU", SigningAlgorithm="ML_DSA_SHAKE_256"
    )
    public.verify(made["Signature"], b"m")
    assert isinstance(public, (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey))


def test_the_usage_of_a_key_holds(kms, make, arn, rsa_key) -> None:
    symmetric = make()
    with pytest.raises(ClientError) as error:
        kms.sign(KeyId=symmetric, Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256")
    assert (code(error), message(error)) == (
        "InvalidKeyUsageException",
        f"{arn(symmetric)} key usage is ENCRYPT_DECRYPT which is not valid for Sign.",
    )
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId=rsa_key, Plaintext=b"m")
    assert message(error) == f"{arn(rsa_key)} key usage is SIGN_VERIFY which is not valid for Encrypt."
    with pytest.raises(ClientError) as error:
        kms.get_public_key(KeyId=symmetric)
    assert code(error) == "UnsupportedOperationException"


@pytest.mark.parametrize(("bits", "size"), [("224", 28), ("256", 32), ("384", 48), ("512", 64)])
def test_macs(kms, make, bits, size) -> None:
    key, algorithm = make(KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC"), f"HMAC_SHA_{bits}"
    made = kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm)
    assert len(made["Mac"]) == size
    assert kms.verify_mac(KeyId=key, Message=b"m", Mac=made["Mac"], MacAlgorithm=algorithm)["MacValid"]
    with pytest.raises(ClientError) as error:
        kms.verify_mac(KeyId=key, Message=b"n", Mac=made["Mac"], MacAlgorithm=algorithm)
    assert code(error) == "KMSInvalidMacException"


@pytest.mark.parametrize(
    ("spec", "curve"), [("ECC_NIST_P256", ec.SECP256R1()), ("ECC_NIST_P521", ec.SECP521R1())]
)
def test_shared_secrets(kms, make, spec, curve) -> None:
    key = make(KeySpec=spec, KeyUsage="KEY_AGREEMENT")
    mine = ec.generate_private_key(curve)
    public = mine.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    theirs = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert found["SharedSecret"] == mine.exchange(ec.ECDH(), theirs)
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(ClientError) as error:
        kms.derive_shared_secret(
            KeyId=key,
            KeyAgreementAlgorithm="ECDH",
            PublicKey=other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        )
    assert code(error) == "ValidationException"


def test_encapsulated_secrets(kms, make) -> None:
    key = make(KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    secret, ciphertext = public.encapsulate()
    made = kms.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")
    for blob, wanted in (
        (ciphertext, secret),
        (made["SharedSecretCiphertextBlob"], made["SharedSecret"]),
    ):
        found = kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=blob, EncapsulationAlgorithm="ML_KEM")
        assert found["SharedSecret"] == wanted
    with pytest.raises(ClientError) as error:
        kms.decapsulate(
            KeyId=key, SharedSecretCiphertextBlob=ciphertext[:-1], EncapsulationAlgorithm="ML_KEM"
        )
    assert code(error) == "InvalidCiphertextException"
