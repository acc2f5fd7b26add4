"""The composition root: store, keys, engines, jobs, services and gateway, put together and taken apart."""

import contextlib
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

from coldframe.core.clock import Clock
from coldframe.core.config import Settings
from coldframe.core.installation import Installation
from coldframe.core.paging import Pager
from coldframe.core.seal import Seal, load_master_key
from coldframe.core.service import Service
from coldframe.core.store import Store
from coldframe.gateway.app import Gateway
from coldframe.gateway.loopback import Loopback
from coldframe.identity import bootstrap
from coldframe.identity import records as identity
from coldframe.identity.permissions import Permissions
from coldframe.server.services import SERVICES


@dataclass(slots=True)
class Assembly:
    """Everything of a running server, for the listener, the control endpoints and the tests."""

    installation: Installation
    services: dict[str, Service]
    gateway: Gateway

    def reset(self) -> None:
        """Empty every service, and make the management account anew (dev mode)."""
        self.installation.store.empty()
        bootstrap.set_up(self.installation)

    def engines(self) -> dict[str, str]:
        """Return the state of each engine that has one to tell."""
        return {}


@contextlib.contextmanager
def assemble(settings: Settings, clock: Clock | None = None) -> Iterator[Assembly]:
    """Put a server together on its data directory; everything is closed in reverse order when the block ends."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    pathlib.Path(settings.data_dir).chmod(0o700)
    with contextlib.ExitStack() as stack:
        clock = clock or Clock()
        store = Store.open(settings.database_url, exclusive=True)
        stack.callback(store.close)
        services = {service.name: service for service in map(Service, SERVICES)}
        store.prepare(
            [*identity.RECORDS, *(kind for service in services.values() for kind in service.records)]
        )
        seal = Seal(load_master_key(settings.data_dir / "master.key"))
        installation = Installation(settings, clock, store, seal, Pager(seal.key("pagination")))
        stack.callback(installation.parts.close)
        installation.parts.provide(Permissions, lambda: Permissions(store))
        for service in services.values():
            engines = service.module("engines")
            if engines is not None:
                engines.provide(installation)
        gateway = Gateway(installation, services)
        installation.clients = Loopback(gateway)
        yield Assembly(installation, services, gateway)
