"""What holds for every page: accessible by axe-core, light, usable on a telephone, in the dark and without script."""

from pathlib import Path

import axe_core_python
import pytest

pytestmark = pytest.mark.xdist_group("browser")

AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
PAGES = [
    "",
    "/logs/log-groups",
    "/logs/log-groups/item?id=%2Fapp%2Fservice-1",
    "/logs/log-groups/do/CreateLogGroup",
    "/logs/events?group=/app/service-1&last=1d",
    "/logs/insights",
    "/logs/protection?group=/app/service-1",
    "/cloudwatch/alarms",
    "/cloudwatch/explore",
    "/cloudwatch/alarm?name=busy",
    "/cloudwatch/dashboard?name=app",
    "/iam/simulator",
    "/jobs",
    "/nowhere",
]
LIGHTEST_LIMIT = 100 * 1024


def problems_of(page):
    """What axe-core calls serious or worse."""
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        (each["id"], [node["target"] for node in each["nodes"]][:3])
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visitor, scheme):
    root = visitor(bypass_csp=True, color_scheme=scheme)
    found = {}
    for path in PAGES:
        root.go(path)
        found[path] = problems_of(root.page)
    root.page.context.clear_cookies()
    root.go("/sign-in")
    found["/sign-in"] = problems_of(root.page)
    assert {path: each for path, each in found.items() if each} == {}


def test_the_first_page_is_light_and_asks_nobody_else(visitor, cloud):
    root = visitor()
    sizes = {}

    def count(answer):
        sizes[answer.url] = len(answer.body())

    root.page.on("requestfinished", lambda request: count(request.response()))
    root.go()
    root.page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) < LIGHTEST_LIMIT, sizes
    assert all(address.startswith(cloud.endpoint) for address in sizes)


def test_pages_fit_a_telephone(visitor):
    root = visitor(viewport={"width": 390, "height": 800})
    for path in PAGES:
        root.go(path)
        wide = root.page.evaluate("() => document.documentElement.scrollWidth")
        assert (path, wide <= 390) == (path, True)
    root.page.click(".menu")
    root.page.locator("nav a", has_text="CloudWatch Logs").click()
    root.page.wait_for_url("**/console/logs/log-groups")


def test_a_name_as_long_as_names_may_be_fits_a_telephone(visitor, cloud):
    metric = {"MetricName": "m" * 255, "Value": 1.0}
    cloud.client("cloudwatch").put_metric_data(Namespace="N" * 255, MetricData=[metric])
    root = visitor(viewport={"width": 360, "height": 800})
    root.go("/cloudwatch/explore")
    root.page.locator("summary", has_text="NNN").click()
    assert root.page.evaluate("() => document.documentElement.scrollWidth") == 360


def test_lists_and_forms_work_without_script(visitor, cloud):
    guest = visitor(None, java_script_enabled=False)
    guest.go("/logs/log-groups/do/CreateLogGroup")
    guest.page.fill("[name=key]", cloud.access_key_id)
    guest.page.fill("[name=secret]", cloud.secret_access_key)
    guest.page.locator("#by-key button").click()
    guest.page.fill("[name=logGroupName]", "/without/script")
    guest.page.locator(".ends button").click()
    assert "/without/script" in guest.text("tbody")
