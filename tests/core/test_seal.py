"""The seal's derived keys are HKDF's, wherever the master key lives; and the master key under a passphrase."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from coldframe.core.seal import Seal, SealBroken
from coldframe.core.sealed_master import NAME, open_master, read_sealed, seal_master, write_sealed

MASTER = bytes(range(32))


@pytest.mark.parametrize("purpose", ["", "a", "log-store", "ü" * 50])
def test_a_purposes_key_is_that_of_hkdf(purpose):
    wanted = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(MASTER)
    assert Seal(MASTER).key(purpose) == wanted


def test_what_is_sealed_opens_at_its_place_alone():
    seal = Seal(MASTER)
    sealed = seal.seal("purpose", "place", b"secret")
    assert seal.open("purpose", "place", sealed) == b"secret"
    for broken in (
        lambda: seal.open("other", "place", sealed),
        lambda: seal.open("purpose", "elsewhere", sealed),
        lambda: seal.open("purpose", "place", sealed[:-1]),
        lambda: Seal(bytes(32)).open("purpose", "place", sealed),
    ):
        with pytest.raises(SealBroken):
            broken()


def test_a_passphrase_opens_the_master_key(tmp_path):
    path = tmp_path / NAME
    assert read_sealed(path) is None
    write_sealed(path, seal_master(MASTER, b"correct horse"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert MASTER not in path.read_bytes()
    held = read_sealed(path)
    assert open_master(held, b"correct horse") == MASTER
    with pytest.raises(SealBroken, match="passphrase"):
        open_master(held, b"incorrect horse")
    path.write_bytes(b"{}")
    with pytest.raises(SealBroken, match="damaged"):
        read_sealed(path)
