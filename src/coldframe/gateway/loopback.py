"""A botocore client whose transport is this server's own gateway: how services call each other."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from coldframe.core.wire import WireRequest
from coldframe.gateway.app import Gateway
from coldframe.identity.caller import Caller

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse


class _Raw:
    """An answer's body as botocore reads it from a connection: piece by piece, so that a live tail can be followed."""

    def __init__(self, body: bytes | Iterator[bytes]) -> None:
        self._body = iter([body]) if isinstance(body, bytes) else body
        self._rest = b""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Give what has come, as it comes."""
        if self._rest:
            rest, self._rest = self._rest, b""
            yield rest
        yield from self._body

    def read(self, amount: int | None = None, *_: Any, **__: Any) -> bytes:
        """Return that many bytes, fewer at the end; all of them without a number."""
        if amount is None:
            return b"".join(self.stream())
        while len(self._rest) < amount:
            chunk = next(self._body, None)
            if chunk is None:
                break
            self._rest += chunk
        taken, self._rest = self._rest[:amount], self._rest[amount:]
        return taken

    def close(self) -> None:
        """Let go of a body that is not read to its end."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


_KEPT = 32


class Loopback:
    """Makes clients that act as a given principal, and keeps the last few: making one costs several milliseconds."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], tuple[Caller, Any]] = OrderedDict()

    @cached_property
    def _session(self) -> Any:
        from botocore.session import Session

        return Session()

    def __call__(self, service: str, *, principal: Caller, region: str, via: str = "") -> Any:
        """Return a client of `service` that acts as `principal` in `region`; nothing leaves this process.

        `via` is the endpoint prefix of the service that passes on what the principal asked it for.
        """
        slot = (service, region, via, *principal.key)
        with self._lock:
            found = self._kept.get(slot)
            # Two callers with one key may still differ, in the time of their session or the resource they act for.
            if found is not None and found[0] == principal:
                self._kept.move_to_end(slot)
                return found[1]
        client = self._made(service, principal, region, via)
        with self._lock:
            self._kept[slot] = (principal, client)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return client

    def _made(self, service: str, principal: Caller, region: str, via: str) -> Any:
        # Imported when services first call each other, as is the session: an idle server needs none of it.
        from botocore import UNSIGNED
        from botocore.awsrequest import AWSResponse
        from botocore.compat import HTTPHeaders
        from botocore.config import Config

        client = self._session.create_client(
            self._gateway.services[service].manifest.model,
            region_name=region,
            endpoint_url="http://loopback.invalid",
            config=Config(
                signature_version=UNSIGNED,
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                # The bucket stays in the path: a host of its own would not be this one.
                s3={"addressing_style": "path"},
            ),
        )

        def send(request: "AWSPreparedRequest", **_: Any) -> "AWSResponse":
            answer = self._gateway.handle_as(_wire(request), service, principal, region, via)
            headers = HTTPHeaders()
            for name, value in answer.headers.items():
                headers[name] = value
            return AWSResponse(request.url, answer.status, headers, _Raw(answer.body))

        events: Any = client.meta.events
        events.register("before-send.*", send)
        return client


def _wire(request: "AWSPreparedRequest") -> WireRequest:
    path = request.url.removeprefix("http://loopback.invalid")
    path, _, query = path.partition("?")
    body: Any = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    headers = {
        key.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for key, value in request.headers.items()
    }
    return WireRequest(
        request.method,
        path or "/",
        query,
        headers,
        body.encode() if isinstance(body, str) else body,
        secure=True,
    )
