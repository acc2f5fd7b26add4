"""Data keys: one per group and UTC day, wrapped by the master key in one key file per group."""

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from coldframe.core.struct_types import whole
from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import StoreDamaged, WrongMasterKey

LOG = logging.getLogger("coldframe.logstore")

_PROOF = bytes(range(32))


class Wrapper(Protocol):
    """Whoever holds the master key: this process, or later a kernel or a security module."""

    def wrap(self, key: bytes) -> bytes:
        """Return the data key encrypted under the master key."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the data key; raises WrongMasterKey when it was wrapped under another master key."""
        ...


class MasterKey:
    """A master key held as bytes (16, 24 or 32), wrapping by AES Key Wrap (RFC 3394)."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in (16, 24, 32):
            raise ValueError(f"a master key has 16, 24 or 32 bytes, not {len(key)}")
        self._key = key

    def wrap(self, key: bytes) -> bytes:
        """Return the data key encrypted under the master key."""
        return aes_key_wrap(self._key, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the data key; raises WrongMasterKey when it was wrapped under another master key."""
        try:
            return aes_key_unwrap(self._key, wrapped)
        except InvalidUnwrap as error:
            raise WrongMasterKey(
                "the master key given is not the one that wrapped this store's keys"
            ) from error


class KeyFile(msgspec.Struct):
    """What a group's key file holds: the group it is for and its wrapped key of each day."""

    group: str
    days: dict[int, bytes]


class KeyRing:
    """The data keys of every group; a new key is durable before anything is sealed under it."""

    def __init__(self, directory: Path, wrapper: Wrapper, disk: Disk) -> None:
        """Open the ring; raises WrongMasterKey when the directory was made under another master key."""
        self._directory = directory
        self._wrapper = wrapper
        self._disk = disk
        self._lock = threading.Lock()
        self._users: Counter[str] = Counter()
        self._plain: dict[tuple[str, int], bytes] = {}
        directory.mkdir(mode=0o700, exist_ok=True)
        proof = directory / "master.proof"
        # An empty one proves nothing; with another master key no data key opens.
        if proof.exists() and proof.stat().st_size:
            wrapper.unwrap(proof.read_bytes())
        else:
            disk.replace(proof, wrapper.wrap(_PROOF))

    def key(self, group: str, day: int) -> bytes:
        """Return the group's data key of the day, made and stored when there is none yet."""
        with self._lock:
            known = self._plain.get((group, day)) or self._load(group, day)
            if known is None:
                known = os.urandom(32)
                stored = self._read(group)
                stored.days[day] = self._wrapper.wrap(known)
                self._disk.replace(self._path(group), msgspec.msgpack.encode(stored))
                self._plain[group, day] = known
            return known

    def find(self, group: str, day: int) -> bytes | None:
        """Return the group's data key of the day, or None when it was dropped or never was."""
        with self._lock:
            return self._plain.get((group, day)) or self._load(group, day)

    @contextmanager
    def in_use(self, group: str) -> Iterator[None]:
        """Keep the group's keys: rows sealed under them are on their way into the store."""
        with self._lock:
            self._users[group] += 1
        try:
            yield
        finally:
            with self._lock:
                self._users[group] -= 1
                if not self._users[group]:
                    del self._users[group]

    def drop_unneeded(self, group: str, needed: Callable[[set[int]], set[int]]) -> None:
        """Destroy the keys of the group's days that are not `needed`: what they sealed can never be opened again.

        While the group is in use nothing is dropped; the next sweep comes back to it.
        """
        with self._lock:
            stored = self._read(group)
            if group in self._users or not stored.days:
                return
            kept = needed(set(stored.days))
            gone = stored.days.keys() - kept
            if not gone:
                return
            for day in gone:
                self._plain.pop((group, day), None)
                del stored.days[day]
            self._rewrite(stored)

    def _rewrite(self, stored: KeyFile) -> None:
        path = self._path(stored.group)
        with path.open("r+b", buffering=0) as old:
            if stored.days:
                self._disk.replace(path, msgspec.msgpack.encode(stored))
            else:
                path.unlink()
                self._disk.sync_directory(self._directory)
            self._erase(old)

    def _path(self, group: str) -> Path:
        return self._directory / f"{sha256(group.encode()).hexdigest()}.keys"

    def _read(self, group: str) -> KeyFile:
        path = self._path(group)
        if not path.exists():
            return KeyFile(group, {})
        content = path.read_bytes()
        if not content:
            LOG.warning(
                "%s is empty: what was sealed under its keys stays masked, and new ones are made", path
            )
            return KeyFile(group, {})
        try:
            return msgspec.msgpack.decode(content, type=whole(KeyFile))
        except msgspec.MsgspecError as error:
            raise StoreDamaged(
                f"{path}, the keys of a log group, is damaged; restore it from a backup"
            ) from error

    def _load(self, group: str, day: int) -> bytes | None:
        wrapped = self._read(group).days.get(day)
        if wrapped is None:
            return None
        self._plain[group, day] = self._wrapper.unwrap(wrapped)
        return self._plain[group, day]

    def _erase(self, old: FileIO) -> None:
        # Removing a file leaves its blocks behind; zeros over them is the best a file system lets us do. It comes
        # after the new file is durable, so that a crash in between never loses the keys that stay.
        old.write(bytes(os.fstat(old.fileno()).st_size))
        self._disk.sync(old.fileno())
