"""Which service, operation and protocol a request means."""

import re
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from botocore.model import OperationModel, ServiceModel

from coldframe.core import former_query, models
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway import protocols
from coldframe.gateway.hosts import virtual_host_bucket
from coldframe.gateway.protocols import Protocol, query_json
from coldframe.gateway.rest_table import RestTable

MAX_INFLATED = 64 * 1024 * 1024
MAX_UNSIGNED_FORM = 256 * 1024
# What a content type has to name where a header, and not the body, says which operation is meant.
CONTENT_TYPES = {"json": "json", "smithy-rpc-v2-cbor": "cbor"}
_TABLE: dict[str, Any] = tomllib.loads(files("coldframe.gateway").joinpath("route.toml").read_text("utf-8"))
_SCOPE = re.compile(r"Credential=[^/,\s]*/\d{8}/[^/,\s]*/([^/,\s]+)/")
_SCOPE_IN_QUERY = re.compile(r"X-Amz-Credential=[^&]*?%2F\d{8}%2F[^&]*?%2F([^&]+?)%2F", re.IGNORECASE)
_CBOR_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)/?")
_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z0-9_]{1,128})(?=&|$)")
_VERSION = re.compile(rb"(?:^|&)Version=([0-9A-Za-z-]{1,32})(?=&|$)")
# Older versions of an API are taken as the newest, which has kept what they had; none is older than AWS itself.
_OLDEST = "2006-01-01"


@dataclass(slots=True, frozen=True)
class Route:
    """Where a request goes; `request` is the one to parse, path-style also where the bucket was in the host."""

    service: ServiceModel
    operation: OperationModel
    protocol: Protocol
    request: WireRequest


class Router:
    """Finds service and operation of a request among the services that this server offers."""

    def __init__(self, services: Mapping[str, ServiceModel]) -> None:
        self._services = dict(services)
        self._by_signing: dict[str, list[ServiceModel]] = {}
        self._by_target: dict[str, ServiceModel] = {}
        self._operations: dict[ServiceModel, dict[str, OperationModel]] = {}
        self._rest: dict[ServiceModel, RestTable] = {}
        for service in self._services.values():
            self._by_signing.setdefault(service.signing_name, []).append(service)
            if "targetPrefix" in service.metadata:
                self._by_target[service.metadata["targetPrefix"]] = service
            self._operations[service] = {}

    def route(self, request: WireRequest) -> Route:
        """Find the route; ServiceFault UnknownOperationException, InvalidAction or UnrecognizedClientException."""
        if "content-encoding" in request.headers:
            request = _inflated(request)
        target = request.headers.get("x-amz-target")
        if target:
            return self._route_target(request, target)
        if "smithy-protocol" in request.headers:
            match = _CBOR_PATH.fullmatch(request.path)
            if match:
                return self._named(request, self._by_target.get(match[1]), match[2], "smithy-rpc-v2-cbor")
        signed_for = _signed_for(request)
        service = (
            self._of_scope(signed_for, request) if signed_for is not None else self._of_unsigned(request)
        )
        if _is_rest(service):
            return self._route_rest(request, service)
        action = _find(_ACTION, request)
        if action is None and service.service_name in former_query.names():
            raise ServiceFault("UnknownOperationException", "", status=404)
        if action is None:
            raise ServiceFault("MissingAction", "The request names no action of the service", status=400)
        version = _find(_VERSION, request)
        if version is not None and not _OLDEST <= version <= service.api_version:
            text = f"Could not find operation {action} for version {version}"
            raise ServiceFault("InvalidAction", text, status=400)
        return self._named(request, service, action, _query_name(service))

    def within(self, service: ServiceModel, request: WireRequest) -> Route:
        """Find the route of a request that is known to be for `service`, because it came from inside."""
        target = request.headers.get("x-amz-target")
        if target:
            return self._named(request, service, target.rpartition(".")[2], "json")
        match = _CBOR_PATH.fullmatch(request.path) if "smithy-protocol" in request.headers else None
        if match:
            return self._named(request, service, match[2], "smithy-rpc-v2-cbor")
        if _is_rest(service):
            return self._route_rest(request, service)
        return self._named(request, service, _find(_ACTION, request) or "", _query_name(service))

    def _route_target(self, request: WireRequest, target: str) -> Route:
        prefix, _, name = target.rpartition(".")
        service = self._by_target.get(prefix)
        if service is None:
            raise _unknown_operation(target)
        return self._named(request, service, name, "json")

    def _named(self, request: WireRequest, service: ServiceModel | None, name: str, wire: str) -> Route:
        if service is None:
            raise _unknown_operation(name)
        if wire == "query" and (former := models.former(service.service_name)) is not None:
            return _former_query(request, former, name)
        known = self._operations[service]
        operation = known.get(name)
        if operation is None:
            if name not in service.operation_names:
                raise _no_action(service, name) if wire in {"query", "ec2"} else _unknown_operation(name)
            operation = known[name] = service.operation_model(name)
        if wire not in (service.metadata.get("protocols") or (service.metadata["protocol"],)):
            raise ServiceFault("UnknownOperationException", f"The service does not speak {wire}", status=400)
        content_type = request.headers.get("content-type")
        if content_type and wire in CONTENT_TYPES and CONTENT_TYPES[wire] not in content_type:
            text = f"The content type {content_type[:128]} is not one of this protocol"
            raise ServiceFault("UnsupportedMediaTypeException", text, status=415)
        return Route(service, operation, protocols.protocol_of(service, _answered(wire, request)), request)

    def _of_scope(self, signing_name: str, request: WireRequest) -> ServiceModel:
        candidates = self._by_signing.get(signing_name, [])
        if len(candidates) > 1:
            candidates = _narrow(candidates, signing_name, request)
        if not candidates:
            text = f"Credential should be scoped to a service that is offered here, not '{signing_name[:64]}'"
            raise ServiceFault("UnrecognizedClientException", text, status=400)
        return candidates[0]

    def _of_action(self, action: str, version: str | None) -> ServiceModel:
        found = [
            service
            for service in self._services.values()
            if service.metadata.get("protocol") in {"query", "ec2"}
            or "query" in service.metadata.get("protocols", ())
            or service.service_name in former_query.names()
            if version in {None, service.api_version} and action in service.operation_names
        ]
        if not found:
            raise ServiceFault(
                "InvalidAction", f"Could not find operation {action} for version {version}", status=400
            )
        return found[0]

    def _of_unsigned(self, request: WireRequest) -> ServiceModel:
        """Unsigned: an action that takes no signature, or a public bucket."""
        form = request.method in {"GET", "POST"} and len(request.body) <= MAX_UNSIGNED_FORM
        action = _find(_ACTION, request) if form else None
        if action is not None:
            return self._of_action(action, _find(_VERSION, request))
        s3 = self._services.get("s3")
        if s3 is None:
            raise ServiceFault(
                "MissingAuthenticationToken", "Request is missing Authentication Token", status=403
            )
        return s3

    def _route_rest(self, request: WireRequest, service: ServiceModel) -> Route:
        table = self._rest.get(service)
        if table is None:
            table = self._rest[service] = RestTable(service)
        if service.service_name == "s3":
            bucket = virtual_host_bucket(request.headers.get("host", ""))
            if bucket is not None:
                request = replace(request, path=f"/{bucket}{request.path}")
        operation = table.find(request)
        if operation is None:
            raise _no_path(service, request)
        return Route(
            service, operation, protocols.protocol_of(service, str(service.resolved_protocol)), request
        )


def _former_query(request: WireRequest, former: models.Former, name: str) -> Route:
    """Route a request of the query protocol to a service that has moved to JSON since."""
    at_path = request.path != "/" and name in former_query.wording(former.model.service_name).without_path
    if at_path or name not in former.model.operation_names:
        raise _no_action(former.model, name)
    member = former.path_member
    named = f"{member}=" in request.query or f"{member}=".encode() in request.body
    if member and request.path != "/" and not named:
        joint = "&" if request.query else ""
        request = replace(request, query=f"{request.query}{joint}{member}={quote(request.path)}")
    operation = former.model.operation_model(name)
    return Route(
        former.model, operation, protocols.protocol_of(former.model, _answered("query", request)), request
    )


def _answered(wire: str, request: WireRequest) -> str:
    """Name the protocol that answers a request of another: the query protocol has a second form for its answers."""
    return "query-json" if wire == "query" and query_json.asked_for(request.headers) else wire


def _inflated(request: WireRequest) -> WireRequest:
    """Unpack a body that a client compressed for an operation that allows it; S3 keeps what it is sent."""
    encoding = request.headers["content-encoding"].rpartition(",")[2].strip().lower()
    if encoding != "gzip" or request.body[:2] != b"\x1f\x8b" or _signed_for(request) == "s3":
        return request
    unpack = zlib.decompressobj(31)
    try:
        body = unpack.decompress(request.body, MAX_INFLATED)
    except zlib.error as error:
        raise ServiceFault("SerializationException", "The body is no gzip stream", status=400) from error
    if unpack.unconsumed_tail or not unpack.eof:
        text = "The body is cut off" if len(body) < MAX_INFLATED else "The body is too large when unpacked"
        raise ServiceFault("SerializationException", text, status=413 if len(body) >= MAX_INFLATED else 400)
    return replace(request, body=body)


def _signed_for(request: WireRequest) -> str | None:
    header = request.headers.get("authorization")
    if header:
        match = _SCOPE.search(header)
        if match:
            return match[1]
    if "X-Amz-Credential" in request.query:
        match = _SCOPE_IN_QUERY.search(request.query.replace("/", "%2F"))
        if match:
            return match[1]
    if (header and header.startswith("AWS ")) or (
        "AWSAccessKeyId=" in request.query and "Signature=" in request.query
    ):
        return "s3"  # signature version 2 names no service; S3 alone still takes it
    return None


def _find(pattern: re.Pattern[bytes], request: WireRequest) -> str | None:
    match = pattern.search(request.body)
    if match is None and request.query:
        match = pattern.search(request.query.encode(errors="replace"))
    return match[1].decode() if match else None


def _narrow(candidates: list[ServiceModel], signing_name: str, request: WireRequest) -> list[ServiceModel]:
    for rule in _TABLE.get(signing_name, ()):
        if request.path.startswith(rule.get("path", "")) and rule.get("host", "") in request.headers.get(
            "host", ""
        ):
            chosen = [service for service in candidates if service.service_name == rule["service"]]
            if chosen:
                return chosen
    version, action = _find(_VERSION, request), _find(_ACTION, request)
    return [
        one for one in candidates if one.api_version == version and action in one.operation_names
    ] or candidates


def _is_rest(service: ServiceModel) -> bool:
    return str(service.metadata["protocol"]).startswith("rest-")


def _query_name(service: ServiceModel) -> str:
    return "ec2" if service.metadata["protocol"] == "ec2" else "query"


def _unknown_operation(name: str) -> ServiceFault:
    return ServiceFault(
        "UnknownOperationException", f"The operation {name[:128]} is not known here", status=400
    )


def _no_action(service: ServiceModel, action: str) -> ServiceFault:
    wording = former_query.wording(service.service_name)
    text = wording.no_action.format(action=action, version=service.api_version)
    return ServiceFault("InvalidAction", text, status=400)


def _no_path(service: ServiceModel, request: WireRequest) -> ServiceFault:
    if request.method == "POST" and service.service_name == "s3" and not request.query:
        text = "At least one of the pre-conditions you specified did not hold"
        condition = "Bucket POST must be of the enclosure-type multipart/form-data"
        return ServiceFault("PreconditionFailed", text, status=412, Condition=condition)
    if service.metadata["protocol"] == "rest-xml":
        text = "The specified method is not allowed against this resource."
        return ServiceFault("MethodNotAllowed", text, status=405)
    return ServiceFault(
        "UnknownOperationException", f"No operation at {request.method} {request.path[:256]}", status=404
    )
