"""RSA keys of KMS in a kernel: the fake one computes what the real one does, with the kernel's own errnos."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from coldframe.engines.keyring.fake import FakeKernel
from coldframe.server.kernel_private_keys import InTheKernel
from coldframe.services.kms.private_keys import CannotDecrypt, InProcess, digest_of, oaep, rsa_signature

MINE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DER = MINE.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
SIGNATURES = [f"RSASSA_{kind}_SHA_{bits}" for kind in ("PSS", "PKCS1_V1_5") for bits in (256, 384, 512)]


class Counted:
    """Gives the private key and counts how often it was asked for."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return DER


@pytest.fixture
def machine():
    return FakeKernel(clock=lambda: 0.0)


@pytest.mark.parametrize("algorithm", SIGNATURES)
def test_signatures_of_the_kernel_verify(machine, algorithm):
    keys, load = InTheKernel(machine.process()), Counted()
    for _ in range(2):
        digest = digest_of(algorithm, b"message")
        made = keys.sign("k", load, algorithm, digest)
        scheme, chosen = rsa_signature(algorithm)
        MINE.public_key().verify(made, digest, scheme, utils.Prehashed(chosen))
    assert load.times == 1, "the kernel has the key after its first use"
    if "PKCS1" in algorithm:
        assert made == InProcess().sign("k", load, algorithm, digest)


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_the_kernel_decrypts(machine, algorithm):
    keys, load = InTheKernel(machine.process()), Counted()
    sent = MINE.public_key().encrypt(b"secret", oaep(algorithm))
    assert keys.decrypt("k", load, algorithm, sent) == b"secret"
    for wrong in (sent[:-1] + bytes([sent[-1] ^ 1]), sent[:-1]):
        with pytest.raises(CannotDecrypt):
            keys.decrypt("k", load, algorithm, wrong)
    assert load.times == 1


def test_a_key_that_the_kernel_refuses_is_used_here():
    for refusing in (
        FakeKernel(clock=lambda: 0.0, private_keys=False),
        FakeKernel(clock=lambda: 0.0, most_keys=3),
    ):
        keys, load = InTheKernel(refusing.process()), Counted()
        digest = digest_of("RSASSA_PSS_SHA_256", b"message")
        made = keys.sign("k", load, "RSASSA_PSS_SHA_256", digest)
        scheme, _ = rsa_signature("RSASSA_PSS_SHA_256")
        MINE.public_key().verify(made, digest, scheme, utils.Prehashed(hashes.SHA256()))
        assert load.times == 2


def test_forgetting_and_closing_destroy(machine):
    keys, load = InTheKernel(machine.process()), Counted()
    digest = digest_of("RSASSA_PSS_SHA_256", b"message")
    for name in ("a", "b"):
        keys.sign(name, load, "RSASSA_PSS_SHA_256", digest)

    def held():
        return sorted(key.description for key in machine.keys.values() if key.kind == "asymmetric")

    assert held() == ["coldframe:a", "coldframe:b"]
    keys.forget("a")
    machine.collect()
    assert held() == ["coldframe:b"]
    keys.close()
    machine.collect()
    assert held() == []
