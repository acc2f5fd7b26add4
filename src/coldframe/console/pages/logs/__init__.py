"""The pages of CloudWatch Logs: events and live tail, Insights, and the data protection policy of a group."""

from coldframe.console.pages.logs import events, insights, protection
from coldframe.console.routes import Route

ROUTES: tuple[Route, ...] = (*events.ROUTES, *insights.ROUTES, *protection.ROUTES)
