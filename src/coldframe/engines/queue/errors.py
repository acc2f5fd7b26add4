"""What can go wrong with the message store itself."""

from coldframe.core.store import StoreUnavailable


class StoreBroken(StoreUnavailable):
    """The file of the store cannot be read or written; the text names it and says why."""


class StoreFull(StoreBroken):
    """No space is left: nothing of the change was kept, and reading goes on."""
