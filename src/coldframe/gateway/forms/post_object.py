"""From a form to PutObject: the form's policy says who puts, its fields what is put, its file the bytes."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from defusedxml import ElementTree

from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.wire import BodyStream, WireRequest, WireResponse, latin
from coldframe.gateway.forms.multipart import Form, read_form
from coldframe.gateway.forms.policy import check_policy, signer_of
from coldframe.gateway.hosts import virtual_host_bucket
from coldframe.identity import credentials
from coldframe.identity.caller import Caller

# Fields that are headers of PutObject under another name; the others have the header's own.
_HEADERS = {"acl": "x-amz-acl"}
_PLAIN = frozenset({"cache-control", "content-type", "content-disposition", "content-encoding", "expires"})
_NO_HEADER = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-signature",
        "x-amz-security-token",
        "x-amz-content-sha256",
    }
)

Put = Callable[[WireRequest, Caller, str], WireResponse]


class _Upload(NamedTuple):
    """Who puts, in which region, and how long the file may be."""

    principal: Caller
    region: str
    length: tuple[int, int] | None


def is_form(request: WireRequest) -> bool:
    """Tell whether a request is the upload of a form to a bucket, from its line and headers alone."""
    if request.method != "POST" or request.query or "x-amz-target" in request.headers:
        return False
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return False
    return bool(_bucket(request))


def post_object(installation: Installation, request: WireRequest, put: Put) -> WireResponse:
    """Answer the upload; `put` answers a PutObject on behalf of a principal. Raises ServiceFault."""
    bucket = _bucket(request)
    chunks = request.stream.chunks if request.stream is not None else iter((request.body,))
    form = read_form(request.headers["content-type"], chunks)
    key = form.fields.get("key")
    if not key:
        text = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        raise ServiceFault("InvalidArgument", text, status=400, ArgumentName="key", ArgumentValue="")
    if form.filename:
        # The policy is held against the key that is meant.
        key = form.fields["key"] = key.replace("${filename}", form.filename)
    upload = _upload(installation, form, bucket)
    headers = {"host": request.headers.get("host", "localhost"), **_headers(form.fields)}
    path = f"/{quote(bucket)}/{quote(key)}"
    if virtual_host_bucket(headers["host"]) is not None:
        headers["host"] = headers["host"].partition(".")[2]
    put_request = WireRequest("PUT", path, "", headers, b"", secure=request.secure, peer=request.peer)
    put_request.stream = BodyStream(_within(form.file, upload.length))
    answer = put(put_request, upload.principal, upload.region)
    if answer.status != 200:
        return answer
    scheme = "https" if request.secure else "http"
    location = f"{scheme}://{headers['host']}/{bucket}/{quote(key, safe='')}"
    return _succeeded(form.fields, answer, (bucket, key, location))


def _bucket(request: WireRequest) -> str:
    host = virtual_host_bucket(request.headers.get("host", ""))
    if host is not None:
        return host if request.path == "/" else ""
    name = request.path.strip("/")
    return "" if "/" in name else unquote(name)


def _upload(installation: Installation, form: Form, bucket: str) -> _Upload:
    """Return who puts: the signer of the policy, or nobody known where there is none."""
    fields = form.fields
    if "policy" not in fields:
        return _Upload(credentials.anonymous(), installation.settings.region, None)
    now = datetime.fromtimestamp(installation.clock.seconds(), UTC)
    claimed = fields.get("x-amz-credential", "").split("/")[0] or fields.get("awsaccesskeyid")
    if installation.settings.dev and not credentials.known(installation, claimed):
        length = check_policy(fields, bucket, now)
        return _Upload(credentials.dev_principal(claimed), installation.settings.region, length)
    # The signature first: what a policy says counts for nothing before.
    found, region = signer_of(
        fields, lambda key_id, token: credentials.find(installation, key_id, token), now
    )
    length = check_policy(fields, bucket, now)
    return _Upload(found.principal, region or installation.settings.region, length)


def _headers(fields: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    for name, value in fields.items():
        header = _HEADERS.get(name, name)
        if name == "tagging":
            headers["x-amz-tagging"] = _tagging(value)
        elif name in _PLAIN:
            # Recorded: what the one character set of HTTP's headers does not have becomes a space.
            headers[header] = latin("".join(one if one <= "\xff" else " " for one in value))
        elif header.startswith("x-amz-meta-") and "=?" in value:
            # Recorded: words that are encoded as for mail are decoded of headers alone.
            headers[header] = f"=?UTF-8?B?{b64encode(value.encode()).decode()}?="
        elif header.startswith("x-amz-") and name not in _NO_HEADER:
            headers[header] = value
    return headers


def _tagging(text: str) -> str:
    """Return the tags of a document as the header has them."""
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        raise _malformed_xml() from None
    pairs = []
    for tag in root.iter():
        if tag.tag.rpartition("}")[2] == "Tag":
            parts = {child.tag.rpartition("}")[2]: child.text or "" for child in tag}
            if parts.keys() != {"Key", "Value"}:
                raise _malformed_xml()
            pairs.append((parts["Key"], parts["Value"]))
    return urlencode(pairs)


def _within(chunks: Iterator[bytes], length: tuple[int, int] | None) -> Iterator[bytes]:
    if length is None:
        yield from chunks
        return
    least, most = length
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            text = "Your proposed upload exceeds the maximum allowed size"
            raise ServiceFault(
                "EntityTooLarge", text, status=400, ProposedSize=str(size), MaxSizeAllowed=str(most)
            )
        yield chunk
    if size < least:
        text = "Your proposed upload is smaller than the minimum allowed size"
        raise ServiceFault(
            "EntityTooSmall", text, status=400, ProposedSize=str(size), MinSizeAllowed=str(least)
        )


def _succeeded(fields: Mapping[str, str], answer: WireResponse, made: tuple[str, str, str]) -> WireResponse:
    """Answer as the form asks: with a redirect, with a document (201), or with nothing (200, and 204 by default)."""
    bucket, key, location = made
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    headers["location"] = location
    etag = next((value for name, value in headers.items() if name.lower() == "etag"), "")
    target = fields.get("success_action_redirect") or fields.get("redirect")
    if target and urlsplit(target).scheme in {"http", "https"}:
        parts = urlsplit(target)
        told = urlencode({"bucket": bucket, "key": key, "etag": etag})
        query = f"{parts.query}&{told}" if parts.query else told
        headers["location"] = urlunsplit(parts._replace(query=query))
        return WireResponse(303, headers, b"")
    if fields.get("success_action_status") == "201":
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>{escape(location)}</Location>'
            f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key><ETag>{escape(etag)}</ETag></PostResponse>"
        )
        return WireResponse(201, {**headers, "content-type": "application/xml"}, body.encode())
    return WireResponse(200 if fields.get("success_action_status") == "200" else 204, headers, b"")


def _malformed_xml() -> ServiceFault:
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceFault("MalformedXML", text, status=400)
