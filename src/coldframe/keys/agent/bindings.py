"""Which SSH sessions a connection to the agent serves, as ssh proves it, and whether a key may be used for them."""

from fnmatch import fnmatchcase
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    SSHCertificate,
    load_ssh_public_identity,
)

from coldframe.keys.agent.constraints import Destination, Hop
from coldframe.keys.agent.messages import Reader
from coldframe.keys.agent.public_lines import blob_of, line_of
from coldframe.keys.wire import WireError

_MOST = 16
_RSA_HASHES = {b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}
_EC_HASHES = {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}


class Bound(NamedTuple):
    """A session: the host's key, the session id that it signed, and whether the agent is forwarded over it."""

    host_key: bytes
    session: bytes
    forwarded: bool


class SessionRefused(Exception):
    """A session could not be bound: the host did not sign it, or one is bound to which nothing can be added."""


class Bindings:
    """The sessions of one connection, in order from here to the host that asks."""

    def __init__(self) -> None:
        self.bound: list[Bound] = []
        self.failed = False

    def bind(self, content: bytes) -> None:
        """Bind a session as `session-bind@openssh.com` says; raises SessionRefused or WireError."""
        self.failed = True
        reader = Reader(content)
        host_key, session, signature, forwarded = (
            reader.string(),
            reader.string(),
            reader.string(),
            reader.byte(),
        )
        reader.end()
        if not verified(host_key, session, signature):
            raise SessionRefused("the host did not sign the session")
        for each in self.bound:
            if not each.forwarded:
                raise SessionRefused("the connection is bound for authentication already")
            if each.session == session:
                if each.host_key != host_key:
                    raise SessionRefused("the session is bound to another host")
                self.failed = False
                return
        if len(self.bound) >= _MOST:
            raise SessionRefused("too many sessions are bound")
        self.bound.append(Bound(host_key, session, bool(forwarded)))
        self.failed = False

    def permit(self, destinations: tuple[Destination, ...], user: str | None) -> bool:
        """Tell whether a key with these destinations may be listed (no user) or used to sign for a user."""
        if not destinations:
            return True
        if self.failed:
            return False
        came_from: bytes | None = None
        for place, each in enumerate(self.bound):
            last = place == len(self.bound) - 1
            if last and each.forwarded and user is not None:
                return False
            if not last and not each.forwarded:
                return False
            if not _leads(destinations, came_from, each.host_key, user if last else None):
                return False
            came_from = each.host_key
        if self.bound and self.bound[-1].forwarded and user is None:
            # Only listed over a forwarding from which it could be used further on.
            return _leads(destinations, came_from, None, None)
        return True


def _leads(
    destinations: tuple[Destination, ...], origin: bytes | None, target: bytes | None, user: str | None
) -> bool:
    return any(
        (not each.origin.host if origin is None else _is_host(each.origin, origin))
        and (target is None or _is_host(each.target, target))
        and (not each.target.user or user is None or _matches(user, each.target.user))
        for each in destinations
    )


def _is_host(hop: Hop, key: bytes) -> bool:
    """Tell whether a host key is one of a hop's, or certified for the host by an authority of the hop's."""
    if any(not each.is_authority and each.blob == key for each in hop.keys):
        return True
    authorities = [each.blob for each in hop.keys if each.is_authority]
    if not authorities:
        return False
    try:
        found = load_ssh_public_identity(line_of(key))
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(found, SSHCertificate):
        return False
    if blob_of(found.signature_key()) not in authorities:
        return False
    try:
        found.verify_cert_signature()
    except InvalidSignature:
        return False
    names = [name.decode("utf-8", "replace") for name in found.valid_principals]
    return found.type.name == "HOST" and (not names or any(_matches(hop.host, name) for name in names))


def _matches(text: str, pattern: str) -> bool:
    """Match as ssh does: `*` and `?` alone are special."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def verified(blob: bytes, data: bytes, signature: bytes) -> bool:
    """Tell whether a signature in SSH's format is a public key's (or, of a certificate, its key's)."""
    try:
        found = load_ssh_public_identity(line_of(blob))
        key = found.public_key() if isinstance(found, SSHCertificate) else found
        reader = Reader(signature)
        kind, value = reader.string(), reader.string()
        reader.end()
        if isinstance(key, rsa.RSAPublicKey) and kind in _RSA_HASHES:
            key.verify(
                value.rjust((key.key_size + 7) // 8, b"\0"), data, padding.PKCS1v15(), _RSA_HASHES[kind]
            )
        elif isinstance(key, ed25519.Ed25519PublicKey) and kind == b"ssh-ed25519":
            key.verify(value, data)
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind.startswith(b"ecdsa-sha2-"):
            numbers = Reader(value)
            pair = [int.from_bytes(numbers.string(), "big") for _ in range(2)]
            key.verify(encode_dss_signature(*pair), data, ec.ECDSA(_EC_HASHES[key.curve.name]))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError):
        return False
    return True


def user_of(data: bytes, bindings: Bindings, key: bytes) -> str | None:
    """Return the user for whom a signature would authenticate, if the data asks for that over the bound session.

    Data of another sort, or for another session or host, gives None: a key with destinations signs nothing else.
    """
    if not bindings.bound:
        return None
    last = bindings.bound[-1]
    try:
        reader = Reader(data)
        session, kind, user, service, method = (
            reader.string(),
            reader.byte(),
            reader.text(),
            reader.text(),
            reader.text(),
        )
        signs, _, blob = reader.byte(), reader.text(), reader.string()
        host_key = reader.string() if method == "publickey-hostbound-v00@openssh.com" else last.host_key
        reader.end()
    except WireError:
        return None
    asks = (kind, service, signs) == (50, "ssh-connection", 1) and method.startswith("publickey")
    return user if asks and (session, blob, host_key) == (last.session, key, last.host_key) else None
