"""What was gathered from records, kept in memory until a record that it could come from changes."""

from typing import Generic, TypeVar

from coldframe.core.records import Record
from coldframe.core.store import Store

K = TypeVar("K")
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """A dictionary that is replaced by an empty one with each committed change to rows of some classes.

    Whoever fills it takes it first and reads the records after, so that what a late reader found is never kept for
    those who come after a commit in between.
    """

    def __init__(self, store: Store, depends: tuple[type[Record], ...], *, most: int = 1024) -> None:
        """Depend on these classes, and keep at most so many entries."""
        self._store = store
        self._depends = depends
        self._most = most
        # The count of all changes, the versions of the classes, and what belongs to both: replaced as one.
        self._state: tuple[int, tuple[int, ...], dict[K, V]] = (-1, (), {})

    def now(self) -> dict[K, V]:
        """Return what has been gathered from the records as they are now."""
        changes = self._store.changes
        known, versions, found = self._state
        if changes != known:
            now = tuple(self._store.version(kind) for kind in self._depends)
            if now != versions:
                found = {}
            self._state = (changes, now, found)
        if len(found) >= self._most:
            found.clear()
        return found
