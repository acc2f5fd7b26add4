"""The databases of this installation: from records to what the engines and their endpoints take, and where it lies."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from coldframe.core.faults import InternalFailure
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.database import DatabaseEngine, DatabaseError, InstanceSpec, Login, Version
from coldframe.engines.endpoint import Endpoints, EndpointSpec
from coldframe.services.rds import engine_names, specs
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.encryption import Encryption
from coldframe.services.rds.faults import bad_combination
from coldframe.services.rds.records import Endpoint, Instance, Snapshot

if TYPE_CHECKING:
    from coldframe.services.rds.certificates import Authority

T = TypeVar("T")

_PURPOSE = "rds: master password"
# The socket in an endpoint's folder where it asks whether a token is good.
SIGN_IN = "sign-in.sock"


class Databases:
    """Engines and endpoints by the name that RDS gives the engine; each is made when it is first asked for.

    Everything of an instance lies in `databases/` of the data directory, below its resource id.
    """

    def __init__(
        self,
        installation: Installation,
        engines: Mapping[str, Callable[[], DatabaseEngine]],
        endpoints: Mapping[str, Callable[[], Endpoints]],
    ) -> None:
        self.root = installation.settings.data_dir / "databases"
        self.clock = installation.clock
        self.store = installation.store
        self.settings = installation.settings
        self.encryption = Encryption(installation, self.root)
        # How many looks in a row the readers of clusters have not followed, by resource id; the look at a cluster alone counts.
        self.idle: dict[str, int] = {}
        self._installation = installation
        self._engines, self._endpoints = engines, endpoints
        self._made: dict[str, DatabaseEngine] = {}
        self._doors: dict[str, Endpoints] = {}
        self._turns: dict[str, threading.RLock] = {}

    @property
    def authority(self) -> "Authority":
        """Who signs the certificates of the endpoints."""
        from coldframe.services.rds.certificates import Authority

        return self._installation.parts.get(Authority)

    def engine(self, name: str) -> DatabaseEngine:
        """Return the engine that RDS calls `name`; raises DatabaseError when this installation has none."""
        part = engine_names.named(name).part
        if part not in self._engines:
            raise DatabaseError(
                f"no engine for {name} is here", f"install it: coldframe engines install {part}"
            )
        return self._once(self._made, self._engines, part)

    def endpoints(self, name: str) -> Endpoints:
        """Return what runs the endpoints of an engine; raises DatabaseError when this installation has none."""
        part = engine_names.named(name).part
        if part not in self._endpoints:
            raise DatabaseError(
                f"no endpoint for {name} is here", f"install it: coldframe engines install {part}"
            )
        return self._once(self._doors, self._endpoints, part)

    def _once(self, made: dict[str, T], makers: Mapping[str, Callable[[], T]], part: str) -> T:
        """Make a part when it is first needed, and no second one: who changes an instance waits by locks that its engine has."""
        if part not in made:
            with self._installation.parts.loading:
                if part not in made:
                    made[part] = makers[part]()
        return made[part]

    def turn(self, endpoint: str) -> threading.RLock:
        """Return the lock of one endpoint: whoever starts, sends or ends its process, or removes its folder, holds it meanwhile.

        That of a deployment is held by whoever sees to its green side; that of a cluster by whoever changes which of its
        readers acknowledge, and a failover begins when nobody does.
        """
        return self._turns.setdefault(endpoint, threading.RLock())

    def versions(self, name: str) -> list[Version]:
        """Return the installed versions of an engine, oldest first; none when the engine is not here."""
        part = engine_names.named(name).part
        return list(self.engine(name).versions()) if part in self._engines else []

    def version(self, name: str, wanted: str = "") -> str:
        """Return the installed version that a full or a major number means, the newest of it; raises InvalidParameterCombination."""
        installed = [version.number for version in self.versions(name)]
        if wanted in installed:
            return wanted
        if not wanted:
            found = self._preferred(name, installed)
        else:
            found = [number for number in installed if number.startswith(f"{wanted}.")]
        if not found:
            known = (
                ", ".join(installed)
                or f"none; run: coldframe engines install {engine_names.named(name).part}"
            )
            raise bad_combination(
                f"Cannot find version {wanted or 'any'} for {name}. Installed here: {known}"
            )
        return found[-1]

    def spec(self, instance: Instance) -> InstanceSpec:
        """Return what an engine is told of an instance."""
        return specs.of_instance(self.settings, instance)

    def socket(self, instance: Instance) -> Path:
        """Start an instance (or find it running) and return its socket; raises DatabaseError, KeyInaccessible."""
        spec = self.spec(instance)
        # Whatever has become of its folder: nothing is laid in clear where it was encrypted.
        self.encryption.make_folder(spec.folder, instance.encryption)
        self.encryption.unlock(spec.folder, instance.encryption)
        return self.engine(instance.engine).start(spec).socket

    def door(self, endpoint: Endpoint) -> EndpointSpec:
        """Return what an endpoint's process is told, with the certificate that it shows."""
        folder = self.root / "endpoints" / endpoint.id
        certificate, key = self.authority.certificate(folder, endpoint.address)
        return EndpointSpec(
            name=endpoint.id,
            engine=engine_names.named(endpoint.engine).part,
            address=endpoint.address,
            port=endpoint.port,
            folder=folder,
            certificate=certificate,
            key=key,
            sign_in=folder / SIGN_IN if endpoint.tokens else None,
        )

    def copy_of(self, snapshot: Snapshot | ClusterSnapshot) -> Path:
        """Return the folder of a snapshot's copy."""
        return self.root / "snapshots" / snapshot.folder

    def archive_of(self, resource_id: str, major: str = "") -> Path:
        """Return the folder where the changes of an instance are archived for restores to a moment.

        `major` is an older major version that it had: its archive is apart, no other can read it.
        """
        return self.root / "archive" / (f"{resource_id}-{major}" if major else resource_id)

    def begin(self, records: Records, job: Any, *args: Any) -> None:
        """Start a job in the transaction of `records`, on behalf of RDS itself."""
        if self._installation.start_job is None:
            raise InternalFailure("this server runs no jobs")
        self._installation.start_job(records, job, *args, caller="rds.amazonaws.com")

    def sealed(self, resource_id: str, password: str) -> str:
        """Return a password sealed for a job's arguments; it opens for this instance alone."""
        return self._installation.seal.seal(_PURPOSE, resource_id, password.encode()).hex()

    def login(self, instance: Instance | Cluster, sealed: str) -> Login:
        """Return the master user with the password that was sealed."""
        opened = self._installation.seal.open(_PURPOSE, instance.resource_id, bytes.fromhex(sealed))
        return Login(instance.master, opened.decode())

    def _preferred(self, name: str, installed: list[str]) -> list[str]:
        """Return the versions to choose from when none was named: those of the oldest major, which the system itself has."""
        engine = engine_names.named(name)
        return [number for number in installed if engine.major(number) == engine.major(installed[0])]
