"""Signatures of the kernel are those of OpenSSL, byte for byte, for every size of key and hash; so is what it decrypts."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from coldframe import keys
from coldframe.engines.keyring import SESSION, Kernel
from coldframe.keys.padding import PaddingError
from tests.engines.keyring.contract import certificate, pkcs8
from tests.kernel.conftest import key_files, read_key

HASHES = {
    "sha1": hashes.SHA1(), "sha224": hashes.SHA224(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(), "sha3_256": hashes.SHA3_256(), "sha3_512": hashes.SHA3_512(),
}  # fmt: skip
MESSAGES = [b"", b"a message", bytes(range(256)) * 41]


@pytest.fixture(params=key_files(), ids=lambda path: path.name)
def loaded(request: pytest.FixtureRequest, session: Kernel) -> tuple[keys.AsymmetricKey, rsa.RSAPrivateKey]:
    """One of the keys of this run, in the kernel and in OpenSSL."""
    openssl = read_key(request.param)
    serial = session.add_key("asymmetric", "k", pkcs8(openssl), SESSION)
    return keys.AsymmetricKey(serial, session, keys.EVERYTHING), openssl


def test_everything_a_key_does(loaded: tuple[keys.AsymmetricKey, rsa.RSAPrivateKey]) -> None:
    key, openssl = loaded
    assert key.bits == openssl.key_size
    # The public key is worked out from the kernel's answers, and is the file's.
    assert key.public_key().public_numbers() == openssl.public_key().public_numbers()
    for number, (name, algorithm) in enumerate(HASHES.items()):
        message = MESSAGES[number % len(MESSAGES)]
        signature = key.sign(message, name)
        assert signature == openssl.sign(message, padding.PKCS1v15(), algorithm), (name, len(message))
        assert key.verify(message, signature, name)
        assert not key.verify(message + b"!", signature, name)
        assert not key.verify(message, signature[:-1] + bytes([signature[-1] ^ 1]), name)
    for name in ("sha256", "sha512"):
        if openssl.key_size < 8 * (2 * HASHES[name].digest_size + 2):
            with pytest.raises(PaddingError, match="too short"):
                key.sign(b"message", name, scheme="pss")
            continue
        signature = key.sign(b"message", name, scheme="pss")
        pad = padding.PSS(padding.MGF1(HASHES[name]), HASHES[name].digest_size)
        openssl.public_key().verify(signature, b"message", pad, HASHES[name])
        theirs = openssl.sign(b"message", pad, HASHES[name])
        assert key.verify(b"message", theirs, name, scheme="pss")
        assert not key.verify(b"another", theirs, name, scheme="pss")
        oaep = padding.OAEP(padding.MGF1(HASHES[name]), HASHES[name], b"label")
        room = openssl.key_size // 8 - 2 * HASHES[name].digest_size - 2
        if room > 0:
            message = b"m" * min(room, 60)
            assert (
                key.decrypt(openssl.public_key().encrypt(message, oaep), hash_name=name, label=b"label")
                == message
            )
            assert openssl.decrypt(key.encrypt(message, hash_name=name, label=b"label"), oaep) == message
            with pytest.raises(PaddingError, match="does not decrypt"):
                key.decrypt(openssl.public_key().encrypt(message, oaep), hash_name=name, label=b"other")
    cipher = openssl.public_key().encrypt(b"message", padding.PKCS1v15())
    assert key.decrypt(cipher, scheme="pkcs1") == b"message"


def test_a_key_of_cryptography(session: Kernel, private_key: rsa.RSAPrivateKey) -> None:
    openssl = private_key
    loaded = keys.AsymmetricKey(session.add_key("asymmetric", "k", pkcs8(openssl), SESSION), session)
    signer = keys.KernelRSAPrivateKey(loaded.under(keys.PADDED))
    assert signer.sign(b"m", padding.PKCS1v15(), hashes.SHA256()) == openssl.sign(
        b"m", padding.PKCS1v15(), hashes.SHA256()
    )
    digest = hashlib.sha384(b"m").digest()
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), padding.PSS.DIGEST_LENGTH)
    openssl.public_key().verify(
        signer.sign(digest, pss, utils.Prehashed(hashes.SHA384())),
        digest,
        pss,
        utils.Prehashed(hashes.SHA384()),
    )
    with pytest.raises(keys.KeyStaysInKernel):
        signer.private_numbers()
    with pytest.raises(keys.UseNotAllowed):
        loaded.sign(b"m", scheme="pss")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(signer, hashes.SHA256())
    assert request.is_signature_valid
    assert request.public_key() == openssl.public_key()


def test_signatures_of_certificates_in_the_kernel(session: Kernel, private_key: rsa.RSAPrivateKey) -> None:
    openssl = private_key
    der = certificate(openssl)
    key = keys.Keyring(service=session).add_certificate(der)
    assert key.protection is keys.Protection.PUBLIC
    found = x509.load_der_x509_certificate(der)
    assert key.verify(found.tbs_certificate_bytes, found.signature, "sha256")
    assert key.public_key() == found.public_key()
