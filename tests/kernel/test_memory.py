"""No process of ours ever holds a part of the private key, in any form; what does hold it is found, so the search sees."""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.keys.lockdown import lock_down
from tests.kernel.memory_scan import Found, processes, scan

# A server that loads a key and works with it: pkcs1, pss, oaep, the public key, the signer. `convert` is the guard.
_SERVER = """
import gc, sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from coldframe import keys
from coldframe.keys.loading import in_child, loaded_here
from coldframe.keys.rings import start_session
kernel = keys.Kernel()
start_session(kernel)
convert = {"child": in_child, "here": loaded_here(kernel)}[sys.argv[2]]
key = keys.load(sys.argv[1], "k", keys.Keyring(service=kernel), convert=convert).key.under(keys.EVERYTHING)
kept = [key.public_key().public_numbers()]
for number in range(3):
    kept += [key.sign(b"message"), key.sign(b"message", scheme="pss")]
    assert key.decrypt(key.encrypt(b"message")) == b"message"
signer = keys.KernelRSAPrivateKey(key)
kept.append(signer.sign(b"message", padding.PKCS1v15(), hashes.SHA256()))
gc.collect()
print("works", flush=True)
sys.stdin.read()
"""
# A program that holds the key as OpenSSL, as Python and as a file does.
_OPENSSL = """
import sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
content = open(sys.argv[1], "rb").read()
key = load_pem_private_key(content, None, unsafe_skip_rsa_key_validation=True)
numbers = key.private_numbers()
kept = [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]
print("works", flush=True)
sys.stdin.read()
"""


def scanned(program: str, key: rsa.RSAPrivateKey, *words: str) -> tuple[Found, list[Found]]:
    """Run a program until it works with the key, and search it, and every other process but this one."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stdin is not None
        assert running.stdout.readline() == "works\n"
        found = scan(running.pid, key)
        others = [scan(pid, key) for pid in processes() if pid != running.pid]
        running.stdin.close()
    return found, others


@pytest.fixture(scope="module")
def secret(private_key: rsa.RSAPrivateKey) -> rsa.RSAPrivateKey:
    return private_key


def test_a_server_with_its_key_in_the_kernel_holds_nothing_of_it(
    key_file: Path, secret: rsa.RSAPrivateKey
) -> None:
    found, others = scanned(_SERVER, secret, str(key_file), "child")
    assert found.private == []
    assert found.public > 0  # the control: the search does see what this process holds
    assert found.megabytes > 5
    assert [name for other in others for name in other.private] == []


def test_a_key_that_is_converted_in_the_server_is_found(key_file: Path, secret: rsa.RSAPrivateKey) -> None:
    """The mutant: without the process of its own the same server leaks, and the search says so."""
    found, _ = scanned(_SERVER, secret, str(key_file), "here")
    assert found.private != []


def test_a_program_that_holds_the_key_is_found_in_every_form(
    key_file: Path, secret: rsa.RSAPrivateKey
) -> None:
    found, _ = scanned(_OPENSSL, secret, str(key_file))
    for part in ("d", "p", "q", "dP", "dQ", "qInv"):
        assert f"{part} Python's digits" in found.private, found
    for part in ("d", "p", "q"):
        assert f"{part} little-endian" in found.private, found
    assert any("base64" in name for name in found.private), found


def test_the_process_that_converts_cannot_be_dumped() -> None:
    """It is not dumpable, leaves no core, and its memory never goes to a swap."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        lock_down()
        locked = Path("/proc/self/status").read_text(encoding="utf-8").split("VmLck:")[1].split()[0]
        dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
        os.write(writing, f"{dumpable} {resource.getrlimit(resource.RLIMIT_CORE)} {locked}".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        dumpable, limits, locked = answer.read().replace(", ", ",").split()
    os.waitpid(pid, 0)
    assert (dumpable, limits) == ("0", "(0,0)")
    assert int(locked) > 1000  # kilobytes
