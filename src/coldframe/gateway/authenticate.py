"""Who is calling: the signature is checked and becomes a principal."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from botocore.model import ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.exchange import Exchange
from coldframe.gateway.hosts import virtual_host_bucket
from coldframe.gateway.signature import Expectation, Family, Secret, Verified, verify
from coldframe.gateway.signature.chunked import CHUNKED, UNSIGNED_CHUNKS, decode_body, decode_stream
from coldframe.gateway.url_headers import with_headers_of_url
from coldframe.identity import credentials
from coldframe.identity.caller import Caller
from coldframe.identity.last_use import LastUse, Use

# By the protocol that the caller speaks: older clients of a service speak another one than its model says first.
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("query", "query-json"), "query"),
    "ec2": "ec2",
    "rest-xml": "s3",
    "rest-json": "rest-json",
}
_HEADER = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/").search
_QUERY = re.compile(r"(?:^|&)X-Amz-Credential=([^&]+)").search
_OLD_HEADER = re.compile(r"AWS ([^:\s]+):").match
_OLD_QUERY = re.compile(r"(?:^|&)AWSAccessKeyId=([^&]+)").search
# Names of buckets stand in hosts too, so that what looks like a region has to be one by its words.
_REGION_OF_HOST = re.compile(
    r"(?:^|\.)((?:af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov|us-iso[a-z]?|eu-isoe)"
    r"-(?:central|(?:north|south)(?:east|west)?|east|west)-\d)\."
).search
_QUERY_TOKEN = re.compile(r"(?:^|&)X-Amz-Security-Token=([^&]+)").search


class Claimed(NamedTuple):
    """What a request says of its signer, before anything of it is believed."""

    access_key_id: str
    region: str
    token: str | None


def check_signature(exchange: Exchange) -> None:
    """Verify the request's signature and set its principal and region; calls from inside have them already."""
    if exchange.principal is not None:
        return
    installation = exchange.installation
    request = exchange.request
    claimed = claim(request)
    manifest = exchange.service.manifest
    unsigned = manifest.anonymous or exchange.operation.name in manifest.unsigned
    if claimed is None:
        # Who signs nothing may still say where: by the host, as in sqs.eu-west-1.example.
        found = _REGION_OF_HOST(request.headers.get("host", ""))
        exchange.region = found[1] if found is not None else exchange.region
    if claimed is None and unsigned:
        exchange.principal = credentials.anonymous()
        return
    if installation.settings.dev and (
        claimed is None or not credentials.known(installation, claimed.access_key_id)
    ):
        exchange.principal = credentials.dev_principal(claimed.access_key_id if claimed else None)
        exchange.region = claimed.region if claimed and claimed.region else exchange.region
        if claimed is not None and "authorization" not in request.headers:
            _take_headers_of_url(exchange)
        # No secret is known to check chunks by: they are taken off all the same, and their checksums still count.
        if request.headers.get("x-amz-content-sha256") in CHUNKED:
            _take_chunks_off(exchange, Verified(payload=UNSIGNED_CHUNKS))
        return

    # The annotation is a string, because it would be made anew for each call.
    def find_secret(access_key_id: str) -> "Secret | None":
        found = credentials.find(installation, access_key_id, claimed.token if claimed else None)
        return None if found is None else Secret(found.key, found.principal, found.token, found.expires)

    expected = _expectation(
        exchange.service.model, exchange.protocol.name, request.headers.get("host", ""), anonymous=unsigned
    )
    seconds = installation.clock.seconds()
    verified = verify(request, find_secret, datetime.fromtimestamp(seconds, UTC), expected=expected)
    if verified.anonymous:
        exchange.principal = credentials.anonymous()
        return
    if not isinstance(verified.principal, Caller):
        raise ServiceFault("MissingAuthenticationToken", "Missing Authentication Token", status=403)
    exchange.principal = verified.principal
    exchange.region = verified.region or exchange.region
    service = exchange.service
    use = Use(int(seconds), service.model.signing_name, service.namespace, exchange.region)
    installation.parts.get(LastUse).note(verified.access_key_id, verified.principal, use)
    if verified.presigned:
        _take_headers_of_url(exchange)
    _take_chunks_off(exchange, verified)


def _take_headers_of_url(exchange: Exchange) -> None:
    if exchange.service.manifest.model == "s3":
        exchange.routed = with_headers_of_url(exchange.routed)


def _take_chunks_off(exchange: Exchange, verified: Verified) -> None:
    """Put the body that the caller means in place of the one that came."""
    request = exchange.request
    if request.stream is not None:
        exchange.routed = replace(exchange.routed, stream=decode_stream(verified, request, request.stream))
    elif verified.payload.startswith("STREAMING-"):
        payload = decode_body(verified, request)
        # What came after the body means the same as if it had come before.
        headers = {**exchange.routed.headers, **payload.trailers}
        exchange.routed = replace(exchange.routed, body=payload.body, headers=headers)


@lru_cache(maxsize=256)
def _expectation(model: ServiceModel, protocol: str, host: str, *, anonymous: bool) -> Expectation:
    """Return what is known of a call before its signature; the same for all calls of a service at one host."""
    return Expectation(
        _FAMILIES.get(protocol, "json"),
        services=frozenset({model.signing_name}),
        anonymous=anonymous,
        bucket=virtual_host_bucket(host),
    )


def claim(request: WireRequest) -> Claimed | None:
    """Return what the request claims about its signer; None when it carries no signature at all."""
    headers = request.headers
    found = _HEADER(headers.get("authorization", ""))
    if found is not None:
        return Claimed(found[1], found[2], headers.get("x-amz-security-token"))
    old = _OLD_HEADER(headers.get("authorization", ""))
    if old is not None:
        return Claimed(old[1], "", headers.get("x-amz-security-token"))
    found = _QUERY(request.query)
    if found is not None:
        parts = unquote(found[1]).split("/")
        token = _QUERY_TOKEN(request.query)
        region = parts[2] if len(parts) > 2 else ""
        return Claimed(parts[0], region, unquote(token[1]) if token else headers.get("x-amz-security-token"))
    found = _OLD_QUERY(request.query)
    if found is not None:
        return Claimed(unquote(found[1]), "", headers.get("x-amz-security-token"))
    return None
