"""What a handler gets beside its parameters: who calls, where, when, and the way to everything else."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, NoReturn, Protocol, TypeVar

from coldframe.core import arns, ids
from coldframe.core.faults import InternalFailure, ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.paging import INVALID
from coldframe.core.records import Records
from coldframe.core.service import Service
from coldframe.core.store import Transaction
from coldframe.core.withheld import Withheld

T = TypeVar("T")

Keys = Mapping[str, str | list[str]]


class Requires(Protocol):
    """Refuses a caller who may not."""

    def __call__(self, action: str, resource: str, keys: Keys | None = None) -> None:
        """Raise AccessDenied unless the caller may; `keys` are condition keys beside, or instead of, the request's."""


class Call:
    """One call of one operation: its caller, its place, its time and its transaction.

    The transaction opens at the first use of `records` and is committed by the gateway when the handler returns; an
    operation that only reads (Service.only_reads) gets a reading one. `via` is the endpoint prefix of the service that
    passes the caller's request on, empty where the caller asks itself; `trace_header` is AWS X-Ray's, as it came.
    """

    def __init__(
        self,
        installation: Installation,
        service: Service,
        operation: str,
        *,
        principal: Any,
        region: str,
        now: int,
    ) -> None:
        self.installation = installation
        self.service = service
        self.operation = operation
        self.principal = principal
        self.account: str = principal.account
        self.region = region
        self.now = now
        self.request_id = ""
        self.source_ip = "127.0.0.1"
        self.via = ""
        self.trace_header = ""
        self.endpoint = installation.settings.endpoint
        self.allowed: Callable[[str, str], bool] = _nobody
        self.require: Requires = _refuse
        self.withheld: Withheld | None = None
        self._stack: ExitStack | None = None
        self._transaction: Transaction | None = None

    @property
    def partition(self) -> str:
        """The partition of the call's region."""
        return arns.partition_of(self.region)

    @property
    def transaction(self) -> Transaction:
        """The call's one transaction."""
        if self._transaction is None:
            store = self.installation.store
            reading = self.service.only_reads(self.operation)
            self._stack = ExitStack()
            self._transaction = self._stack.enter_context(store.read() if reading else store.write())
        return self._transaction

    @property
    def records(self) -> Records:
        """The records of the caller's account in the call's region (or of the account, for account-wide services)."""
        return self.transaction.records(self.account, self.region)

    def cached(self, kind: type[T], *key: Any) -> T | None:
        """Return a committed record by its key from memory, for reads on a hot path; None when there is none."""
        return self.installation.store.cached(kind, self.account, self.region, *key)  # type: ignore[type-var]

    def arn(self, resource: str, *, region: str | None = None) -> str:
        """Return the ARN of a resource of this service in the caller's account."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{self.service.namespace}:{where}:{self.account}:{resource}"

    def new_id(self) -> str:
        """Return a random UUID."""
        return ids.uuid()

    def withhold(self, secret: bytearray) -> str:
        """Return what to answer in a secret's place: the gateway puts the secret in as the answer leaves, and wipes it."""
        self.withheld = self.withheld or Withheld()
        marker = ids.secret_key().decode().replace("/", "s").replace("+", "p")[: len(secret)]
        self.withheld.add(marker, secret)
        return marker

    def start(self, job: Any, *args: Any) -> str:
        """Start a durable job; it is journalled in this call's transaction and runs when that commits."""
        if self.installation.start_job is None:
            raise InternalFailure("this server runs no jobs")
        return self.installation.start_job(self.records, job, *args, caller=self.principal.arn)

    def part(self, kind: type[T]) -> T:
        """Return an engine (or an offer) of this installation by its type."""
        return self.installation.parts.get(kind)

    def client(self, service: str) -> Any:
        """Return a client of another service that acts as the caller; only services named in service.toml's calls."""
        if service not in self.service.manifest.calls:
            raise InternalFailure(f"{self.service.name} does not say in service.toml that it calls {service}")
        if self.installation.clients is None:
            raise InternalFailure("this server has no way to call services")
        return self.installation.clients(
            service,
            principal=self.principal,
            region=self.region,
            via=self.service.model.endpoint_prefix,
        )

    def page(self, token: str | None, *, code: str = "InvalidParameterException", text: str = INVALID) -> Any:
        """Return the position that a pagination token of this operation stands for; None without a token.

        `code` and `text` are those of the fault for a token that this operation did not give.
        """
        if token is None:
            return None
        return self.installation.pager.position(self._listing(), token, code=code, text=text)

    def token(self, position: Any) -> str:
        """Return the pagination token that stands for a position in this operation's listing."""
        return self.installation.pager.token(self._listing(), position)

    def _listing(self) -> str:
        return f"{self.service.name}.{self.operation}.{self.account}.{self.region}"

    def commit(self) -> None:
        """Commit the transaction, if one was opened."""
        if self._stack is not None:
            self._stack.close()

    def roll_back(self, error: BaseException) -> None:
        """Undo everything the call wrote."""
        if self._stack is not None:
            self._stack.__exit__(type(error), error, error.__traceback__)


def _nobody(action: str, resource: str) -> bool:
    return False


def _refuse(action: str, resource: str, keys: Keys | None = None) -> NoReturn:
    raise ServiceFault("AccessDenied", f"{action} on {resource}: nothing decides here", status=403)
