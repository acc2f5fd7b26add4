"""What the agent does with each message: list, sign, add, remove, lock, bind."""

import hashlib
import hmac
import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from coldframe.engines.keyring import KeyringError
from coldframe.keys.agent import constraints, messages
from coldframe.keys.agent.bindings import Bindings, SessionRefused, user_of
from coldframe.keys.agent.confirming import Confirm
from coldframe.keys.agent.constraints import Constraints
from coldframe.keys.agent.expiry import Expiry
from coldframe.keys.agent.identities import SIGNING, Identities, Identity
from coldframe.keys.agent.messages import FAILURE, SUCCESS, Ask, Reader, Tell
from coldframe.keys.agent.public_lines import blob_in
from coldframe.keys.agent.stored import Signer, SigningFailed
from coldframe.keys.errors import KeyFileError, LoadingFailed
from coldframe.keys.loading import Loaded, OpenFile
from coldframe.keys.wire import WireError, string

LOG: Final = logging.getLogger("coldframe.keys.agent")
_SHA512 = 4
_BIND, _QUERY = "session-bind@openssh.com", "query"
_EXTENSIONS: Final = (_QUERY, _BIND)

# Brings the key that is arriving on a connection into the kernel, with this lifetime in seconds once it is known.
Load = Callable[[OpenFile], Loaded]


class Agent:
    """Answers messages of any number of connections, whose threads call it; `load` and `sign_stored` use children."""

    def __init__(
        self, identities: Identities, load: Load, sign_stored: Signer, confirm: Confirm, expiry: Expiry
    ) -> None:
        self._identities = identities
        self._expiry = expiry
        self._load = load
        self._sign_stored = sign_stored
        self._confirm = confirm
        self._guard = threading.Lock()
        self._locked: tuple[bytes, bytes] | None = None

    @property
    def locked(self) -> bool:
        """Whether nothing is listed, used or added until the password comes."""
        return self._locked is not None

    def answer(self, message: bytes, bindings: Bindings) -> bytes:
        """Answer any message but those that bring a key (see `add`)."""
        if not message:
            return FAILURE
        content = Reader(message[1:])
        try:
            if message[0] == Ask.UNLOCK:
                return self._unlock(content.string())
            if message[0] == Ask.EXTENSION:
                return self._extension(content, bindings)
            if self.locked:
                return messages.identities([]) if message[0] == Ask.IDENTITIES else FAILURE
            return self._act(message[0], content, bindings)
        except (WireError, SessionRefused) as problem:
            LOG.warning("a message was refused: %s", problem)
        except (KeyringError, SigningFailed) as problem:
            LOG.warning("a key could not be used: %s", problem)
        return FAILURE

    def add(self, arriving: OpenFile, *, constrained: bool) -> bytes:
        """Take a key that is arriving on a connection; its private part is read by another process alone.

        Raises LoadingFailed when it is unclear how much of the message was read: the connection has to end then.
        """
        try:
            loaded = self._load(arriving)
        except LoadingFailed:
            raise
        except (KeyFileError, KeyringError) as problem:
            LOG.warning("a key was not added: %s", problem)
            return FAILURE
        found = self._constraints(loaded, constrained=constrained)
        if found is None:
            _destroy(loaded)
            return FAILURE
        blob = loaded.certificate or blob_in(loaded.public)
        stored = loaded.kind != "asymmetric"
        key = loaded.key.under(SIGNING)
        self._identities.add(Identity(blob, loaded.comment, key, stored, found))
        if found.lifetime:
            self._expiry.after(found.lifetime, key.serial)
        return SUCCESS

    def _constraints(self, loaded: Loaded, *, constrained: bool) -> Constraints | None:
        """Return how a key that has arrived may be used; None when it may not stay."""
        if self.locked:
            LOG.warning("a key was not added: the agent is locked")
            return None
        if not constrained:
            return None if loaded.constraints else Constraints()
        try:
            return constraints.read(loaded.constraints)
        except WireError as problem:
            LOG.warning("a key was not added: %s", problem)
            return None

    def _act(self, number: int, content: Reader, bindings: Bindings) -> bytes:
        if number == Ask.IDENTITIES:
            content.end()
            return messages.identities([(each.blob, each.shown) for each in self._visible(bindings)])
        if number == Ask.SIGN:
            return self._sign(content, bindings)
        if number == Ask.REMOVE:
            return SUCCESS if self._identities.remove(content.string()) else FAILURE
        if number == Ask.REMOVE_ALL:
            self._identities.remove_all()
            return SUCCESS
        if number == Ask.LOCK:
            return self._lock(content.string())
        return FAILURE

    def _visible(self, bindings: Bindings) -> list[Identity]:
        return [
            each for each in self._identities.all() if bindings.permit(each.constraints.destinations, None)
        ]

    def _sign(self, content: Reader, bindings: Bindings) -> bytes:
        blob, data, flags = content.string(), content.string(), content.number()
        content.end()
        identity = self._identities.find(blob)
        if identity is None:
            return FAILURE
        ways = identity.constraints.destinations
        user = user_of(data, bindings, blob) if ways else None
        if ways and (user is None or not bindings.permit(ways, user)):
            LOG.warning("%s may not be used on this way", identity.comment)
            return FAILURE
        if identity.constraints.confirm and not self._confirm(f"Allow use of key {identity.comment}?"):
            return FAILURE
        if identity.stored:
            return messages.signature(self._sign_stored(identity.key.serial, data))
        if flags & _SHA512:
            return messages.signature(string(b"rsa-sha2-512") + string(identity.key.sign(data, "sha512")))
        # Who asks for no hash means SHA-1, which is broken: the signature says of itself that it is of SHA-256, so that
        # `ssh-add -T` is content, and a client that insists on SHA-1 refuses it.
        return messages.signature(string(b"rsa-sha2-256") + string(identity.key.sign(data, "sha256")))

    def _lock(self, password: bytes) -> bytes:
        salt = os.urandom(16)
        with self._guard:
            if self._locked is not None:
                return FAILURE
            self._locked = (salt, _hashed(password, salt))
        return SUCCESS

    def _unlock(self, password: bytes) -> bytes:
        # One at a time, and each costs a scrypt: passwords cannot be tried fast.
        with self._guard:
            if self._locked is None or not hmac.compare_digest(
                _hashed(password, self._locked[0]), self._locked[1]
            ):
                return FAILURE
            self._locked = None
        return SUCCESS

    def _extension(self, content: Reader, bindings: Bindings) -> bytes:
        name = content.text()
        if name == _BIND:
            try:
                bindings.bind(content.rest())
            except (WireError, SessionRefused) as problem:
                LOG.warning("a session was not bound: %s", problem)
                return bytes([Tell.EXTENSION_FAILURE])
            return SUCCESS
        if name == _QUERY:
            listed = b"".join(string(each.encode()) for each in _EXTENSIONS)
            return bytes([Tell.EXTENSION]) + string(_QUERY.encode()) + listed
        return bytes([Tell.EXTENSION_FAILURE])


def _hashed(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1)


def _destroy(loaded: Loaded) -> None:
    try:
        loaded.key.invalidate()
    except KeyringError as problem:
        LOG.warning("a key that was not added could not be destroyed: %s", problem)
