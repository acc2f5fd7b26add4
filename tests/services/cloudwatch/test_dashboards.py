"""Dashboards and widget images through the API, from the documentation of their formats."""

import io
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from coldframe.services.cloudwatch.dashboards import charts, metrics_array, times, widget
from coldframe.services.cloudwatch.dashboards import picture as picture_of
from coldframe.services.cloudwatch.operations import metric_widgets
from tests.services.cloudwatch.alarm_drills import code_and_text

METRIC = {
    "type": "metric",
    "x": 0,
    "y": 0,
    "width": 6,
    "height": 6,
    "properties": {"metrics": [["Shop", "Orders"]], "region": "us-east-1", "view": "timeSeries"},
}
TEXT = {"type": "text", "properties": {"markdown": "# Made by a script"}}


@pytest.fixture
def client(running):
    client = running.client("cloudwatch")
    yield client
    names = [entry["DashboardName"] for entry in client.list_dashboards()["DashboardEntries"]]
    if names:
        client.delete_dashboards(DashboardNames=names)


def put(client, *widgets, name="shop", **top):
    return client.put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": widgets, **top}))


def test_a_dashboard_is_kept_as_it_was_put(client, running):
    body = '{ "widgets" : [ ] }'
    assert client.put_dashboard(DashboardName="shop", DashboardBody=body)["DashboardValidationMessages"] == []
    elsewhere = running.client("cloudwatch", region="eu-west-1")
    found = elsewhere.get_dashboard(DashboardName="shop")
    assert found["DashboardBody"] == body
    assert found["DashboardArn"] == f"arn:aws:cloudwatch::{running.account}:dashboard/shop"
    [entry] = client.list_dashboards()["DashboardEntries"]
    assert (entry["DashboardName"], entry["Size"]) == ("shop", len(body))


def test_dashboards_are_listed_by_prefix(client):
    for name in ("web-2", "db", "web-1"):
        put(client, TEXT, name=name)
    found = client.list_dashboards(DashboardNamePrefix="web")["DashboardEntries"]
    assert [entry["DashboardName"] for entry in found] == ["web-1", "web-2"]


def test_deleting_is_all_or_nothing(client):
    put(client, TEXT)
    with pytest.raises(ClientError) as caught:
        client.delete_dashboards(DashboardNames=["shop", "nobody"])
    assert code_and_text(caught)[0] == "ResourceNotFound"
    client.get_dashboard(DashboardName="shop")
    client.delete_dashboards(DashboardNames=["shop"])
    with pytest.raises(ClientError) as caught:
        client.get_dashboard(DashboardName="shop")
    assert code_and_text(caught)[0] == "ResourceNotFound"


def test_what_is_unknown_is_kept_with_a_warning(client):
    answer = put(client, METRIC, {**TEXT, "mood": "good"})
    [message] = answer["DashboardValidationMessages"]
    assert message == {"DataPath": "/widgets/1/mood", "Message": "Should NOT have additional properties"}
    client.get_dashboard(DashboardName="shop")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("{", ""),
        ("[]", ""),
        ("{}", "/"),
        ('{"widgets": {}}', "/widgets"),
        (json.dumps({"widgets": [{"type": "text"}]}), "/widgets/0"),
        (json.dumps({"widgets": [{"type": "video", "properties": {}}]}), "/widgets/0/type"),
        (json.dumps({"widgets": [TEXT, {"type": "text", "properties": {}}]}), "/widgets/1/properties"),
        (json.dumps({"widgets": [{**METRIC, "width": 25}]}), "/widgets/0/width"),
        (json.dumps({"widgets": [{**METRIC, "x": "left"}]}), "/widgets/0/x"),
        (json.dumps({"widgets": [{**METRIC, "properties": {"metrics": []}}]}), "/widgets/0/properties"),
        (json.dumps({"widgets": [], "periodOverride": "mine"}), "/periodOverride"),
    ],
)
def test_a_wrong_body_is_refused_with_its_place(client, body, path):
    with pytest.raises(ClientError) as caught:
        client.put_dashboard(DashboardName="shop", DashboardBody=body)
    assert code_and_text(caught)[0] == "InvalidParameterInput"
    messages = caught.value.response["dashboardValidationMessages"]
    assert [message["DataPath"] for message in messages] == [path]


def test_a_wrong_name_is_refused(client):
    with pytest.raises(ClientError) as caught:
        put(client, TEXT, name="my dashboard")
    code, text = code_and_text(caught)
    assert code == "InvalidParameterValue"
    assert text.startswith("The value for field DashboardName contains invalid characters. It can only")


def image(client, **given):
    answer = client.get_metric_widget_image(MetricWidget=json.dumps(given))
    return Image.open(io.BytesIO(answer["MetricWidgetImage"])).convert("RGB")


def colors(picture):
    return {color for _, color in picture.getcolors(1 << 24)}


BLUE, ORANGE = (0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)


@pytest.fixture
def orders(metrics):
    for minutes, value in (20, 5.0), (15, 9.0), (10, 7.0), (5, 8.0):
        from datetime import timedelta

        at = metrics.minute - timedelta(minutes=minutes)
        metrics.put("Orders", value, at=at)
        metrics.put("Errors", value / 2, at=at)
    return [[metrics.namespace, "Orders"], [".", "Errors"]]


@pytest.mark.parametrize(
    "view",
    [
        {"view": "timeSeries"},
        {"stacked": True},
        {"view": "bar"},
        {"view": "pie"},
        {"view": "gauge", "yAxis": {"left": {"min": 0, "max": 10}}},
    ],
)
def test_a_picture_shows_every_metric_in_its_color(client, orders, view):
    picture = image(client, metrics=orders, title="Shop", width=300, height=200, **view)
    assert picture.size == (300, 200)
    assert {BLUE, ORANGE} <= colors(picture)
    other = [orders[0], [*orders[1], {"color": "#00ff00"}]]
    shown = colors(image(client, metrics=other, **view))
    assert (0, 255, 0) in shown
    assert ORANGE not in shown


def test_a_line_is_drawn_where_the_data_are(client, orders):
    with_data = image(client, metrics=orders[:1], legend={"position": "hidden"}, start="-PT1H")
    without = image(client, metrics=[["Nowhere", "Nothing"]], legend={"position": "hidden"}, start="-PT1H")
    assert BLUE in colors(with_data)
    assert BLUE not in colors(without)


def test_an_invisible_metric_feeds_an_expression(client, orders):
    metrics = [[*orders[0], {"id": "m1", "visible": False}], [{"expression": "m1*2", "color": "#123456"}]]
    shown = colors(image(client, metrics=metrics))
    assert (0x12, 0x34, 0x56) in shown
    assert BLUE not in shown


def test_annotations_and_numbers_are_drawn(client, orders):
    marks = {
        "horizontal": [{"label": "limit", "value": 6, "color": "#00ff00"}],
        "vertical": [{"label": "deploy", "value": "-PT5M", "color": "#ff00ff"}],
    }
    shown = colors(image(client, metrics=orders, annotations=marks, start="-PT1H"))
    assert {(0, 255, 0), (255, 0, 255)} <= shown
    big = image(client, metrics=orders, view="singleValue", width=200, height=100)
    assert len(colors(big)) > 2
    dark = image(client, metrics=orders, theme="dark")
    assert dark.getpixel((1, 1)) == (0x16, 0x1E, 0x2D)


def shaded(picture, tint):
    """The places of the pixels of exactly this color."""
    width = picture.width
    return [divmod(at, width) for at, color in enumerate(picture.get_flattened_data()) if color == tint]


@pytest.mark.parametrize(
    ("kind", "marks", "side"),
    [
        ("horizontal", {"value": 6, "fill": "above"}, "top"),
        ("horizontal", {"value": 6, "fill": "below"}, "bottom"),
        ("horizontal", [{"value": 1}, {"value": 2}], "bottom"),
        ("vertical", {"value": "-PT50M", "fill": "before"}, "left"),
        ("vertical", {"value": "-PT20M", "fill": "after"}, "right"),
        ("vertical", [{"value": "-PT55M"}, {"value": "-PT40M"}], "left"),
        ("horizontal", {"value": 6}, None),
        ("horizontal", [{"value": 1, "fill": "none"}, {"value": 2}], None),
    ],
)
def test_annotations_are_shaded_on_the_side_they_name(client, orders, kind, marks, side):
    ends = [{**each, "color": "#00ff00"} for each in (marks if isinstance(marks, list) else [marks])]
    picture = image(
        client,
        metrics=orders[:1],
        annotations={kind: [ends if isinstance(marks, list) else ends[0]]},
        start="-PT1H",
        legend={"position": "hidden"},
        yAxis={"left": {"min": 0, "max": 12}},
    )
    places = shaded(picture, (217, 255, 217))
    if side is None:
        assert places == []
        return
    down, across = (sum(each) / len(places) for each in zip(*places, strict=True))
    found = {
        "top": down < picture.height / 2,
        "bottom": down > picture.height / 2,
        "left": across < picture.width / 2,
        "right": across > picture.width / 2,
    }
    assert len(places) > 2000
    assert found[side]


def test_a_band_is_one_area_between_its_bounds():
    now = 1_795_420_800_000
    times_of = range(now - 3_600_000, now, 60_000)
    band = charts.Drawn(
        "b", "#ff7f0e", False, dict.fromkeys(times_of, 8.0), 90_000, dict.fromkeys(times_of, 4.0)
    )
    given = {"metrics": [["A", "b"]], "start": "-PT1H", "yAxis": {"left": {"min": 0, "max": 12}}}
    picture = Image.open(io.BytesIO(picture_of.draw(widget.read(json.dumps(given), now), [band])))
    rows = {down for down, _ in shaded(picture.convert("RGB"), (255, 223, 195))}
    assert len(rows) == pytest.approx(picture.height * 4 / 12, rel=0.2)


def test_a_sparkline_is_drawn_below_its_number(client, orders):
    big = {"metrics": orders[:1], "view": "singleValue", "width": 300, "height": 200, "start": "-PT1H"}
    assert BLUE not in colors(image(client, **big))
    places = shaded(image(client, **big, sparkline=True), BLUE)
    assert places
    assert min(down for down, _ in places) > 200 * 0.6


def test_metrics_that_differ_in_a_dimension_are_told_apart_by_it():
    rows = [["A", "b", "Host", "x"], ["...", "y"], ["...", "z", {"label": "mine"}]]
    wanted = widget.read(json.dumps({"metrics": rows}), 1_795_420_800_000)
    caller = SimpleNamespace(account="1", region="r")
    ids = [line.query["Id"] for line in wanted.lines]
    assert metric_widgets._own_labels(caller, wanted) == {ids[0]: "x", ids[1]: "y"}
    same = [["A", "b"], ["A", "b", {"stat": "Sum"}]]
    assert (
        metric_widgets._own_labels(caller, widget.read(json.dumps({"metrics": same}), 1_795_420_800_000))
        == {}
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ("{}", "metrics"),
        ({"metrics": [["A"]]}, "metrics[0]"),
        ({"metrics": [["A", "b", "c"]]}, "metrics[0]"),
        ({"metrics": [[".", "b"]]}, "metrics[0]"),
        ({"metrics": [["A", "b"], [{"label": "x"}]]}, "metrics[1]"),
        ({"metrics": [["A", "b"]], "width": 2001}, "width"),
        ({"metrics": [["A", "b"]], "view": "radar"}, "view"),
        ({"metrics": [["A", "b"]], "start": "yesterday"}, "yesterday"),
        ({"metrics": [["A", "b"]], "start": "PT0H"}, "start"),
        ({"metrics": [["A", "b"]], "timezone": "CET"}, "CET"),
        ({"metrics": [["A", "b"]], "view": "gauge"}, "gauge"),
        ({"metrics": [["A", "b", {"color": "red"}]]}, "red"),
        ({"metrics": [["A", "b", {"period": "long"}]]}, "period"),
        ({"metrics": "A"}, "metrics"),
        ({"metrics": [["A", "b"]], "annotations": {"horizontal": [{"label": "x"}]}}, "value"),
        ({"metrics": [["A", "b"]], "annotations": {"horizontal": [{"value": 1, "fill": "left"}]}}, "above"),
        ({"metrics": [["A", "b"]], "annotations": {"vertical": [[{"value": "PT0H"}] * 3]}}, "band"),
        ({"metrics": [["A", "b"]], "yAxis": {"left": {"min": 3, "max": 1}}}, "axis"),
    ],
)
def test_a_wrong_widget_is_refused_with_its_field(client, given, named):
    text = given if isinstance(given, str) else json.dumps(given)
    with pytest.raises(ClientError) as caught:
        client.get_metric_widget_image(MetricWidget=text)
    code, message = code_and_text(caught)
    assert code == "ValidationError"
    assert named in message


def test_metrics_repeat_what_stands_before_them():
    lines = metrics_array.read(
        [
            ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"],
            ["...", "i-2", {"stat": "Maximum", "yAxis": "right"}],
            [".", "NetworkIn", ".", "i-1", {"period": 60}],
            [{"expression": "m1+m2", "id": "e1"}],
        ],
        stat="Average",
        period=300,
    )
    stats = [line.query.get("MetricStat") for line in lines]
    assert stats[1]["Metric"]["MetricName"] == "CPUUtilization"
    assert stats[1]["Metric"]["Dimensions"] == [{"Name": "InstanceId", "Value": "i-2"}]
    assert (stats[1]["Stat"], lines[1].right) == ("Maximum", True)
    assert (stats[2]["Metric"]["MetricName"], stats[2]["Period"]) == ("NetworkIn", 60)
    assert (lines[3].query["Id"], lines[3].query["Expression"]) == ("e1", "m1+m2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-PT3H", -10_800_000), ("PT0H", 0), ("-P1D", -86_400_000), ("-P1W", -604_800_000), ("-PT5M", -300_000)],
)
def test_relative_times(text, expected):
    assert times.read(text, 1_795_420_800_000) - 1_795_420_800_000 == expected


def test_absolute_times():
    assert times.read("2026-11-23T08:00:00.000Z", 0) == 1_795_420_800_000
