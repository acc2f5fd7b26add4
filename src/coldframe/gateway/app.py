"""The ordered list of steps that a request takes, and nothing else."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from coldframe.core import ids
from coldframe.core.faults import InternalFailure, ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.service import Service
from coldframe.core.store import StoreError, StoreUnavailable
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway import answer, authenticate, authorize, dispatch, protocols, read, route
from coldframe.gateway.exchange import Exchange
from coldframe.gateway.forms import post_object
from coldframe.gateway.hosts import site_of, virtual_host_bucket
from coldframe.identity import credentials
from coldframe.identity.caller import Caller

LOG = logging.getLogger("coldframe.gateway")

BODY_LIMIT = 16 * 1024 * 1024
# Below this a body is quicker read whole.
STREAM_FROM = 256 * 1024
# What S3 alone answers to a method and path that are none of its operations.
_OF_NO_OPERATION = frozenset({405, 412})

Step = Callable[[Exchange], None]

STEPS: tuple[Step, ...] = (
    authenticate.check_signature,
    read.read_parameters,
    authorize.check_permission,
    dispatch.call_handler,
)


class Gateway:
    """Answers AWS requests for the services of one installation."""

    def __init__(self, installation: Installation, services: Mapping[str, Service]) -> None:
        self.installation = installation
        self.services = services
        self._by_model = {service.manifest.model: service for service in services.values()}
        self._router = route.Router({name: service.model for name, service in self._by_model.items()})

    def body_limit(self, request: WireRequest) -> int:
        """Return how many bytes of body this request may have."""
        return BODY_LIMIT

    def streams(self, request: WireRequest) -> bool:
        """Tell whether the body goes to its handler as it arrives: large ones of operations that the model streams."""
        length = request.headers.get("content-length", "")
        if request.method not in {"PUT", "POST"}:
            return False
        # Who asks before sending is told what is refused instead, so that such a body is not read before its handler runs.
        if length.isdecimal() and int(length) < STREAM_FROM and "expect" not in request.headers:
            return False
        if post_object.is_form(request):
            return True
        try:
            return bool(self._route(request).operation.has_streaming_input)
        except ServiceFault:
            return False

    def too_large(self, request: WireRequest) -> WireResponse:
        """Answer a request whose body is over the limit."""
        fault = ServiceFault(
            "RequestEntityTooLarge", f"The request body is larger than {BODY_LIMIT} bytes.", status=413
        )
        return answer.fault_without_service(request, fault, ids.uuid())

    def is_for_site(self, request: WireRequest) -> bool:
        """Tell whether a request is for a website endpoint, which answers browsers and is no API."""
        return "s3" in self.services and site_of(request.headers.get("host", "")) is not None

    def inline(self, request: WireRequest) -> WireResponse | None:
        """Answer at once an operation that its service declares quick; None sends the request to a thread."""
        if len(request.body) > 4096:
            return None
        try:
            exchange = self._route(request)
        except ServiceFault:
            return None
        if exchange.operation.name not in exchange.service.manifest.quick:
            request.found = exchange
            return None
        return self._run(exchange)

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer a request; every error becomes a fault in the shape of the request's protocol."""
        if request.method == "OPTIONS" and (response := self._preflight(request)) is not None:
            return response
        if "s3" in self.services and (site := site_of(request.headers.get("host", ""))) is not None:
            return self._for_site(request, site)
        if "s3" in self.services and post_object.is_form(request):
            response = self._post_object(request)
            return self._for_browsers(self.services["s3"], request, response)
        try:
            # Taken off the request, which the exchange refers to: nothing is left for the collector of cycles.
            found, request.found = request.found, None
            exchange = found or self._route(request)
        except ServiceFault as fault:
            if fault.status in _OF_NO_OPERATION and "s3" in self.services:
                return self._fault_of_s3(fault)
            return answer.fault_without_service(request, fault, ids.uuid())
        return self._for_browsers(exchange.service, exchange.routed, self._run(exchange))

    def _for_browsers(self, service: Service, request: WireRequest, response: WireResponse) -> WireResponse:
        """Add what a browser of another origin needs to see the answer."""
        if "origin" in request.headers:
            headers_of = getattr(service.module("browsers"), "headers", None)
            if headers_of is not None:
                response.headers |= headers_of(self.installation, request)
        return response

    def _post_object(self, request: WireRequest) -> WireResponse:
        def put(made: WireRequest, principal: Caller, region: str) -> WireResponse:
            return self.handle_as(made, "s3", principal, region)

        try:
            return post_object.post_object(self.installation, request, put)
        except ServiceFault as fault:
            return self._fault_of_s3(fault)

    def _for_site(self, request: WireRequest, site: tuple[str, str]) -> WireResponse:
        """Answer a visitor of a site, who is nobody in particular and may what the bucket lets everybody do."""
        service = self.services["s3"]

        def get(made: WireRequest, region: str) -> WireResponse:
            exchange = Exchange(self.installation, service, self._router.within(service.model, made), made)
            exchange.principal, exchange.region, exchange.inside = credentials.anonymous(), region, True
            return self._answered(exchange)

        website: Any = service.module("website")
        response: WireResponse = website.answer(self.installation, request, site, get)
        bucket, _ = site
        return self._for_browsers(service, replace(request, path=f"/{bucket}{request.path}"), response)

    def _fault_of_s3(self, fault: ServiceFault) -> WireResponse:
        model = self.services["s3"].model
        protocol = protocols.protocol_of(model, str(model.resolved_protocol))
        return protocol.fault(model, None, fault, ids.uuid())

    def _preflight(self, request: WireRequest) -> WireResponse | None:
        """Answer what a browser asks before it sends; None where no service answers browsers."""
        bucket = virtual_host_bucket(request.headers.get("host", ""))
        if bucket is not None:
            request = replace(request, path=f"/{bucket}{request.path}")
        for service in self.services.values():
            preflight = getattr(service.module("browsers"), "preflight", None)
            if preflight is not None:
                response: WireResponse = preflight(self.installation, request)
                return response
        return None

    def handle_as(
        self, request: WireRequest, service: str, principal: Caller, region: str, via: str = ""
    ) -> WireResponse:
        """Answer a call from inside, which is not signed: it acts as `principal` and is authorized like any other."""
        model = self.services[service].model
        try:
            found = self._router.within(model, request)
        except ServiceFault as fault:
            return answer.fault_without_service(request, fault, ids.uuid())
        exchange = Exchange(self.installation, self.services[service], found, request)
        exchange.principal, exchange.region, exchange.inside = principal, region, True
        exchange.via = via
        return self._run(exchange)

    def _route(self, request: WireRequest) -> Exchange:
        found = self._router.route(request)
        service = self._by_model[found.service.service_name]
        return Exchange(self.installation, service, found, request)

    def _run(self, exchange: Exchange) -> WireResponse:
        try:
            return self._answered(exchange)
        except ServiceFault as fault:
            return answer.fault(exchange, fault)

    def _answered(self, exchange: Exchange) -> WireResponse:
        """Take a request through the steps; raises ServiceFault, also for what went wrong here."""
        try:
            for step in STEPS:
                step(exchange)
            return answer.result(exchange)
        except ServiceFault:
            raise
        except StoreUnavailable as full:
            raise ServiceFault("ServiceUnavailableException", str(full), status=503) from full
        except StoreError as broken:
            LOG.error("request %s: %s failed: %s", exchange.request_id, exchange.operation.name, broken)  # noqa: TRY400
            raise InternalFailure(str(broken)) from broken
        except Exception as error:
            LOG.exception("request %s: %s failed", exchange.request_id, exchange.operation.name)
            text = f"An internal error occurred; the server's log has the cause under {exchange.request_id}."
            raise InternalFailure(text) from error
