"""What browsers of other origins are told: preflights answered, and headers added to answers, by a bucket's CORS rules."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from coldframe.core import ids
from coldframe.core.installation import Installation
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.services.s3.cors import allowed
from coldframe.services.s3.records import Bucket


def headers(installation: Installation, request: WireRequest) -> dict[str, str]:
    """Return what is added to the answer of a request that has an Origin; nothing where no rule fits."""
    # Recorded: who names a method or headers, as in a preflight, is held to them here, too.
    method = request.headers.get("access-control-request-method") or request.method
    rules = _rules(_bucket(installation, request))
    return allowed(rules, request.headers["origin"], method, _asked(request)) or {}


def preflight(installation: Installation, request: WireRequest) -> WireResponse:
    """Answer an OPTIONS request: 200 with what is allowed, 403 for what no rule allows, 400 for what is no preflight."""
    origin = request.headers.get("origin")
    method = request.headers.get("access-control-request-method")
    if not origin:
        text = "Insufficient information. Origin request header needed."
        return _refused(400, "BadRequest", text)
    bucket = _bucket(installation, request)
    if bucket is None:
        return _forbidden(request, "Bucket not found", "BUCKET")
    if not _rules(bucket):
        return _forbidden(request, "CORS is not enabled for this bucket.", "BUCKET")
    if not method:
        return _refused(400, "BadRequest", "Invalid Access-Control-Request-Method: null")
    found = allowed(_rules(bucket), origin, method, _asked(request))
    if found is None:
        # The spelling is AWS's.
        text = "This CORS request is not allowed. This is usually because the evalution of Origin,"
        text += " request method / Access-Control-Request-Method or Access-Control-Request-Headers are not"
        text += " whitelisted by the resource's CORS spec."
        return _forbidden(request, text, "OBJECT" if request.path.strip("/").count("/") else "BUCKET")
    request_id = ids.uuid()
    found |= {"x-amz-request-id": request_id, "x-amz-id-2": ids.uuid(), "server": "AmazonS3"}
    return WireResponse(200, found, b"")


def _asked(request: WireRequest) -> list[str]:
    names = request.headers.get("access-control-request-headers", "").split(",")
    return [name.strip().lower() for name in names if name.strip()]


def _bucket(installation: Installation, request: WireRequest) -> Bucket | None:
    name = unquote(request.path.split("/", 2)[1]) if request.path.startswith("/") else ""
    return installation.store.cached(Bucket, "", "", name)


def _rules(bucket: Bucket | None) -> Sequence[dict[str, Any]]:
    rules: Sequence[dict[str, Any]] = bucket.settings.get("cors", {}).get("CORSRules", []) if bucket else []
    return rules


def _forbidden(request: WireRequest, why: str, kind: str) -> WireResponse:
    method = request.headers.get("access-control-request-method") or request.method
    return _refused(403, "AccessForbidden", f"CORSResponse: {why}", Method=method, ResourceType=kind)


def _refused(status: int, code: str, message: str, **members: str) -> WireResponse:
    request_id = ids.uuid()
    more = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items())
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{more}<RequestId>{request_id}</RequestId>"
    host_id = ids.uuid()
    text += f"<HostId>{host_id}</HostId></Error>"
    head = {"content-type": "application/xml", "x-amz-request-id": request_id, "x-amz-id-2": host_id}
    head["server"] = "AmazonS3"
    return WireResponse(status, head, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())
