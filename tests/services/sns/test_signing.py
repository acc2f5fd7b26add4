"""The pair with which envelopes are signed: kept, and made anew where it is of no use any more."""

import logging
import os
from datetime import UTC, datetime

import pytest

from coldframe.core.seal import InMemory, Seal, SealBroken
from coldframe.services.sns.signing import Signer

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def seal():
    return Seal(InMemory(bytes(32)))


def test_a_pair_is_kept(tmp_path, seal, caplog):
    first = Signer(tmp_path, seal, NOW)
    again = Signer(tmp_path, seal, NOW)
    assert (first.path, first.certificate) == (again.path, again.certificate)
    assert first.sign(b"text", "2") == again.sign(b"text", "2")
    assert caplog.records == []


@pytest.mark.parametrize("name", ["signing.key", "signing.pem"])
@pytest.mark.parametrize("size", [0, 700])
def test_an_empty_or_torn_file_is_made_anew_and_said_so(tmp_path, seal, caplog, name, size):
    first = Signer(tmp_path, seal, NOW)
    os.truncate(tmp_path / name, size)
    again = Signer(tmp_path, seal, NOW)
    assert again.path != first.path
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    assert str(tmp_path / "signing.key") in said.getMessage()
    caplog.clear()
    assert Signer(tmp_path, seal, NOW).path == again.path
    assert caplog.records == []


def test_a_key_beside_the_certificate_of_another_is_made_anew(tmp_path, seal):
    first = Signer(tmp_path / "one", seal, NOW)
    other = Signer(tmp_path / "two", seal, NOW)
    (tmp_path / "one/signing.pem").write_bytes(other.certificate)
    assert Signer(tmp_path / "one", seal, NOW).path not in {first.path, other.path}


def test_nothing_is_made_while_the_master_key_is_lost(tmp_path, seal):
    Signer(tmp_path, seal, NOW)
    kept = (tmp_path / "signing.key").read_bytes()

    class Lost:
        def derive(self, purpose):
            raise SealBroken("the kernel no longer has the master key")

    with pytest.raises(SealBroken, match="no longer has"):
        Signer(tmp_path, Seal(Lost()), NOW)
    assert (tmp_path / "signing.key").read_bytes() == kept
