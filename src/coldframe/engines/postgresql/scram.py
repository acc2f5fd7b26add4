"""SCRAM-SHA-256 from both sides: verifiers, a server's exchange that learns the client's key, a client's with that key.

A verifier proves a client without being enough to sign in as it. The proof of a client that signs in reveals its key
to who holds the verifier, and with this key an endpoint signs the same client in again at another database that has
the same verifier. The password itself is never seen.
"""

import base64
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from typing import NamedTuple

ITERATIONS = 4096
MECHANISM = b"SCRAM-SHA-256"
# The same, bound to the TLS connection by the server's certificate.
BOUND = b"SCRAM-SHA-256-PLUS"
_BINDING = b"p=tls-server-end-point"
_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


class SignInFailed(Exception):
    """The other side did not prove what it had to."""


class Verifier(NamedTuple):
    """What a database keeps of a password."""

    iterations: int
    salt: bytes
    stored: bytes
    server: bytes

    def __repr__(self) -> str:
        return "Verifier()"


def verifier(password: str) -> str:
    """Return what a database keeps of a new password, as its catalog has it."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), salt, ITERATIONS)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    return f"SCRAM-SHA-256${ITERATIONS}:{_b64(salt)}${_b64(stored)}:{_b64(_hmac(salted, b'Server Key'))}"


def parse(stored: str) -> Verifier | None:
    """Return the verifier in a catalog's text; None when it is not of this kind."""
    match = _VERIFIER.fullmatch(stored)
    if match is None:
        return None
    return Verifier(int(match[1]), *(base64.b64decode(match[part]) for part in (2, 3, 4)))


def nobody(user: str, secret: bytes) -> Verifier:
    """Return a verifier that nobody matches, always the same for a name, so that names cannot be told by it."""
    seed = hmac.digest(secret, user.encode(), "sha256")
    return Verifier(ITERATIONS, seed[:16], secrets.token_bytes(32), secrets.token_bytes(32))


def client_key(password: str, known: Verifier) -> bytes:
    """Return the key of who knows the password."""
    return _hmac(
        hashlib.pbkdf2_hmac("sha256", _prepared(password), known.salt, known.iterations), b"Client Key"
    )


class Server:
    """The server's side of one exchange; `end_point` is what binds it to the TLS connection, where that was offered."""

    def __init__(self, known: Verifier, end_point: bytes | None = None) -> None:
        self._known = known
        self._end_point = end_point
        self._binding = b""
        self._messages: list[bytes] = []
        self._nonce = b""

    def first(self, message: bytes, mechanism: bytes = MECHANISM) -> bytes:
        """Answer the client's first message of the mechanism that it chose; raises SignInFailed when it is none."""
        header, comma, rest = message.partition(b",")
        bound = mechanism == BOUND
        if header != _BINDING if bound else header not in {b"n", b"y"}:
            raise SignInFailed("malformed SCRAM message")
        if header == b"y" and self._end_point is not None:
            # It was told by somebody on the way that no binding is offered.
            raise SignInFailed("SCRAM channel binding negotiation error")
        identity, _, bare = rest.partition(b",")
        attributes = _attributes(bare)
        if "r" not in attributes:
            raise SignInFailed("malformed SCRAM message")
        data = self._end_point if bound and self._end_point is not None else b""
        self._binding = base64.b64encode(header + comma + identity + comma + data)
        self._nonce = attributes["r"] + _b64(secrets.token_bytes(18)).encode()
        answer = b"r=%s,s=%s,i=%d" % (self._nonce, _b64(self._known.salt).encode(), self._known.iterations)
        self._messages = [bare, answer]
        return answer

    def final(self, message: bytes) -> tuple[bytes, bytes]:
        """Check the client's proof; return the answer and the client's key. Raises SignInFailed."""
        bare, _, proof = message.rpartition(b",p=")
        attributes = _attributes(bare)
        if attributes.get("r") != self._nonce or attributes.get("c") != self._binding:
            raise SignInFailed("malformed SCRAM message")
        signed = b",".join([*self._messages, bare])
        try:
            given = base64.b64decode(proof, validate=True)
        except ValueError as error:
            raise SignInFailed("malformed SCRAM message") from error
        if len(given) != 32:
            raise SignInFailed("malformed SCRAM message")
        key = _xor(given, _hmac(self._known.stored, signed))
        if not hmac.compare_digest(hashlib.sha256(key).digest(), self._known.stored):
            raise SignInFailed("password authentication failed")
        return b"v=" + _b64(_hmac(self._known.server, signed)).encode(), key


class Client:
    """The client's side of one exchange, by its key instead of its password."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._bare = b"n=,r=" + _b64(secrets.token_bytes(18)).encode()

    def first(self) -> bytes:
        """Return the first message."""
        return b"n,," + self._bare

    def final(self, answer: bytes) -> bytes:
        """Return the proof for the server's answer."""
        nonce = _attributes(answer).get("r", b"")
        if not nonce.startswith(self._bare[5:]):
            raise SignInFailed("the server's nonce is not ours")
        bare = b"c=biws,r=" + nonce
        signed = b",".join([self._bare, answer, bare])
        stored = hashlib.sha256(self._key).digest()
        return bare + b",p=" + base64.b64encode(_xor(self._key, _hmac(stored, signed)))


def _attributes(message: bytes) -> dict[str, bytes]:
    return {part[:1].decode("latin-1"): part[2:] for part in message.split(b",") if part[1:2] == b"="}


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _prepared(password: str) -> bytes:
    """Bring a password into the form that all clients hash (SASLprep); one that has none stays as it is."""
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter
        for letter in password
        if not stringprep.in_table_b1(letter)
    )
    found = unicodedata.normalize("NFKC", mapped)
    refused = (
        stringprep.in_table_a1, stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
        stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7,
        stringprep.in_table_c8, stringprep.in_table_c9,
    )  # fmt: skip
    if not found or any(table(letter) for letter in found for table in refused):
        return password.encode()
    right = [stringprep.in_table_d1(letter) for letter in found]
    if any(right) and (
        any(stringprep.in_table_d2(letter) for letter in found) or not (right[0] and right[-1])
    ):
        return password.encode()
    return found.encode()
