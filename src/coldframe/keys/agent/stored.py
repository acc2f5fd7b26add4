"""A signature by a key that the kernel only keeps: made by a process that reads the key, signs once, and ends.

`python -m coldframe.keys.agent.stored` takes one line of JSON on its input and answers in one on its output.
"""

import os
import sys
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import load_der_private_key

from coldframe.core import process
from coldframe.engines.keyring import Kernel, KeyringError, KeyService
from coldframe.engines.keyring.errors import refused
from coldframe.keys.lockdown import lock_down
from coldframe.keys.wire import string

_CURVES = {
    "secp256r1": (b"nistp256", SHA256),
    "secp384r1": (b"nistp384", SHA384),
    "secp521r1": (b"nistp521", SHA512),
}


class Request(msgspec.Struct, frozen=True):
    """Which key signs what."""

    serial: int
    data: bytes


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The signature in SSH's format, or what the kernel refused."""

    signature: bytes = b""
    errno: int = 0
    operation: str = ""


# Signs by a serial and the data; raises a KeyringError.
Signer = Callable[[int, bytes], bytes]


class SigningFailed(Exception):
    """The process that signs ended without an answer."""


def in_child(serial: int, data: bytes) -> bytes:
    """Have a process of its own sign; raises a KeyringError or SigningFailed."""
    command = [sys.executable, "-I", "-m", "coldframe.keys.agent.stored"]
    done = process.converse(command, said=msgspec.json.encode(Request(serial, data)), environment={})
    try:
        answer = msgspec.json.decode(done.stdout, type=Answer)
    except msgspec.DecodeError as error:
        raise SigningFailed(f"the process that signs ended with {done.returncode}") from error
    if answer.errno:
        raise refused(answer.errno, answer.operation)
    return answer.signature


def sign(service: KeyService, serial: int, data: bytes) -> bytes:
    """Read a key from the kernel and sign with it; for the process that ends afterwards, and for tests with a fake."""
    key = load_der_private_key(service.read(serial), None)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return string(b"ssh-ed25519") + string(key.sign(data))
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("only Ed25519 and ECDSA keys are stored")
    name, algorithm = _CURVES[key.curve.name]
    first, second = decode_dss_signature(key.sign(data, ec.ECDSA(algorithm())))
    return string(b"ecdsa-sha2-" + name) + string(_mpint(first) + _mpint(second))


def _mpint(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def main() -> int:
    """Serve one request."""
    lock_down()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        answer = Answer(sign(Kernel(), request.serial, request.data))
    except KeyringError as error:
        answer = Answer(errno=error.errno, operation=error.operation)
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    code = main()
    # No cleaning up: whatever a library left in memory goes with the process, now.
    os._exit(code)
