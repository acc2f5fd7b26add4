"""What the log store raises, each error naming what happened and what the caller can still do."""

from coldframe.core.store import StoreError


class LogStoreError(Exception):
    """Any error of the log store."""


class StoreDamaged(LogStoreError, StoreError):
    """A file without which the store cannot be opened is lost or damaged; nothing was changed."""


class StoreLocked(LogStoreError):
    """Another process has the directory open; nothing was read or changed."""


class StoreClosed(LogStoreError):
    """The store was closed; the call did nothing."""


class WrongMasterKey(LogStoreError, StoreError):
    """The master key given is not the one that wrapped this store's data keys."""


class StorageFull(LogStoreError):
    """No space is left: the events were not stored; reads go on, and appends work again once there is space."""


class StorageFailed(LogStoreError):
    """The disk refused a write or a sync: the events were not stored; reads go on."""


class Shredded(LogStoreError):
    """The key of a sealed original was dropped (retention or deletion): the masked text is all there is."""


class CorruptBlock(LogStoreError):
    """A stored block does not read back: `file` and `offset` (bytes; -1 where the format gives none) say which."""

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(f"{file}: block at byte {offset} does not read back: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason
