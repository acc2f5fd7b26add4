"""Every page of the console, in the order in which paths are tried: pages of their own first, then resource pages."""

from coldframe.console.pages import home, jobs, logs, resources, search
from coldframe.console.routes import Route

ROUTES: tuple[Route, ...] = (*home.ROUTES, *jobs.ROUTES, *search.ROUTES, *logs.ROUTES, *resources.ROUTES)
