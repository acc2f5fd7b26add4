"""Secret access keys where they live: what signatures are checked with, while the secret itself is kept nowhere here.

A secret is held on a rung (`Rungs`: the kernel's, made by the server), or, where there is none for it, lies sealed in its
record and is opened for each use. This process keeps the keys that are derived from it for one day, region and service.
"""

import hashlib
import hmac
import threading
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from coldframe.core.clock import Clock
from coldframe.core.seal import Seal
from coldframe.core.wiping import wipe
from coldframe.identity import sessions
from coldframe.identity.records import AccessKey

PURPOSE = "access-key"
_PREFIX = b"AWS4"
_MOST = 4096
Slot = tuple[str, str, str, str]


class SecretKey(Protocol):
    """A secret access key, wherever it is: what can be worked out with it, but not the secret."""

    def signing_key(self, date: str, region: str, service: str) -> bytes:
        """Return the key of Signature Version 4 for one day (YYYYMMDD), region and service."""

    def sha1(self, message: bytes) -> bytes:
        """Return the HMAC-SHA1 of a message, which is what Signature Version 2 signs with."""

    def matches(self, secret: str) -> bool:
        """Tell whether this is the secret, in a time that does not depend on where they differ."""


class HeldSecret(Protocol):
    """One secret on a rung of the kernel."""

    rung: str

    def digest(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message with "AWS4" and the secret; raises OSError when it is lost."""

    def forget(self) -> None:
        """Make it of no use, at once."""


class Rungs(Protocol):
    """The places of the kernel for secrets."""

    def hold(self, name: str, open_secret: Callable[[], bytearray]) -> HeldSecret | None:
        """Return the secret of this name, loaded if it is not there yet; None where the kernel takes no more."""

    def close(self) -> None:
        """Let go of what is not to outlive the server."""


class SecretKeys:
    """The secrets of this installation's access keys and sessions, and the signing keys derived from them."""

    def __init__(self, seal: Seal, clock: Clock, rungs: Rungs | None = None) -> None:
        self._seal = seal
        self._clock = clock
        self._rungs = rungs
        self._lock = threading.RLock()
        self._keys: dict[str, LongLivedSecret] = {}
        # By (access key id, date, region, service); whoever has a secret looks here first, at every request.
        self.known: dict[Slot, bytes] = {}
        self._day = ""

    def of(self, key: AccessKey) -> "LongLivedSecret":
        """Return the secret of an access key; nothing is opened or loaded before it is used."""
        with self._lock:
            found = self._keys.get(key.id)
            if found is None or found.sealed != key.sealed_secret:
                self.forget(key.id)
                found = self._keys[key.id] = LongLivedSecret(self, key.id, key.sealed_secret)
            return found

    def of_session(self, access_key_id: str) -> SecretKey:
        """Return the secret of temporary credentials, which is derived from their access key id."""
        return SessionSecret(self, access_key_id)

    def forget(self, access_key_id: str) -> None:
        """Drop a secret from the kernel, and what was derived from it, at once."""
        with self._lock:
            found = self._keys.pop(access_key_id, None)
            if found is not None:
                found.drop()
            for slot in [slot for slot in self.known if slot[0] == access_key_id]:
                wipe(self.known.pop(slot))

    def forget_all(self) -> None:
        """Drop every secret."""
        for access_key_id in list(self._keys):
            self.forget(access_key_id)
        with self._lock:
            self.known.clear()

    def rungs(self) -> dict[str, int]:
        """Return how many of the secrets that were used so far are on each rung."""
        with self._lock:
            return dict(Counter(key.rung for key in self._keys.values() if key.rung))

    def close(self) -> None:
        """Let go of the kernel's keys, but for those that the next server of this session is to find."""
        if self._rungs is not None:
            self._rungs.close()

    def signing_key(self, slot: Slot, digest: Callable[[bytes], bytes]) -> bytes:
        """Derive a signing key, and keep it."""
        derived = derive(digest, *slot[1:])
        today = f"{self._clock.now():%Y%m%d}"
        with self._lock:
            if self._day != today or len(self.known) >= _MOST:
                self._day = today
                self.known.clear()
            self.known[slot] = derived
        return derived

    def open_secret(self, access_key_id: str, sealed: bytes) -> bytearray:
        """Return "AWS4" and a secret, for the caller to wipe."""
        return _prefixed(self._seal.open_once(PURPOSE, access_key_id, sealed))

    def hold(self, name: str, open_secret: Callable[[], bytearray]) -> HeldSecret | None:
        """Give a secret to the kernel."""
        return None if self._rungs is None else self._rungs.hold(name, open_secret)

    def session_secret(self, access_key_id: str) -> bytearray:
        """Return "AWS4" and the secret of a session, for the caller to wipe."""
        return _prefixed(sessions.secret_of(self._seal, access_key_id))


class _Opened:
    """What is worked out with a secret that is opened for it and wiped after."""

    _open: Callable[[], bytearray]

    def sha1(self, message: bytes) -> bytes:
        """Return an HMAC-SHA1; for such a form, which hardly any client uses, the kernel holds no second key."""
        secret = self._open()
        try:
            return hmac.digest(memoryview(secret)[len(_PREFIX) :], message, "sha1")
        finally:
            wipe(secret)

    def _opened_digest(self, message: bytes) -> bytes:
        secret = self._open()
        try:
            return hmac.digest(secret, message, "sha256")
        finally:
            wipe(secret)


class LongLivedSecret(_Opened):
    """The secret of an access key of a user or of root."""

    def __init__(self, keys: SecretKeys, access_key_id: str, sealed: bytes) -> None:
        self.sealed = sealed
        self.rung = ""
        self._keys = keys
        self._known = keys.known
        self._id = access_key_id
        self._lock = threading.Lock()
        self._held: HeldSecret | None = None
        self._dropped = False
        self._open = lambda: keys.open_secret(access_key_id, sealed)

    def signing_key(self, date: str, region: str, service: str) -> bytes:
        """Return a signing key."""
        slot = (self._id, date, region, service)
        known = self._known.get(slot)
        if known is not None:
            return known
        key = self._keys.signing_key(slot, self._digest)
        if self._dropped:  # in between: what was derived is for this request alone
            self._known.pop(slot, None)
        return key

    def matches(self, secret: str) -> bool:
        """Tell whether this is the secret."""
        return _same(self._digest, secret)

    def drop(self) -> None:
        """Have the kernel drop it, now and for good."""
        with self._lock:
            self._dropped = True
            if self._held is not None:
                self._held.forget()
                self._held = None

    def _digest(self, message: bytes) -> bytes:
        # A second time, because somebody may have cleared the keyring.
        for _ in range(2):
            held = self._hold()
            if held is None:
                break
            try:
                return held.digest(message)
            except OSError:
                self._lost(held)
        return self._opened_digest(message)

    def _hold(self) -> HeldSecret | None:
        with self._lock:
            if self._held is None and not self._dropped:
                self._held = self._keys.hold(f"{self._id}:{name_of(self.sealed)}", self._open)
                self.rung = "file" if self._held is None else self._held.rung
            return self._held

    def _lost(self, held: HeldSecret) -> None:
        with self._lock:
            if self._held is held:
                held.forget()
                self._held = None


class SessionSecret(_Opened):
    """The secret of temporary credentials: never stored and never held, derived when a signing key is."""

    def __init__(self, keys: SecretKeys, access_key_id: str) -> None:
        self._keys = keys
        self._id = access_key_id
        self._open = lambda: keys.session_secret(access_key_id)

    def signing_key(self, date: str, region: str, service: str) -> bytes:
        """Return a signing key."""
        slot = (self._id, date, region, service)
        return self._keys.known.get(slot) or self._keys.signing_key(slot, self._opened_digest)

    def matches(self, secret: str) -> bool:
        """Tell whether this is the secret."""
        return _same(self._opened_digest, secret)


def derive(digest: Callable[[bytes], bytes], date: str, region: str, service: str) -> bytes:
    """Return a signing key from the HMAC-SHA256 with "AWS4" and a secret; what comes on the way is wiped."""
    key = digest(date.encode("utf-8", "surrogateescape"))
    for part in (region, service, "aws4_request"):
        before, key = key, hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
        wipe(before)
    return key


def _same(digest: Callable[[bytes], bytes], secret: str) -> bool:
    message = b"coldframe: the same secret"
    given = hmac.digest(_PREFIX + secret.encode("utf-8", "surrogateescape"), message, "sha256")
    return hmac.compare_digest(digest(message), given)


def _prefixed(secret: bytes | bytearray) -> bytearray:
    room = bytearray(len(_PREFIX) + len(secret))
    room[: len(_PREFIX)] = _PREFIX
    room[len(_PREFIX) :] = secret
    wipe(secret)
    return room


def name_of(sealed: bytes) -> str:
    """Return what tells one sealed secret from another."""
    return hashlib.sha256(sealed).hexdigest()[:16]
