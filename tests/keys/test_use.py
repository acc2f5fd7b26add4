"""Keys in use: schemes, policies, the public key, the tree, and the doctor's findings, on a fake kernel."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from coldframe import keys
from coldframe.engines.keyring import SESSION, USER
from coldframe.engines.keyring.fake import FakeKernel, FakeProcess
from coldframe.keys import doctor, tree
from coldframe.keys.loading import Converter


@pytest.fixture
def key(key_files: dict[str, Path], ring: keys.Keyring, convert: Converter) -> keys.AsymmetricKey:
    return keys.load(key_files["pkcs8"], "myssh", ring, convert=convert).key


@pytest.mark.parametrize("name", ["sha224", "sha256", "sha512", "sha3_256", "sha3_384"])
def test_pkcs1(key: keys.AsymmetricKey, secret: rsa.RSAPrivateKey, name: str) -> None:
    """SHA-3 the fake does not know, as a kernel without the module: the DigestInfo is made here then."""
    algorithm = getattr(hashes, name.upper())()
    assert key.sign(b"message", name) == secret.sign(b"message", padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize("salt", [0, 20, 32, 222])
def test_pss(key: keys.AsymmetricKey, secret: rsa.RSAPrivateKey, salt: int) -> None:
    pad = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    ours = key.under(keys.PADDED).sign(b"message", scheme="pss", salt=salt)
    secret.public_key().verify(ours, b"message", pad, hashes.SHA256())
    theirs = secret.sign(b"message", pad, hashes.SHA256())
    assert key.verify(b"message", theirs, scheme="pss")
    assert key.verify(b"message", theirs, scheme="pss", salt=salt)
    assert not key.verify(b"message", theirs, scheme="pss", salt=salt + 1)
    assert not key.verify(b"another", theirs, scheme="pss")
    with pytest.raises(keys.PaddingError, match="too short"):
        key.under(keys.PADDED).sign(b"message", scheme="pss", salt=223)


def test_what_does_not_verify(key: keys.AsymmetricKey) -> None:
    signature = key.sign(b"message")
    for wrong in (b"", b"x", signature[:-1], signature + b"x", bytes(256), b"\xff" * 256):
        assert not key.verify(b"message", wrong)
        assert not key.verify(b"message", wrong, scheme="pss")


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 100])
def test_oaep(key: keys.AsymmetricKey, secret: rsa.RSAPrivateKey, name: str, size: int) -> None:
    algorithm = getattr(hashes, name.upper())()
    pad = padding.OAEP(padding.MGF1(algorithm), algorithm, b"label")
    free = key.under(keys.EVERYTHING)
    cipher = secret.public_key().encrypt(b"m" * size, pad)
    assert free.decrypt(cipher, hash_name=name, label=b"label") == b"m" * size
    assert secret.decrypt(key.encrypt(b"m" * size, hash_name=name, label=b"label"), pad) == b"m" * size
    for broken in (cipher[:-1] + bytes([cipher[-1] ^ 1]), bytes(255) + b"\1"):
        with pytest.raises(keys.PaddingError, match="does not decrypt"):
            free.decrypt(broken, hash_name=name, label=b"label")
    with pytest.raises(keys.PaddingError, match="at most"):
        key.encrypt(b"m" * 256, hash_name=name)
    with pytest.raises(keys.PaddingError, match="has 256 bytes"):
        free.decrypt(b"short")


def test_policies(key: keys.AsymmetricKey) -> None:
    """The bare operation, and what stands on it, must be asked for."""
    block = bytes(255) + b"\2"
    for call, use in (
        (lambda: key.sign(b"m", scheme="pss"), keys.Use.PSS_SIGNATURE),
        (lambda: key.decrypt(bytes(256)), keys.Use.OAEP_DECRYPTION),
        (lambda: key.raw(block), keys.Use.RAW),
        (lambda: key.sign(b"m", "sha1"), keys.Use.PKCS1_SIGNATURE),
        (lambda: key.under(keys.PADDED).raw(block), keys.Use.RAW),
        (lambda: key.under(keys.Policy(frozenset())).sign(b"m"), keys.Use.PKCS1_SIGNATURE),
    ):
        with pytest.raises(keys.UseNotAllowed) as caught:
            call()
        assert caught.value.use is use
        assert use.name in str(caught.value)
    assert len(key.under(keys.EVERYTHING).raw(block)) == 256


def test_words_that_name_no_scheme_or_hash(key: keys.AsymmetricKey) -> None:
    for call in (
        lambda: key.sign(b"m", "md5"),
        lambda: key.sign(b"m", scheme="pkcs7"),
        lambda: key.verify(b"m", bytes(256), scheme="pkcs7"),
        lambda: key.encrypt(b"m", scheme="none"),
        lambda: key.decrypt(bytes(256), scheme="none"),
        lambda: key.sign_digest(b"short", "sha256"),
    ):
        with pytest.raises(keys.PaddingError):
            call()


@pytest.mark.parametrize("exponent", [3, 65537])
@pytest.mark.parametrize("bits", [1024, 2048])
def test_the_public_key_is_worked_out(ring: keys.Keyring, bits: int, exponent: int) -> None:
    from tests.engines.keyring.contract import pkcs8

    secret = rsa.generate_private_key(exponent, bits)
    serial = ring.service.add_key("asymmetric", "k", pkcs8(secret), SESSION)
    assert keys.AsymmetricKey(serial, ring.service).public_key() == secret.public_key()


def test_names_of_keyrings(kernel: FakeProcess) -> None:
    ring = keys.named("@s", kernel).add_keyring("mine")
    assert keys.named("%:mine", kernel).serial == ring.serial
    assert keys.named(str(ring.serial), kernel).serial == ring.serial
    assert keys.named("@u", kernel).number == USER
    for word in ("", "@x", "mine", "-3", "0", "٣"):
        with pytest.raises(keys.KeyringNameUnknown, match="names no keyring"):
            keys.named(word, kernel)
    with pytest.raises(keys.KeyringError):
        keys.named("%:absent", kernel)


def test_a_key_in_the_users_keyring_that_is_not_linked_is_said_to_be_out_of_reach(
    machine: FakeKernel,
) -> None:
    process = machine.process()
    process.join_session()
    key = keys.Keyring(USER, process).add_secret("mine", b"1")
    with pytest.raises(keys.KeyringError, match="keyctl link @u @s"):
        keys.found("mine", "user", process)
    process.link(USER, SESSION)
    assert keys.found("mine", "user", process) == key.serial
    with pytest.raises(keys.KeyringError, match="there is no such key"):
        keys.found("absent", "user", process)


def test_the_tree_says_how_each_key_is_kept(
    key: keys.AsymmetricKey, ring: keys.Keyring, moments, secret: rsa.RSAPrivateKey
) -> None:
    from tests.engines.keyring.contract import certificate

    inner = ring.add_keyring("inner")
    inner.add_secret("word:hidden", b"x", readable=False)
    inner.add_secret("readable", b"x").expire_in(90)
    ring.add_certificate(certificate(secret), "certificate")
    ring.add_secret("dead", b"x").revoke()
    nodes = {node.description or node.problem: node for node in tree.walk(ring)}
    assert nodes["_ses"].depth == 0
    assert nodes["myssh"][1] == 1
    assert (nodes["myssh"].protection, nodes["myssh"].bits) == (keys.Protection.KERNEL_OPERATION, 2048)
    assert nodes["word:hidden"].protection is keys.Protection.KERNEL_OPERATION
    assert nodes["word:hidden"].depth == 2
    assert nodes["readable"].protection is keys.Protection.KERNEL_STORED
    assert nodes["readable"].expires == "90s"
    assert nodes["certificate"].protection is keys.Protection.PUBLIC
    assert nodes["revoked"].serial > 0
    assert nodes["myssh"].permissions.startswith("--als--v")


class TestDoctor:
    def test_all_is_well(self, kernel: FakeProcess) -> None:
        findings = {finding.title: finding for finding in doctor.examine(kernel)}
        assert findings["private keys"].state == doctor.OK
        assert findings["hashes"].state == doctor.OK
        assert findings["session keyring"].state == doctor.OK
        assert all(finding.remedy for finding in findings.values() if finding.state != doctor.OK)

    def test_without_the_parser(self, machine: FakeKernel) -> None:
        machine.private_keys = False
        findings = {finding.title: finding for finding in doctor.examine(machine.process())}
        assert findings["private keys"].state == doctor.BROKEN
        assert "modprobe pkcs8_key_parser" in findings["private keys"].remedy

    def test_without_a_session(self, machine: FakeKernel) -> None:
        process = machine.process()
        del process.held[SESSION]
        finding = next(found for found in doctor.examine(process) if found.title == "session keyring")
        assert finding.state == doctor.WARNING
        assert "coldframe keys session" in finding.remedy

    def test_with_the_users_keyring_out_of_reach(self, machine: FakeKernel) -> None:
        process = machine.process()
        process.join_session()
        finding = next(found for found in doctor.examine(process) if found.title == "user keyring")
        assert "keyctl link @u @s" in finding.remedy

    def test_with_a_quota_that_is_nearly_used_up(self, machine: FakeKernel) -> None:
        process = machine.process()
        for number in range(190):
            process.add_key("user", f"k{number}", b"x", SESSION)
        finding = next(found for found in doctor.examine(process) if found.title == "quota of keys")
        assert finding.state == doctor.WARNING
        assert "maxkeys=2000" in finding.remedy

    def test_in_a_sandbox(self, machine: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> None:
        import errno

        from coldframe.engines.keyring.errors import refused

        process = machine.process()

        def forbidden(*_words, **_options):
            raise refused(errno.EPERM, "keyring_id")

        monkeypatch.setattr(process, "keyring_id", forbidden)
        (finding,) = doctor.examine(process)
        assert finding.state == doctor.BROKEN
        assert finding.remedy
