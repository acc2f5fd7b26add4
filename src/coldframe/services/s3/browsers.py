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
    return allowed(_rules(installation, request), request.headers["origin"], request.method) or {}


def preflight(installation: Installation, request: WireRequest) -> WireResponse:
    """Answer an OPTIONS request: 200 with what is allowed, 403 for what no rule allows, 400 for what is no preflight."""
    origin = request.headers.get("origin")
    method = request.headers.get("access-control-request-method")
    if not origin or not method:
        text = "Insufficient information. Origin request header needed."
        return _refused(400, "BadRequest", text)
    asked = [
        name.strip().lower()
        for name in request.headers.get("access-control-request-headers", "").split(",")
        if name.strip()
    ]
    found = allowed(_rules(installation, request), origin, method, asked)
    if found is None:
        text = "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin,"
        text += " request method / Access-Control-Request-Method or Access-Control-Request-Headers are not"
        return _refused(403, "AccessForbidden", f"{text} whitelisted by the resource's CORS spec.")
    return WireResponse(200, found, b"")


def _rules(installation: Installation, request: WireRequest) -> Sequence[dict[str, Any]]:
    name = unquote(request.path.split("/", 2)[1]) if request.path.startswith("/") else ""
    bucket = installation.store.cached(Bucket, "", "", name)
    rules: Sequence[dict[str, Any]] = bucket.settings.get("cors", {}).get("CORSRules", []) if bucket else []
    return rules


def _refused(status: int, code: str, message: str) -> WireResponse:
    request_id = ids.uuid()
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>"
    head = {"content-type": "application/xml", "x-amz-request-id": request_id}
    return WireResponse(status, head, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())
