"""A private key as ssh-add sends it, turned into an OpenSSH key file; runs only in the process that loads keys."""

import base64
from typing import NamedTuple

from coldframe.keys.agent import constraints
from coldframe.keys.errors import NotAPrivateKey
from coldframe.keys.wire import WireError, string, take

_CERTIFICATE = b"-cert-v01@openssh.com"
# How many strings follow the key's type, before the comment: all of a plain key, or what a certificate leaves out.
_FIELDS = {
    b"ssh-rsa": 6,
    b"ssh-ed25519": 2,
    b"ecdsa-sha2-nistp256": 3,
    b"ecdsa-sha2-nistp384": 3,
    b"ecdsa-sha2-nistp521": 3,
}
_FIELDS_BESIDE_CERTIFICATE = {b"ssh-rsa": 4, b"ssh-ed25519": 2}


class Received(NamedTuple):
    """A key file, the certificate that came with the key (or nothing), and the constraints as they were sent."""

    file: bytearray
    certificate: bytes
    constraints: bytes


def received(message: bytes | bytearray) -> Received:
    """Take a message ADD_IDENTITY (without its number) apart; raises NotAPrivateKey, which repeats nothing of it."""
    try:
        return _received(bytes(message))
    except WireError as error:
        raise NotAPrivateKey(f"the message of ssh-add is damaged: {error}") from None


def _received(message: bytes) -> Received:
    kind, at = take(message, 0)
    certificate = b""
    if kind.endswith(_CERTIFICATE):
        kind = kind.removesuffix(_CERTIFICATE)
        certificate, at = take(message, at)
    if kind not in _FIELDS:
        raise NotAPrivateKey(
            "this agent takes RSA, Ed25519 and ECDSA keys; keys on a security token stay on the token, and DSA is broken"
        )
    wanted = _FIELDS_BESIDE_CERTIFICATE.get(kind, 1) if certificate else _FIELDS[kind]
    fields = []
    for _ in range(wanted):
        value, at = take(message, at)
        fields.append(value)
    comment, at = take(message, at)
    if certificate:
        fields = _whole(kind, certificate, fields)
    return Received(_file(kind, fields, comment), certificate, message[at:])


def _whole(kind: bytes, certificate: bytes, beside: list[bytes]) -> list[bytes]:
    """Return all fields of a private key whose public ones stand in its certificate, behind type and nonce."""
    _, at = take(certificate, 0)
    _, at = take(certificate, at)
    if kind == b"ssh-ed25519":
        return beside
    first, at = take(certificate, at)
    second, at = take(certificate, at)
    if kind == b"ssh-rsa":
        return [second, first, *beside]
    return [first, second, *beside]


def _file(kind: bytes, fields: list[bytes], comment: bytes) -> bytearray:
    if kind == b"ssh-rsa":
        public = [fields[1], fields[0]]
    elif kind == b"ssh-ed25519":
        public = fields[:1]
    else:
        public = fields[:2]
    blob = string(kind) + b"".join(map(string, public))
    check = b"cold" * 2
    inner = check + string(kind) + b"".join(map(string, fields)) + string(comment)
    inner += bytes(range(1, 1 + (-len(inner)) % 8))
    none = string(b"none") + string(b"none") + string(b"")
    whole = b"openssh-key-v1\0" + none + (1).to_bytes(4, "big") + string(blob) + string(inner)
    text = base64.b64encode(whole)
    lines = b"\n".join(text[at : at + 70] for at in range(0, len(text), 70))
    return bytearray(
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + lines + b"\n-----END OPENSSH PRIVATE KEY-----\n"
    )


def lifetime(content: bytes) -> int:
    """Return the lifetime in seconds among constraints; raises NotAPrivateKey when they cannot be read or kept."""
    try:
        return constraints.read(content).lifetime
    except WireError as error:
        raise NotAPrivateKey(f"the constraints of the key cannot be kept: {error}") from None
