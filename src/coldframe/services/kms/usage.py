"""When keys were last used: noted in memory by every cryptographic operation, written once a minute."""

import threading

from coldframe.core.call import Call
from coldframe.core.clock import Clock
from coldframe.core.store import Store
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key, LastUsage, Tracking


class Usage:
    """Collects uses; a crash forgets those of the last minute."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._uses: dict[Place, LastUsage] = {}
        # Those that are being written, which a reader does not find in the store yet.
        self._leaving: dict[Place, LastUsage] = {}

    def note(self, call: Call, place: Place) -> None:
        """Remember that an operation has used a key."""
        self._uses[place] = LastUsage(
            key_id=place.id, operation=call.operation, at=call.now, request_id=call.request_id
        )

    def last(self, place: Place) -> LastUsage | None:
        """Return the last use of a key that is not written yet."""
        return self._uses.get(place) or self._leaving.get(place)

    def flush(self) -> None:
        """Write what was collected; keys that are gone by now are left out."""
        with self._lock:
            uses = self._leaving = self._uses
            self._uses = {}
            tracked = self._store.cached(Tracking, "", "", "since") is not None
            if tracked and not uses:
                return
            with self._store.write() as transaction:
                if not tracked:
                    transaction.records("", "").put(Tracking(id="since", since=self._clock.milliseconds()))
                for place, use in uses.items():
                    records = transaction.records(place.account, place.region)
                    if records.find(Key, place.id) is not None:
                        records.put(use)
            self._leaving = {}

    def close(self) -> None:
        """Write the rest."""
        self.flush()
