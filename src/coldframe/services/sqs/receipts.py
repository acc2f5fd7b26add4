"""Receipt handles: which reading of which message of which queue, in a form that only this installation makes."""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

import msgspec

from coldframe.core.faults import ServiceFault
from coldframe.core.seal import Seal
from coldframe.core.struct_types import whole

_TAG = 16


class Receipt(NamedTuple):
    """One reading of a message: the queue's id, the message's sequence, which reading of it, and when it was made."""

    queue: str
    sequence: int
    receives: int
    received: int


class Receipts:
    """Makes and reads the handles of one installation."""

    def __init__(self, seal: Seal) -> None:
        self._key = seal.key("sqs-receipts")

    def handle(self, receipt: Receipt) -> str:
        """Return the handle of a reading."""
        body = msgspec.msgpack.encode(receipt)
        return base64.b64encode(self._tag(body) + body).decode()

    def read(self, handle: str, queue: str) -> Receipt:
        """Return the reading a handle stands for; raises ReceiptHandleIsInvalid for none, or another queue's."""
        try:
            raw = base64.b64decode(handle, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        tag, body = raw[:_TAG], raw[_TAG:]
        if not body or not hmac.compare_digest(tag, self._tag(body)):
            raise _invalid(handle)
        receipt = msgspec.msgpack.decode(body, type=whole(Receipt))
        if receipt.queue != queue:
            raise _invalid(handle)
        return receipt

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_TAG]


def _invalid(handle: str) -> ServiceFault:
    shown = handle if len(handle) <= 100 else handle[:100] + "..."
    return ServiceFault(
        "ReceiptHandleIsInvalid", f'The input receipt handle "{shown}" is not a valid receipt handle.'
    )
