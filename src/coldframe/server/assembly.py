"""The composition root: store, keys, engines, jobs, services and gateway, put together and taken apart."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from coldframe.core import ids
from coldframe.core.backup import refuse_unfinished, taken_into_use
from coldframe.core.clock import Clock
from coldframe.core.config import Settings
from coldframe.core.durable import make_folder
from coldframe.core.installation import Installation
from coldframe.core.offers import SignedUrls
from coldframe.core.paging import Pager
from coldframe.core.seal import Seal
from coldframe.core.service import Service
from coldframe.core.store import Store, StoreError
from coldframe.engines.catalog import engines, probe
from coldframe.gateway.app import Gateway
from coldframe.gateway.loopback import Loopback
from coldframe.gateway.signed_urls import GatewaySignedUrls
from coldframe.identity import bootstrap
from coldframe.identity import records as identity
from coldframe.identity.credentials import LongLived
from coldframe.identity.last_use import LastUse
from coldframe.identity.permissions import Permissions
from coldframe.identity.secret_keys import SecretKeys
from coldframe.jobs import journal as jobs
from coldframe.jobs import recovery
from coldframe.jobs.attempt import Timing
from coldframe.jobs.holding import Gate
from coldframe.jobs.job import Job, Registry
from coldframe.jobs.runner import Runner
from coldframe.jobs.schedule import Periodic, Schedule, ScheduleRow
from coldframe.server import files
from coldframe.server.kernel_secret_keys import secrets_in_kernel
from coldframe.server.master_key import open_master_key
from coldframe.server.services import SERVICES
from coldframe.services.kms.private_keys import PrivateKeys


@dataclass(slots=True)
class Assembly:
    """Everything of a running server, for the listener, the control endpoints and the tests."""

    installation: Installation
    services: dict[str, Service]
    gateway: Gateway
    runner: Runner

    def reset(self) -> None:
        """Empty every service, and make the management account anew (dev mode)."""
        for service in self.services.values():
            empty = getattr(service.module("engines"), "empty", None)
            if empty is not None:
                empty(self.installation)
        self.installation.store.empty()
        self.installation.parts.get(SecretKeys).forget_all()
        bootstrap.set_up(self.installation)

    def engines(self) -> dict[str, str]:
        """Return the version of each engine on this machine, or "missing"."""
        found = map(probe, engines())
        return {each.engine.name: each.version or "missing" for each in found}


@contextlib.contextmanager
def assemble(settings: Settings, clock: Clock | None = None) -> Iterator[Assembly]:
    """Put a server together on its data directory; everything is closed in reverse order when the block ends."""
    refuse_unfinished(settings.data_dir)
    if settings.data_dir.exists() and not settings.data_dir.is_dir():
        raise StoreError(f"{settings.data_dir} is no directory; choose another one with --data")
    make_folder(settings.data_dir)
    # A user who may only pass through (engines/accounts.py) stays; that others may read or write does not.
    if settings.data_dir.stat().st_mode & 0o066:
        settings.data_dir.chmod(0o700)
    with contextlib.ExitStack() as stack:
        clock = clock or Clock()
        store = Store.open(settings.database_url, exclusive=True)
        stack.callback(store.close)
        services = {service.name: service for service in map(Service, SERVICES)}
        store.prepare(
            [
                *identity.RECORDS,
                *jobs.TABLES,
                ScheduleRow,
                *(kind for service in services.values() for kind in service.records),
            ]
        )
        _refuse_without_accounts(settings, store)
        held = open_master_key(settings, stack)
        seal = Seal(held.master)
        installation = Installation(settings, clock, store, seal, Pager(seal.key("pagination")))
        rungs = secrets_in_kernel(held)
        parts = installation.parts
        stack.callback(parts.close)
        parts.provide(Permissions, lambda: Permissions(store, lenient=settings.dev))
        parts.provide(SecretKeys, lambda: SecretKeys(seal, clock, rungs))
        parts.provide(LongLived, lambda: LongLived(installation))
        parts.provide(LastUse, lambda: LastUse(store))
        parts.provide(SignedUrls, lambda: GatewaySignedUrls(installation))
        for service in services.values():
            engines = service.module("engines")
            if engines is not None:
                engines.provide(installation)
        parts.provide(PrivateKeys, _private_keys)
        gateway = Gateway(installation, services)
        installation.clients = Loopback(gateway)
        timing = Timing(clock.seconds)
        runner = Runner(store, Registry(_jobs(services)), timing=timing, new_id=ids.uuid, parts=parts.get)
        gates = {"rds": Gate(settings.data_dir / "databases")}
        runner.gate = lambda name: gates.get(name.partition(".")[0])
        installation.start_job = runner.start
        stack.callback(runner.close)
        schedule = Schedule(store, periodic_work(services, installation), timing)
        stack.callback(schedule.close)
        assembly = Assembly(installation, services, gateway, runner)
        _come_alive(installation, services)
        runner.open()
        schedule.open()
        yield assembly


def _refuse_without_accounts(settings: Settings, store: Store) -> None:
    """Refuse a store that has nothing where a server has served: objects and logs would be swept as what nothing names.

    Raises StoreError. What dev mode empties it makes again.
    """
    if settings.dev or not (settings.data_dir / files.SERVER).exists():
        return
    with store.read() as transaction:
        if not transaction.records("", "").count(identity.Account):
            named = (
                "the store that was named"
                if settings.store_url
                else settings.database_url[len("sqlite:///") :]
            )
            raise StoreError(
                f"{named} has no account, although a server has run on {settings.data_dir} before (it left {files.SERVER}):"
                " put the store of then back, as from a backup, or begin with another data directory"
            )


def _come_alive(installation: Installation, services: Mapping[str, Service]) -> None:
    """Let the services settle in a copy that a backup made, of which this is the first start; it is no backup from then on."""
    with taken_into_use(installation.settings.data_dir) as first:
        for service in services.values() if first else ():
            restored = service.module("restored")
            if restored is not None:
                restored.settle(installation)


def _private_keys() -> PrivateKeys:
    from coldframe.server.kernel_private_keys import private_keys

    return private_keys()


def _jobs(services: Mapping[str, Service]) -> Iterator[Job[...]]:
    """Give every job that a service's jobs.py declares."""
    for service in services.values():
        yield from (item for item in _members(service.module("jobs")) if isinstance(item, Job))


def periodic_work(services: Mapping[str, Service], installation: Installation) -> Iterator[Periodic]:
    """Give identity's and the journal's periodic work, and that of every jobs.py with a `periodic(installation)`."""
    yield Periodic("identity: last use", installation.parts.get(LastUse).flush, every=60.0)
    yield Periodic("jobs: forget finished ones", partial(_forget_finished_jobs, installation))
    for service in services.values():
        periodic = getattr(service.module("jobs"), "periodic", None)
        if periodic is not None:
            yield from periodic(installation)


def _forget_finished_jobs(installation: Installation) -> None:
    recovery.forget_finished(installation.store, installation.clock.seconds() - recovery.KEPT_SECONDS)


def _members(module: ModuleType | None) -> list[object]:
    return [] if module is None else list(vars(module).values())
