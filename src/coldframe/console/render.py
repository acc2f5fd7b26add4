"""Pages from templates: everything that is put into one is escaped, and every page has the frame of the console."""

from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from coldframe import __version__
from coldframe.console import static
from coldframe.console.regions import regions_of
from coldframe.console.resources.catalog import Catalog
from coldframe.console.values import FILTERS
from coldframe.console.visit import Visit
from coldframe.core.wire import WireResponse
from coldframe.server.assembly import Assembly


class Renderer:
    """Renders the templates of this folder."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    @cached_property
    def catalog(self) -> Catalog:
        """The resource pages that services describe."""
        return Catalog(self._assembly.services)

    @cached_property
    def _environment(self) -> Environment:
        folder = resources.files("coldframe.console").joinpath("templates")
        environment = Environment(
            loader=FileSystemLoader(str(folder)),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(FILTERS)
        environment.globals.update(static=static.address, version=__version__)
        return environment

    def plain(self, template: str, *, status: int = 200, **values: Any) -> WireResponse:
        """Render a page for somebody who is not signed in."""
        text = self._environment.get_template(template).render(values)
        return WireResponse(status, {"content-type": "text/html; charset=utf-8"}, text.encode())

    def page(self, visit: Visit, template: str, *, status: int = 200, **values: Any) -> WireResponse:
        """Render a page with the console's frame around it."""
        return self.plain(template, status=status, visit=visit, **self._frame(visit), **values)

    def problem(self, status: int, text: str, visit: Visit | None = None) -> WireResponse:
        """Say what went wrong, in the frame when somebody is signed in."""
        if visit is None:
            return self.plain("problem_alone.html", status=status, text=text, code=status)
        return self.page(visit, "problem.html", status=status, text=text, code=status)

    def _frame(self, visit: Visit) -> Mapping[str, Any]:
        return {
            "catalog": self.catalog,
            "regions": regions_of(visit.installation.settings.region),
            "who": _who(visit),
        }


def _who(visit: Visit) -> str:
    """Return the signed-in principal as people say it: `root`, `jane` or `role/session`."""
    principal = visit.principal
    return "root" if principal.kind == "root" else principal.arn.partition("/")[2]
