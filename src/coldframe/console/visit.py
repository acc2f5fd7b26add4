"""What a page gets: who looks, what they asked for, and clients of every service that act as them."""

import html
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlencode

from coldframe.console.sessions import SignedIn
from coldframe.core.faults import AccessDenied
from coldframe.core.installation import Installation
from coldframe.core.service import Service
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.identity.caller import Caller
from coldframe.identity.permissions import Permissions

if TYPE_CHECKING:
    from coldframe.console.resources.catalog import Catalog

REGION_COOKIE = "coldframe-region"


class Pages(Protocol):
    """What renders pages (render.Renderer)."""

    @property
    def catalog(self) -> "Catalog":
        """The resource pages that services describe."""

    def page(self, visit: "Visit", template: str, *, status: int = 200, **values: Any) -> WireResponse:
        """Render a template with the console's frame around it."""

    def problem(self, status: int, text: str, visit: "Visit | None" = None) -> WireResponse:
        """Say what went wrong."""


@dataclass(slots=True)
class Visit:
    """One request of a signed-in user."""

    request: WireRequest
    installation: Installation
    services: dict[str, Service]
    pages: Pages
    signed_in: SignedIn
    region: str
    parts: dict[str, str] = field(default_factory=dict)
    _query: dict[str, list[str]] | None = None
    _form: dict[str, list[str]] | None = None

    @property
    def principal(self) -> Caller:
        """Who looks."""
        return self.signed_in.principal

    @property
    def token(self) -> str:
        """What every form sends back, so that no other site can send it."""
        return self.signed_in.session.token

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self.request.path

    @property
    def query(self) -> dict[str, list[str]]:
        """The values in the address."""
        if self._query is None:
            self._query = parse_qs(self.request.query, keep_blank_values=True)
        return self._query

    @property
    def form(self) -> dict[str, list[str]]:
        """The values of a form that was sent."""
        if self._form is None:
            self._form = form_values(self.request)
        return self._form

    @property
    def catalog(self) -> "Catalog":
        """The resource pages that services describe."""
        return self.pages.catalog

    def page(self, template: str, *, status: int = 200, **values: Any) -> WireResponse:
        """Answer with a page."""
        return self.pages.page(self, template, status=status, **values)

    def problem(self, status: int, text: str) -> WireResponse:
        """Answer with what went wrong."""
        return self.pages.problem(status, text, self)

    def asked(self, name: str, default: str = "") -> str:
        """Return one value of the address."""
        return self.query.get(name, [default])[0]

    def sent(self, name: str, default: str = "") -> str:
        """Return one value of the form."""
        return self.form.get(name, [default])[0]

    def client(self, service: str) -> Any:
        """Return a client of a service that acts as who looks, in the chosen region."""
        if self.installation.clients is None:
            raise RuntimeError("this server has no way to call services")
        return self.installation.clients(service, principal=self.principal, region=self.region)

    def require(self, action: str) -> None:
        """Raise AccessDenied unless who looks may do an action of coldframe's own (`coldframe:ListJobs`)."""
        arn = f"arn:aws:coldframe:{self.region}:{self.principal.account}:*"
        decision = self.installation.parts.get(Permissions).decide(self.principal, action, arn)
        if not decision.allowed:
            raise AccessDenied(
                f"User: {self.principal.arn} is not authorized to perform: {action} on resource: {arn}"
            )

    def address(self, **changes: str | None) -> str:
        """Return this address with some values changed; None leaves one out."""
        values = {name: found[0] for name, found in self.query.items()}
        for name, value in changes.items():
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
        return self.path + ("?" + urlencode(values) if values else "")


def form_values(request: WireRequest) -> dict[str, list[str]]:
    """Return the fields of a form that was sent; an empty dictionary for any other body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)


def redirect(address: str) -> WireResponse:
    """Send the browser to an address of this console (303: with GET)."""
    body = f'<a href="{html.escape(address)}">{html.escape(address)}</a>'.encode()
    return WireResponse(303, {"location": address, "content-type": "text/html; charset=utf-8"}, body)


def as_json(value: Any, status: int = 200) -> WireResponse:
    """Answer a script of the page with JSON."""
    body = json.dumps(value, default=str, separators=(",", ":")).encode()
    return WireResponse(status, {"content-type": "application/json"}, body)
