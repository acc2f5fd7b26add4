"""The keys that an agent offers: those that were added to it, and those that the session's keyrings have anyway."""

import sys
import threading
from typing import Final, NamedTuple

from coldframe.engines.keyring import KeyringError, KeyService
from coldframe.keys.agent.constraints import Constraints
from coldframe.keys.agent.public_lines import blob_of
from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.policy import Policy, Use
from coldframe.keys.protection import Protection, protection
from coldframe.keys.public import PublicKeyUnknown

STORED_REMARK: Final = "[stored in the kernel, used in a process of its own]"
# What an SSH key is used for, and the two hashes that SSH still signs with.
SIGNING: Final = Policy(uses=frozenset({Use.PKCS1_SIGNATURE}), hashes=frozenset({"sha256", "sha512"}))


class Identity(NamedTuple):
    """A key: what SSH knows it by, its name, and the key in the kernel. `stored`: it is used outside of the kernel."""

    blob: bytes
    comment: str
    key: AsymmetricKey
    stored: bool = False
    constraints: Constraints = Constraints()

    @property
    def shown(self) -> str:
        """The comment that clients see."""
        return f"{self.comment} {STORED_REMARK}".strip() if self.stored else self.comment


class Identities:
    """Keys by their blobs. A key that has expired, or that somebody else destroyed, is gone here too."""

    def __init__(self, service: KeyService, ring: int) -> None:
        """Offer what is added, and all private RSA keys below the keyring `ring` (the agent's session)."""
        self._service = service
        self._ring = ring
        self._lock = threading.Lock()
        self._added: dict[bytes, Identity] = {}
        # Working out a public key costs some operations, so it is done once for a serial.
        self._public: dict[int, bytes] = {}

    def add(self, identity: Identity) -> None:
        """Offer a key; one that was there under this blob is destroyed unless it is the same."""
        with self._lock:
            before = self._added.get(identity.blob)
            self._added[identity.blob] = identity
        if before is not None and before.key.serial != identity.key.serial:
            self._destroy(before)

    def all(self) -> list[Identity]:
        """Return every key that can be used now, added ones first, oldest first."""
        with self._lock:
            added = list(self._added.values())
        living = [identity for identity in added if self._lives(identity)]
        known = {identity.blob for identity in living}
        serials = {identity.key.serial for identity in living}
        found = [each for each in self._in_session() if each.key.serial not in serials]
        return [*living, *(each for each in found if each.blob not in known)]

    def find(self, blob: bytes) -> Identity | None:
        """Return the key of a blob, if it can be used now."""
        return next((identity for identity in self.all() if identity.blob == blob), None)

    def remove(self, blob: bytes) -> bool:
        """Destroy an added key; one of the session is not the agent's to destroy. Returns whether it was there."""
        with self._lock:
            identity = self._added.pop(blob, None)
        if identity is None:
            return False
        self._destroy(identity)
        return True

    def remove_all(self) -> None:
        """Destroy every key that was added."""
        with self._lock:
            added, self._added = list(self._added.values()), {}
        for identity in added:
            self._destroy(identity)

    def _destroy(self, identity: Identity) -> None:
        try:
            identity.key.invalidate()
        except KeyringError:
            return  # expired or destroyed already: there is nothing left to take away

    def _lives(self, identity: Identity) -> bool:
        try:
            identity.key.describe()
        except KeyringError:
            with self._lock:
                if self._added.get(identity.blob) is identity:
                    del self._added[identity.blob]
            return False
        return True

    def _in_session(self) -> list[Identity]:
        found: list[Identity] = []
        for serial, name in self._asymmetric(self._ring, set()):
            try:
                blob = self._blob(serial)
            except (KeyringError, PublicKeyUnknown):
                continue  # not a key that ssh could use: it is no identity
            found.append(Identity(blob, name, AsymmetricKey(serial, self._service, SIGNING)))
        return found

    def _asymmetric(self, ring: int, seen: set[int]) -> list[tuple[int, str]]:
        """Return serial and name of the private keys below a keyring, each keyring once."""
        seen.add(ring)
        found: list[tuple[int, str]] = []
        try:
            content = self._service.read(ring)
        except KeyringError:
            return found
        for at in range(0, len(content), 4):
            serial = int.from_bytes(content[at : at + 4], sys.byteorder, signed=True)
            try:
                described = self._service.describe(serial)
                if described.type == "keyring" and serial not in seen:
                    found += self._asymmetric(serial, seen)
                elif described.type == "asymmetric" and _is_private(self._service, serial):
                    found.append((serial, described.description))
            except KeyringError:
                continue  # expired, revoked, or not to be looked at
        return found

    def _blob(self, serial: int) -> bytes:
        blob = self._public.get(serial)
        if blob is None:
            blob = self._public[serial] = blob_of(AsymmetricKey(serial, self._service).public_key())
        return blob


def _is_private(service: KeyService, serial: int) -> bool:
    return protection(service, serial) is Protection.KERNEL_OPERATION
