"""What the doctor says of Debian's kernels is so: it is compared with what is known of them."""

import errno
import hashlib
import hmac
import os
import socket

import pytest

from coldframe.engines.keyring import SESSION, Kernel
from coldframe.engines.keyring.features import HASHES, detect
from coldframe.keys import doctor

OLD = os.uname().release.startswith("6.1.")


def test_what_these_kernels_can_do(session: Kernel) -> None:
    before = len(session.entries())
    found = detect(session)
    assert found.refusal == ""
    assert found.private_keys
    assert found.raw
    assert found.hashes == set(HASHES)
    assert found.af_alg
    assert found.af_alg_keys is not OLD
    assert doctor.rung(found) == ("stored" if OLD else "used")
    assert len(session.entries()) <= before + 1  # the process's keyring; the trial keys are gone


def test_the_doctor_finds_nothing_broken(session: Kernel) -> None:
    findings = {finding.title: finding for finding in doctor.examine(session)}
    assert all(finding.state != doctor.BROKEN for finding in findings.values())
    assert findings["session keyring"].state == doctor.OK
    assert findings["user keyring"].state == doctor.OK
    assert findings["AF_ALG"].state == (doctor.WARNING if OLD else doctor.OK)


def test_the_doctor_sees_that_the_users_keyring_is_out_of_reach(kernel: Kernel) -> None:
    findings = {finding.title: finding for finding in doctor.examine(kernel)}
    assert findings["user keyring"].state == doctor.WARNING
    assert "keyctl link @u @s" in findings["user keyring"].remedy


def test_a_logon_key_makes_an_hmac_that_nobody_could_read(session: Kernel) -> None:
    serial = session.add_key("logon", "coldframe:hmac", b"a secret", SESSION)
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as algorithm:
        algorithm.bind(("hash", "hmac(sha256)"))
        if OLD:
            with pytest.raises(OSError, match=os.strerror(errno.ENOPROTOOPT)):
                algorithm.setsockopt(socket.SOL_ALG, 7, serial)
            return
        algorithm.setsockopt(socket.SOL_ALG, 7, serial)
        operation, _ = algorithm.accept()
        with operation:
            operation.sendall(b"message")
            assert operation.recv(32) == hmac.digest(b"a secret", b"message", hashlib.sha256)
