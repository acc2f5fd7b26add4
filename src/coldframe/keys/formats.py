"""Private keys as files hold them (PKCS#8, PKCS#1, OpenSSH; PEM or DER; encrypted or not), turned into the kernel's PKCS#8.

This runs only in the child process of `conversion`; an error says what is wrong and never repeats a byte of the file.
"""

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from coldframe.keys.errors import NotAPrivateKey, OnlyRsa, PassphraseNeeded, WrongPassphrase
from coldframe.keys.wire import WireError, take


class PrivateKey(NamedTuple):
    """What the kernel takes, and what everybody may know; `encrypted` is whether the file is."""

    pkcs8: bytearray
    algorithm: str
    bits: int
    public: str
    comment: str
    encrypted: bool


# Sizes that the kernel's RSA takes (crypto/rsa.c); OpenSSL makes others, such as 2047.
_SIZES = (1024, 1536, 2048, 3072, 4096)
_MAGIC = b"openssh-key-v1\0"
# How many strings of OpenSSH's format stand between a key's type and its comment.
_NUMBERS = {b"ssh-rsa": 6, b"ssh-ed25519": 2, b"ecdsa": 3}
_LARGEST_FILE = 256 * 1024


def read_private_key(
    content: bytes | bytearray, passphrase: bytes | None, *, rsa_only: bool = True
) -> PrivateKey:
    """Turn the content of a key file into PKCS#8 in DER; raises a KeyFileError."""
    _recognise(content)
    data = bytes(content)
    key, encrypted = _opened(data, passphrase)
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm, bits = "RSA", key.key_size
        if bits not in _SIZES:
            raise OnlyRsa(
                f"an RSA key of {bits} bits is none that the kernel takes: {', '.join(map(str, _SIZES))} bits"
            )
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm, bits = f"ECDSA ({key.curve.name})", key.key_size
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        algorithm, bits = "Ed25519", 256
    else:
        raise OnlyRsa("this is neither an RSA, an ECDSA nor an Ed25519 key")
    if rsa_only and algorithm != "RSA":
        raise OnlyRsa(
            f"this is an {algorithm} key, and Linux uses private keys of RSA only. Make one: "
            "ssh-keygen -t rsa -b 4096; or load this one into the agent (coldframe keys agent), which stores it in the "
            "kernel and uses it in a process of its own"
        )
    pkcs8 = bytearray(
        key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return PrivateKey(pkcs8, algorithm, bits, public.decode(), _comment(data), encrypted)


def _recognise(content: bytes | bytearray) -> None:
    if not content:
        raise NotAPrivateKey("the file is empty")
    if len(content) > _LARGEST_FILE:
        raise NotAPrivateKey("the file is too long to be a private key")
    if content.startswith((b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-")) or b"BEGIN PUBLIC KEY" in content:
        raise NotAPrivateKey("this is a public key; give the file of the private key (without .pub)")
    if b"BEGIN CERTIFICATE" in content:
        raise NotAPrivateKey(
            "this is a certificate; its public key goes in with: coldframe keys add --certificate"
        )
    if content.startswith(b"PuTTY-User-Key-File"):
        raise NotAPrivateKey("this is a PuTTY key; convert it: puttygen FILE -O private-openssh -o NEW")


def _opened(data: bytes, passphrase: bytes | None) -> tuple[object, bool]:
    """Return the key, and whether it was encrypted."""
    load = serialization.load_pem_private_key if b"-----BEGIN" in data else serialization.load_der_private_key
    if b"BEGIN OPENSSH PRIVATE KEY" in data:
        if b"ssh-rsa-keyring" in _body(data):
            raise NotAPrivateKey(
                "this is a pseudo-private-key file: the key it names is in the kernel already, or nowhere"
            )
        load = serialization.load_ssh_private_key
    try:
        return load(data, None), False
    except TypeError:
        if passphrase is None:
            raise PassphraseNeeded("the key is encrypted and needs its passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise NotAPrivateKey(
            "this is no private key in PKCS#8, PKCS#1 or OpenSSH format, in PEM or DER, or it is damaged"
        ) from None
    try:
        return load(data, passphrase), True
    except (ValueError, UnsupportedAlgorithm):
        raise WrongPassphrase("the passphrase is wrong, or the file is damaged") from None


def _body(pem: bytes) -> bytes:
    lines = [line for line in pem.splitlines() if line and not line.startswith(b"-")]
    try:
        return base64.b64decode(b"".join(lines))
    except binascii.Error:
        return b""


def _comment(data: bytes) -> str:
    """Return the comment of an OpenSSH key that is not encrypted; others have none that can be seen."""
    if b"BEGIN OPENSSH PRIVATE KEY" not in data:
        return ""
    body = _body(data)
    at = len(_MAGIC)
    try:
        cipher, at = take(body, at)
        _, at = take(body, at)
        _, at = take(body, at)
        _, at = take(body, at + 4)
        private, _ = take(body, at)
        if cipher != b"none":
            return ""
        kind, at = take(private, 8)
        # The numbers of the key, which are passed over, stand before the comment.
        for _ in range(_NUMBERS.get(kind.partition(b"-sha2-")[0], 0)):
            _, at = take(private, at)
        comment, _ = take(private, at)
    except WireError:
        return ""
    return comment.decode("utf-8", "replace") if kind.partition(b"-sha2-")[0] in _NUMBERS else ""
