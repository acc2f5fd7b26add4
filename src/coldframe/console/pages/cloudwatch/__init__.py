"""The pages of CloudWatch: the explorer of metrics, alarms on their metric, dashboards, and contributors of a rule."""

from coldframe.console.pages.cloudwatch import alarms, contributors, dashboards, explorer
from coldframe.console.routes import Route

ROUTES: tuple[Route, ...] = (*explorer.ROUTES, *alarms.ROUTES, *dashboards.ROUTES, *contributors.ROUTES)
