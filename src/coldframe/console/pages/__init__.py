"""Every page of the console, in the order in which paths are tried: pages of their own first, then resource pages."""

from coldframe.console.pages import cloudwatch, home, jobs, logs, resources, search
from coldframe.console.routes import Route

ROUTES: tuple[Route, ...] = (
    *home.ROUTES,
    *jobs.ROUTES,
    *search.ROUTES,
    *logs.ROUTES,
    *cloudwatch.ROUTES,
    *resources.ROUTES,
)
