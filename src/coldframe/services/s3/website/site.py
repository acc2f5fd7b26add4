"""A visitor's request of a site: index documents, folders, redirects and error documents, read as nobody in particular."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.services.s3.lookup import newest
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import access_denied, method_not_allowed, no_such_bucket
from coldframe.services.s3.website import pages
from coldframe.services.s3.website.redirects import Asked, elsewhere, location_of, rule_for

# Answers a request of the API, as nobody, in a region; raises ServiceFault.
Get = Callable[[WireRequest, str], WireResponse]
# What a visitor may say about the document; the rest is the API's.
_PASSED_ON = (
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "referer",
    "user-agent",
)
_ABOUT_VISITOR = _PASSED_ON[-2:]
# Where AWS sends those who ask a website endpoint for no bucket.
_ABOUT = "https://aws.amazon.com/s3/"


def answer(
    installation: Installation, request: WireRequest, place: tuple[str, str], get: Get
) -> WireResponse:
    """Answer a visitor of a site; `place` is bucket and region as the host names them, each empty where it does not."""
    name, region = place
    if not name:
        return pages.redirect(_ABOUT)
    try:
        bucket = installation.store.cached(Bucket, "", "", name)
        return _Visit(installation, request, _open(bucket, request, name, region), get).answer()
    except ServiceFault as fault:
        return pages.error_page(fault)


def _open(bucket: Bucket | None, request: WireRequest, name: str, region: str) -> Bucket:
    """Return the bucket whose site is asked for; raises what keeps it from being one here."""
    if request.method not in {"GET", "HEAD"}:
        raise method_not_allowed(request.method, "OBJECT")
    if bucket is None:
        raise no_such_bucket(name)
    if region and region != bucket.region:
        text = (
            "The specified bucket exists in another region. Please direct requests to the specified endpoint."
        )
        host = request.headers.get("host", "").replace(region, bucket.region, 1)
        raise ServiceFault("IncorrectEndpoint", text, status=400, Endpoint=host)
    if "website" not in bucket.settings:
        text = "The specified bucket does not have a website configuration"
        raise ServiceFault("NoSuchWebsiteConfiguration", text, status=404, BucketName=name)
    if bucket.settings.get("request_payment", {}).get("Payer") == "Requester":
        raise access_denied()  # there is no visitor who could be asked to pay
    return bucket


class _Visit:
    """One request of a bucket that is a site."""

    def __init__(self, installation: Installation, request: WireRequest, bucket: Bucket, get: Get) -> None:
        self._installation, self._request, self._bucket, self._get = installation, request, bucket, get
        self._site: Mapping[str, Any] = bucket.settings["website"]
        query = f"?{request.query}" if request.query else ""
        scheme = "https" if request.secure else "http"
        key = unquote(request.path.removeprefix("/"))
        self._asked = Asked(scheme, request.headers.get("host", ""), key, request.path + query)

    def answer(self) -> WireResponse:
        """Answer the document, or where to go for it; raises ServiceFault."""
        if everything := self._site.get("RedirectAllRequestsTo"):
            return pages.redirect(elsewhere(everything, self._asked))
        rules, key = self._site.get("RoutingRules") or [], self._asked.key
        if rule := rule_for(rules, key):
            return pages.redirect(*location_of(rule, self._asked))
        suffix = self._site["IndexDocument"]["Suffix"]
        try:
            return self._document(f"{key}{suffix}" if not key or key.endswith("/") else key, _PASSED_ON)
        except ServiceFault as fault:
            status = fault.status or 500
            if status == 304:
                return pages.not_modified(fault.members.get("headers", {}))
            if key and not key.endswith("/") and not self._there(key) and self._there(f"{key}/{suffix}"):
                return pages.found(f"{self._request.path}/")
            if rule := rule_for(rules, key, status):
                return pages.redirect(*location_of(rule, self._asked))
            return self._failed(fault)

    def _failed(self, fault: ServiceFault) -> WireResponse:
        """Answer the site's own error document with the status of what failed, else a page that tells it."""
        document = (self._site.get("ErrorDocument") or {}).get("Key")
        if not document or not 400 <= (fault.status or 500) < 500:
            raise fault
        try:
            response = self._document(document, _ABOUT_VISITOR)
        except ServiceFault as of_document:
            return pages.error_page(fault, of_document)
        if response.status == 200:
            response.status = fault.status or 500
            response.headers |= pages.headers_of_error(fault)
        return response

    def _document(self, key: str, passed_on: tuple[str, ...]) -> WireResponse:
        """Answer an object, or where it says that it is; raises ServiceFault."""
        headers = {name: self._request.headers[name] for name in passed_on if name in self._request.headers}
        made = WireRequest(
            self._request.method,
            f"/{quote(self._bucket.name)}/{quote(key)}",
            "",
            headers,
            b"",
            secure=self._request.secure,
            peer=self._request.peer,
        )
        response = self._get(made, self._bucket.region)
        if (location := response.headers.get("x-amz-website-redirect-location")) is not None:
            if (close := getattr(response.body, "close", None)) is not None:
                close()
            return pages.redirect(location)
        return response

    def _there(self, key: str) -> bool:
        """Tell whether there is an object, which even those learn who may list nothing: by a redirect, or by none."""
        with self._installation.store.read() as transaction:
            found = newest(transaction.records("", ""), self._bucket.name, key)
        return found is not None and not found.marker
