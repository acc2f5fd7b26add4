"""How a blob is sealed: AES-256-GCM over pieces of one megabyte, so that any piece can be read and checked alone.

A blob's key follows from the store's key and the blob's random id, and a piece's nonce is its number, so that no key
meets the same nonce twice. The last piece says that it is the last: a file that was cut off does not open.
"""

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.engines.objectstore.errors import BlobDamaged

PIECE: Final = 1024 * 1024
TAG: Final = 16
SEALED_PIECE: Final = PIECE + TAG


class Cipher:
    """Seals and opens the pieces of one blob."""

    def __init__(self, store_key: bytes, blob_id: str) -> None:
        self._id = blob_id
        self._cipher = AESGCM(hmac.digest(store_key, blob_id.encode(), "sha256"))

    def seal_into(self, sealed: memoryview, number: int, piece: memoryview, *, last: bool) -> None:
        """Put the sealed form of piece `number`, from 0, into `sealed`, which has TAG bytes more than the piece."""
        self._cipher.encrypt_into(number.to_bytes(12, "big"), piece, _position(last), sealed)

    def open(self, number: int, sealed: bytes | memoryview, *, last: bool) -> bytes:
        """Return the bytes of piece `number`; raises BlobDamaged when they are not what was sealed there."""
        try:
            return self._cipher.decrypt(number.to_bytes(12, "big"), sealed, _position(last))
        except InvalidTag:
            raise self._damaged(number) from None

    def open_into(self, piece: memoryview, number: int, sealed: memoryview, *, last: bool) -> None:
        """Put the bytes of piece `number` into `piece`, which has TAG bytes less; raises as `open` does."""
        if len(piece) != len(sealed) - TAG:
            raise self._damaged(number)
        try:
            self._cipher.decrypt_into(number.to_bytes(12, "big"), sealed, _position(last), piece)
        except InvalidTag:
            raise self._damaged(number) from None

    def _damaged(self, number: int) -> BlobDamaged:
        return BlobDamaged(f"piece {number} of blob {self._id} is not what was written")


def derived(store_key: bytes, secret: bytes) -> bytes:
    """Return the key for blobs with a secret of their own; without one it is the store's."""
    return hmac.digest(store_key, b"secret" + secret, "sha256") if secret else store_key


def pieces_of(size: int) -> int:
    """Return how many pieces a blob of `size` bytes has; an empty one has one."""
    return max(1, -(-size // PIECE))


def sealed_size(size: int) -> int:
    """Return the bytes on disk of a blob of `size` bytes."""
    return size + pieces_of(size) * TAG


def _position(last: bool) -> bytes:
    return b"last" if last else b"more"
