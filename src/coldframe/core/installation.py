"""One running coldframe: what the server puts together and every call and job may reach."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from coldframe.core.clock import Clock
from coldframe.core.config import Settings
from coldframe.core.faults import InternalFailure
from coldframe.core.paging import Pager
from coldframe.core.records import Records
from coldframe.core.seal import Seal
from coldframe.core.store import Store

T = TypeVar("T")


class JobStarter(Protocol):
    """Starts a durable job inside the caller's transaction."""

    def __call__(self, records: Records, job: Any, *args: Any, caller: str) -> str:
        """Journal `job` with its JSON-able arguments and return its id; it runs once the transaction commits."""


class Clients(Protocol):
    """Makes botocore clients whose transport is this server's own gateway."""

    def __call__(self, service: str, *, principal: Any, region: str, via: str = "") -> Any:
        """Return a client of `service` that acts as `principal` in `region`; `via` is the service that asks for it."""


class Parts:
    """The engines and offers of an installation, made when first asked for and closed in reverse order."""

    def __init__(self) -> None:
        self._makers: dict[type[Any], Callable[[], Any]] = {}
        self._unloaded: dict[str, Callable[[], Any]] = {}
        self._made: dict[type[Any], Any] = {}
        # Held by whoever loads modules once there are threads: two that load modules of one package, which loads these
        # itself, can get halves of them. One part may need another while it is made, so it lets its holder in again.
        self.loading = threading.RLock()

    def provide(self, kind: type[T], make: Callable[[], T]) -> None:
        """Say how the one `kind` of this installation is made."""
        self._makers[kind] = make

    def provide_unloaded(self, kind: str, make: Callable[[], Any]) -> None:
        """Say how the one part is made whose class is named `module.Class` and not loaded: `make` imports it."""
        self._unloaded[kind] = make

    def unloaded(self) -> frozenset[str]:
        """Return the names that `provide_unloaded` was given."""
        return frozenset(self._unloaded)

    def get(self, kind: type[T]) -> T:
        """Return the one `kind`; raises InternalFailure when nobody provides it."""
        made = self._made.get(kind)
        if made is None:
            with self.loading:
                made = self._made.get(kind)
                if made is None:
                    maker = self._makers.get(kind) or self._unloaded.get(named(kind))
                    if maker is None:
                        raise InternalFailure(f"nothing here provides {kind.__name__}")
                    made = self._made[kind] = maker()
        return made  # type: ignore[no-any-return]  # a call of cast costs as much as the rest

    def made(self, kind: type[T]) -> T | None:
        """Return the one `kind` if it was made already, so that asking after its health does not start it."""
        return cast("T | None", self._made.get(kind))

    def close(self) -> None:
        """Close everything that was made and has a `close`, last made first."""
        with ExitStack() as stack:
            for part in self._made.values():
                close = getattr(part, "close", None)
                if close is not None:
                    stack.callback(close)
            self._made = {}


def named(kind: type[Any]) -> str:
    """Return the name under which `Parts.provide_unloaded` was told of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


@dataclass(slots=True)
class Installation:
    """The store, the keys, the clock, the engines and the ways to start jobs and call services."""

    settings: Settings
    clock: Clock
    store: Store
    seal: Seal
    pager: Pager
    parts: Parts = field(default_factory=Parts)
    start_job: JobStarter | None = None
    clients: Clients | None = None
