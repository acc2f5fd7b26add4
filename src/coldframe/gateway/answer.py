"""From a handler's result, or a fault, to the bytes that go back."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import msgspec

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.gateway.exchange import Exchange
from coldframe.gateway.protocols import query_json


def result(exchange: Exchange) -> WireResponse:
    """Serialise what the handler returned by the request's protocol; a generator's last item once it comes."""
    if isinstance(exchange.result, Generator):
        head = exchange.protocol.answer(exchange.operation, {}, exchange.request_id)
        return WireResponse(head.status, head.headers, _late(exchange, exchange.result))
    response = exchange.protocol.answer(exchange.operation, exchange.result or {}, exchange.request_id)
    if exchange.call is not None and exchange.call.withheld is not None and isinstance(response.body, bytes):
        # Of a stated length, so that it is sent as it lies, without being copied into a chunk's frame.
        response.headers["content-length"] = str(len(response.body))
        response.body = exchange.call.withheld.into(response.body)
    return response


def _late(exchange: Exchange, results: Generator[Any, None, None]) -> Iterator[bytes]:
    """Give the body of an answer that is waited for, and nothing in between, so that a client that left is noticed."""
    # The exchange has the generator as well, so that it would not end with this one but whenever garbage is collected:
    # in any thread, between any two steps, and then it takes locks that this very thread may be holding.
    with closing(results):
        for found in results:
            if found is None:
                yield b""
            else:
                body = exchange.protocol.answer(exchange.operation, found, exchange.request_id).body
                assert isinstance(body, bytes), "an event stream is no answer that comes late"
                yield body
                return


def fault(exchange: Exchange, error: ServiceFault) -> WireResponse:
    """Serialise a fault in the shape of the request's service and protocol."""
    denied = exchange.service.manifest.faults.denied
    if error.code == "AccessDenied" and denied:
        error = ServiceFault(denied, error.message, status=error.status, **error.members)
    return exchange.protocol.fault(exchange.service.model, exchange.operation, error, exchange.request_id)


def fault_without_service(request: WireRequest, error: ServiceFault, request_id: str) -> WireResponse:
    """Serialise a fault of a request that could not be told to any service: JSON when it looks so, else XML."""
    headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": error.code}
    if "json" in request.headers.get("content-type", "") or "x-amz-target" in request.headers:
        body = msgspec.json.encode({"__type": error.code, "message": error.message})
        return WireResponse(
            error.status or 400, {**headers, "content-type": "application/x-amz-json-1.1"}, body
        )
    if error.code == "UnknownOperationException" and not error.message:
        return WireResponse(404, {**headers, "content-type": "text/xml"}, b"<UnknownOperationException/>\n")
    if query_json.asked_for(request.headers):
        body = query_json.fault_document(error.code, error.message, request_id, sender=True)
        return WireResponse(error.status or 400, {**headers, "content-type": query_json.CONTENT_TYPE}, body)
    said = f"<Code>{_escape(error.code)}</Code><Message>{_escape(error.message)}</Message>"
    if "/ec2/aws4_request" in request.headers.get("authorization", ""):
        # EC2 alone wraps its errors otherwise, and SDKs of Go read no word of them in another form.
        text = (
            f"<Response><Errors><Error>{said}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return WireResponse(error.status or 400, {**headers, "content-type": "text/xml"}, text.encode())


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
