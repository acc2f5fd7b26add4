"""The server's own secrets in a real kernel: each rung of the master key, and RSA keys of KMS used there."""

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from coldframe.core.config import Settings
from coldframe.core.seal import Seal, SealBroken
from coldframe.core.sealed_master import NAME, seal_master, write_sealed
from coldframe.engines.keyring import Kernel, KeyringError
from coldframe.server.kernel_private_keys import InTheKernel, private_keys
from coldframe.server.master_key import open_master_key, rung_of
from coldframe.services.kms.private_keys import CannotDecrypt, InProcess, digest_of, oaep, rsa_signature

MASTER = bytes(range(1, 33))
# Keys by their serial came to AF_ALG with Linux 6.2.
RUNG = "logon" if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 2) else "user"


class TestInTheMachine:
    """These run in the machine that is started for tests/kernel, and only there."""

    __test__ = os.environ.get("COLDFRAME_KERNEL_MACHINE") == "1"

    def test_the_master_key_is_on_its_rung(self, tmp_path):
        Kernel().join_session()
        assert rung_of() == RUNG
        (tmp_path / "master.key").write_bytes(MASTER)
        (tmp_path / "master.key").chmod(0o600)
        with ExitStack() as stack:
            held = open_master_key(Settings(data_dir=tmp_path), stack)
            assert held.rung == RUNG
            for purpose in ("x", "log-store", "u" * 300):
                assert Seal(held.master).key(purpose) == Seal(MASTER).key(purpose)
            if RUNG == "logon":
                with pytest.raises(KeyringError):
                    Kernel().read(held.serial)
            found = []
            thread = threading.Thread(target=lambda: found.append(held.master.derive("thread")))
            thread.start()
            thread.join()
            assert found == [Seal(MASTER).key("thread")]
        with pytest.raises(SealBroken):
            held.master.derive("after the server has ended")

    def test_a_sealed_master_key_is_asked_for_once(self, tmp_path):
        Kernel().join_session()
        write_sealed(tmp_path / NAME, seal_master(MASTER, b"open sesame"))
        asked = []

        def ask(folder):
            asked.append(folder)
            return b"open sesame"

        for _ in range(2):
            with ExitStack() as stack:
                held = open_master_key(Settings(data_dir=tmp_path), stack, ask=ask)
                assert held.rung == RUNG
                assert Seal(held.master).key("x") == Seal(MASTER).key("x")
        assert len(asked) == 1

    def test_the_kernel_signs_and_decrypts_for_kms(self):
        path = next(Path(os.environ["COLDFRAME_KERNEL_KEYS"]).glob("rsa2048*"))
        mine = load_pem_private_key(path.read_bytes(), None)
        der = mine.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        keys, loaded = private_keys(), []
        assert isinstance(keys, InTheKernel)

        def load():
            loaded.append(1)
            return der

        for algorithm in ("RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_384"):
            digest = digest_of(algorithm, b"message")
            made = keys.sign("k", load, algorithm, digest)
            scheme, chosen = rsa_signature(algorithm)
            mine.public_key().verify(made, digest, scheme, utils.Prehashed(chosen))
        assert made == InProcess().sign("k", lambda: der, algorithm, digest)
        for algorithm in ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"):
            sent = mine.public_key().encrypt(b"secret", oaep(algorithm))
            assert keys.decrypt("k", load, algorithm, sent) == b"secret"
            with pytest.raises(CannotDecrypt):
                keys.decrypt("k", load, algorithm, sent[:-1] + bytes([sent[-1] ^ 1]))
        assert loaded == [1], "all of it was done by the kernel"
        keys.close()
