"""What a site answers by itself, in AWS's words: pages that tell an error, and redirects.

The texts and headers are those that AWS was recorded to answer.
"""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from coldframe.core import ids
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireResponse

# The members of a fault that a page tells, in their order.
_TOLD = (
    "Key",
    "BucketName",
    "Method",
    "ResourceType",
    "Condition",
    "RangeRequested",
    "ActualObjectSize",
    "Endpoint",
)
_DOCUMENT_FAILED = "An Error Occurred While Attempting to Retrieve a Custom Error Document"
# Without a word of its own the refusal would tell who is refused, which only the API does.
_DENIED = "Access Denied"


def error_page(fault: ServiceFault, of_document: ServiceFault | None = None) -> WireResponse:
    """Answer the page of an error; `of_document` is what kept the site's own error document from being shown."""
    status = HTTPStatus(fault.status or 500)
    headers = headers_of_error(fault)
    title = f"{status.value} {status.phrase}"
    said = [*_items(fault), f"RequestId: {headers['x-amz-request-id']}", f"HostId: {headers['x-amz-id-2']}"]
    lines = ["<html>", f"<head><title>{title}</title></head>", "<body>", f"<h1>{title}</h1>", *_list(said)]
    if of_document is not None:
        lines += [f"<h3>{_DOCUMENT_FAILED}</h3>", *_list(_items(of_document))]
    body = "\n".join([*lines, "<hr/>", "</body>", "</html>", ""])
    return WireResponse(status.value, headers | {"content-type": "text/html; charset=utf-8"}, body.encode())


def headers_of_error(fault: ServiceFault) -> dict[str, str]:
    """Return the headers that tell an error, beside its page or the site's own error document."""
    headers = {"x-amz-error-code": fault.code, "x-amz-error-message": _message(fault), **_ids()}
    for name in _TOLD:
        if name in fault.members:
            headers[f"x-amz-error-detail-{name}"] = quote(str(fault.members[name]), safe="/ :=-")
    return headers


def redirect(location: str, status: int = 301) -> WireResponse:
    """Answer that what was asked for is elsewhere."""
    return WireResponse(status, {"location": location, **_ids()}, b"")


def found(location: str) -> WireResponse:
    """Answer that a folder was asked for without the slash that ends its name."""
    page = error_page(ServiceFault("Found", "Resource Found", status=302))
    page.headers["location"] = location
    return page


def not_modified(headers: Mapping[str, str]) -> WireResponse:
    """Answer that the browser has the bytes already."""
    return WireResponse(304, {**headers, **_ids()}, b"")


def _ids() -> dict[str, str]:
    return {"x-amz-request-id": ids.uuid(), "x-amz-id-2": ids.uuid(), "server": "AmazonS3"}


def _items(fault: ServiceFault) -> list[str]:
    told = [f"{name}: {fault.members[name]}" for name in _TOLD if name in fault.members]
    return [f"Code: {fault.code}", f"Message: {_message(fault)}", *told]


def _message(fault: ServiceFault) -> str:
    return _DENIED if fault.code == "AccessDenied" else fault.message


def _list(items: list[str]) -> list[str]:
    return ["<ul>", *(f"<li>{escape(item, quote=False)}</li>" for item in items), "</ul>"]
