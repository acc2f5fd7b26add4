"""The way of a request through the console: static files, session, form token, page, headers; nothing else."""

import logging
import threading
from typing import Final
from urllib.parse import urlencode

from coldframe.console import sessions, sign_in, static
from coldframe.console.app import PREFIX
from coldframe.console.pages import ROUTES
from coldframe.console.refusals import refused
from coldframe.console.regions import is_region, regions_of
from coldframe.console.render import Renderer
from coldframe.console.routes import Routes
from coldframe.console.visit import REGION_COOKIE, Visit, form_values, redirect
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.identity import credentials
from coldframe.server.assembly import Assembly

LOG: Final = logging.getLogger(__name__)
_SECURITY: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Visiting:
    """Answers every request for the console."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._installation = assembly.installation
        self._routes = Routes(ROUTES)
        self._render = Renderer(assembly)
        self._lock = threading.Lock()
        self._prepared = False

    def answer(self, request: WireRequest) -> WireResponse:
        """Answer a request; may block."""
        response = static.find(request.path)
        if response is None:
            response = self._answer(request)
            response.headers.setdefault("cache-control", "no-store")
        response.headers.update(_SECURITY)
        return response

    def _answer(self, request: WireRequest) -> WireResponse:
        now = int(self._installation.clock.seconds())
        if request.method not in {"GET", "HEAD", "POST"}:
            return self._render.problem(405, "This page is only read, or sent as a form.")
        if request.method == "POST" and not _same_origin(request):
            return self._render.problem(403, "This form was sent from another site.")
        if request.path == sign_in.PATH:
            self._prepare()
            return sign_in.answer(self._installation, self._render, request, now)
        signed_in = sessions.read(self._installation, request.headers.get("cookie", ""), now)
        if signed_in is None:
            return _to_sign_in(request)
        if request.method == "POST" and not sessions.is_token(
            signed_in.session, form_values(request).get("token", [""])[0]
        ):
            return self._render.problem(403, "The form is too old, or not from this page: load it again.")
        visit = Visit(
            request,
            self._installation,
            self._assembly.services,
            self._render,
            signed_in,
            _region(request, self._installation.settings.region),
        )
        response = self._page(visit)
        fresh = sessions.renewed(signed_in.session, now)
        if fresh is not None and "set-cookie" not in response.headers:
            response.headers["set-cookie"] = sessions.cookie(self._installation, fresh, secure=request.secure)
        return response

    def _prepare(self) -> None:
        """Load what the first page needs while the visitor types: templates, descriptions and AWS's models."""
        with self._lock:
            if self._prepared:
                return
            self._prepared = True
        threading.Thread(target=self._load, name="console-prepare", daemon=True).start()

    def _load(self) -> None:
        region = self._installation.settings.region
        count = len(self._render.catalog.groups) + len(regions_of(region))
        clients = self._installation.clients
        for name in ("cloudwatch", "rds"):
            service = self._assembly.services.get(name)
            if service is not None and clients is not None:
                count += len(service.handlers) + len(service.model.operation_names)
                clients(name, principal=credentials.root(""), region=region)
        LOG.debug("the console has read %d things ahead", count)

    def _page(self, visit: Visit) -> WireResponse:
        found = self._routes.find(visit.request.method, visit.path)
        if found is None:
            return self._render.problem(404, "There is no such page.", visit)
        if found.page is None:
            return self._render.problem(405, "This page is asked for with another method.", visit)
        visit.parts = found.parts
        try:
            return found.page(visit)
        except ClientError as error:
            return self._render.problem(*refused(error), visit)
        except ServiceFault as fault:
            return self._render.problem(fault.status or 400, fault.message, visit)


def _to_sign_in(request: WireRequest) -> WireResponse:
    """Send a browser to the sign-in and back; a script of a page learns by the status that its session is over."""
    if request.headers.get("accept", "").startswith(("application/json", "text/event-stream")):
        return WireResponse(401, {"content-type": "text/plain"}, b"The session is over.\n")
    wanted = request.path + (f"?{request.query}" if request.query else "")
    # Where a form was sent to there is the empty form again, for those that have a page of their own.
    there = request.method == "GET" or "/do/" in request.path
    asked = {"to": wanted} if there and wanted != PREFIX else {}
    if request.method == "POST":
        asked["unsent"] = "1"
    return redirect(sign_in.PATH + (f"?{urlencode(asked)}" if asked else ""))


def _same_origin(request: WireRequest) -> bool:
    """Tell whether a form comes from these pages: the browser says from where, in a header that no script can set."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return origin.partition("://")[2] == request.headers.get("host", "")


def _region(request: WireRequest, default: str) -> str:
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == REGION_COOKIE and is_region(value):
            return value
    return default
