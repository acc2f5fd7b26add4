"""Every page of the console, in the order in which paths are tried: pages of their own first, then resource pages."""

from coldframe.console.pages import (
    cloudwatch,
    databases,
    home,
    jobs,
    keyrings,
    logs,
    resources,
    search,
    simulator,
)
from coldframe.console.routes import Route

ROUTES: tuple[Route, ...] = (
    *home.ROUTES,
    *jobs.ROUTES,
    *search.ROUTES,
    *logs.ROUTES,
    *cloudwatch.ROUTES,
    *databases.ROUTES,
    *keyrings.ROUTES,
    *simulator.ROUTES,
    *resources.ROUTES,
)
