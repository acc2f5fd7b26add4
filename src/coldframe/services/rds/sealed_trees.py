"""A folder as one sealed file: what a backup has of an encrypted folder, whatever disk the backup lies on.

It is sealed for the holder of the master key by X25519, so that whoever makes a backup needs a public key alone: the master
key may be in the hands of a server, or of somebody who is asked for a passphrase. The bytes are those of a tar archive, in
the pieces of `engines/objectstore/sealing.py`: none can be changed, moved or left out, and the last one says that it is.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from coldframe.core import durable
from coldframe.core.seal import Seal
from coldframe.core.wiping import wipe
from coldframe.engines.objectstore.errors import BlobDamaged
from coldframe.engines.objectstore.sealing import PIECE, SEALED_PIECE, TAG, Cipher

# The public key of an installation, in `databases/` of its data directory.
PUBLIC_KEY = "backups.pub"
SUFFIX = ".sealed"
_MAGIC = b"coldframe sealed tree 1\n"
_KEY_BYTES, _NAME_BYTES = 32, 16
_PURPOSE = "rds: databases in backups"
_COPIED = 256 * 1024


class TreeBroken(Exception):
    """A sealed folder does not open: another master key, another place, or bytes that were changed or cut off."""


def private_key(seal: Seal) -> X25519PrivateKey:
    """Return the key that opens the sealed folders of an installation."""
    secret = seal.key(_PURPOSE)
    try:
        return X25519PrivateKey.from_private_bytes(secret)
    finally:
        wipe(secret)


def publish(root: Path, seal: Seal) -> None:
    """Leave the public key where a backup finds it, unless it is there; raises OSError."""
    key, path = private_key(seal).public_key().public_bytes_raw(), root / PUBLIC_KEY
    if not path.exists() or path.read_bytes() != key:
        durable.make_folder(root)
        durable.write(path, key)


def public_key(root: Path) -> X25519PublicKey:
    """Return the public key that a server has left; raises TreeBroken."""
    try:
        return X25519PublicKey.from_public_bytes((root / PUBLIC_KEY).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise TreeBroken(
            f"{root / PUBLIC_KEY}, the key that backups of encrypted databases are sealed with, is missing or damaged:"
            " start a server on this data directory, which makes it anew"
        ) from error


def sealed_file(folder: Path) -> Path:
    """Return where in a backup the sealed file of a folder lies: in its place."""
    return folder.with_name(f"{folder.name}{SUFFIX}")


def sealed_files(root: Path) -> dict[str, Path]:
    """Return the sealed files of a backup's `databases/`, by the names of their folders below it."""
    return {
        str(path.relative_to(root)).removesuffix(SUFFIX): path
        for below in ("", "snapshots", "archive")
        for path in sorted((root / below).glob(f"*{SUFFIX}"))
    }


def place_of(name: str) -> str:
    """Return the place that the sealed file of a folder below `databases/` opens for."""
    return f"databases/{name}"


def key_name(file: Path) -> str:
    """Return the name of the key that a sealed folder was encrypted under before; raises TreeBroken, OSError."""
    with file.open("rb") as source:
        return _head(source, file)[1].hex()


def seal_tree(folder: Path, file: Path, key: X25519PublicKey, place: str, *, under: str) -> None:
    """Write a folder that nobody changes to a sealed file; it opens for the same `place` alone. Raises OSError.

    `under`: the name of the key that the folder is encrypted under where it lies, in hexadecimal.
    """
    once = X25519PrivateKey.generate()
    own, name = once.public_key().public_bytes_raw(), bytes.fromhex(under)
    with file.open("xb") as target:
        file.chmod(0o600)
        target.write(_MAGIC + own + name)
        sealing = _Sealing(target, _cipher(once.exchange(key), own + name, key, place))
        with tarfile.open(fileobj=sealing, mode="w:", copybufsize=_COPIED) as archive:  # type: ignore[call-overload]
            archive.add(folder, arcname=".")
        sealing.finish()


def open_tree(file: Path, folder: Path, key: X25519PrivateKey, place: str) -> None:
    """Lay the files of a sealed folder into an empty one; raises TreeBroken, and OSError. Either leaves a part of it there."""
    with _opened(file, key, place) as archive:
        # Owners are given by whoever adopts the files; what leads out of the folder is refused.
        archive.extractall(folder, numeric_owner=True, filter="tar")


def check_tree(file: Path, key: X25519PrivateKey, place: str) -> None:
    """Open a sealed folder from its first byte to its last, and keep nothing of it; raises TreeBroken."""
    with _opened(file, key, place) as archive:
        for _ in archive:
            pass


@contextmanager
def _opened(file: Path, key: X25519PrivateKey, place: str) -> Iterator[tarfile.TarFile]:
    with file.open("rb") as source:
        own, name = _head(source, file)
        shared = key.exchange(X25519PublicKey.from_public_bytes(own))
        opening = _Opening(source, _cipher(shared, own + name, key.public_key(), place), file)
        try:
            with tarfile.open(fileobj=opening, mode="r|", bufsize=_COPIED, copybufsize=_COPIED) as archive:  # type: ignore[call-overload]
                yield archive
        except tarfile.TarError as error:
            raise TreeBroken(f"{file} is no whole folder: {error}") from error
        # An archive has an end of its own: only the last piece says that nothing was cut off behind it.
        while opening.read(PIECE):
            pass


def _head(source: BinaryIO, file: Path) -> tuple[bytes, bytes]:
    """Return the public key of the one who sealed, who kept no other, and the name of the key that it was encrypted under."""
    head = source.read(len(_MAGIC) + _KEY_BYTES + _NAME_BYTES)
    if not head.startswith(_MAGIC) or len(head) != len(_MAGIC) + _KEY_BYTES + _NAME_BYTES:
        raise TreeBroken(f"{file} is no sealed folder, or one of a newer version")
    return head[len(_MAGIC) : -_NAME_BYTES], head[-_NAME_BYTES:]


def _cipher(shared: bytes, said: bytes, key: X25519PublicKey, place: str) -> Cipher:
    # What stands in clear before the pieces is in it, and for whom they are sealed: nothing of that can be another one.
    salt = said + key.public_bytes_raw()
    try:
        return Cipher(HKDF(SHA256(), _KEY_BYTES, salt, _PURPOSE.encode()).derive(shared), place)
    finally:
        wipe(shared)


class _Sealing:
    """A file to write to, of which full pieces are sealed; the last one by `finish`."""

    def __init__(self, target: BinaryIO, cipher: Cipher) -> None:
        self._target, self._cipher = target, cipher
        self._waiting, self._number, self._written = bytearray(), 0, 0
        self._sealed = memoryview(bytearray(SEALED_PIECE))

    def write(self, content: bytes) -> int:
        """Take bytes; a full piece waits until it is known whether it is the last."""
        self._waiting += content
        self._written += len(content)
        while len(self._waiting) > PIECE:
            self._put(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return len(content)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._written

    def finish(self) -> None:
        """Seal the last piece."""
        self._put(bytes(self._waiting), last=True)

    def _put(self, piece: bytes, *, last: bool) -> None:
        sealed = self._sealed[: len(piece) + TAG]
        self._cipher.seal_into(sealed, self._number, memoryview(piece), last=last)
        self._target.write(sealed)
        self._number += 1


class _Opening:
    """A file to read from: what is given was authenticated."""

    def __init__(self, source: BinaryIO, cipher: Cipher, file: Path) -> None:
        self._source, self._cipher, self._file = source, cipher, file
        self._next = source.read(SEALED_PIECE)
        self._there, self._number, self._ended = b"", 0, False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, nothing at the end; raises TreeBroken."""
        if not self._there and not self._ended:
            sealed, self._next = self._next, self._source.read(SEALED_PIECE)
            self._ended = not self._next
            try:
                self._there = self._cipher.open(self._number, sealed, last=self._ended)
            except BlobDamaged as error:
                raise TreeBroken(
                    f"{self._file} is not what was sealed, or not with this master key (piece {self._number})"
                ) from error
            self._number += 1
        found, self._there = self._there[:size], self._there[size:]
        return found
