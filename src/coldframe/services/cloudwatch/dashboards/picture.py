"""A widget and its data drawn as a PNG image: title, chart, legend."""

from collections.abc import Callable, Sequence

from coldframe.services.cloudwatch.dashboards import charts
from coldframe.services.cloudwatch.dashboards.canvas import Box, Canvas
from coldframe.services.cloudwatch.dashboards.charts import DARK, LIGHT, Drawn, Theme
from coldframe.services.cloudwatch.dashboards.widget import Widget

PALETTE = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
    "#17becf",
)
_PADDING = 8.0
_TITLE = 14.0
_TEXT = 11.0
_ROW = 16.0
_VIEWS: dict[str, Callable[[Canvas, Widget, Sequence[Drawn], Box, Theme], None]] = {
    "timeSeries": charts.time_series,
    "bar": charts.bars,
    "pie": charts.pie,
    "singleValue": charts.numbers,
    "gauge": charts.gauges,
}


def draw(widget: Widget, series: Sequence[Drawn]) -> bytes:
    """Return the image."""
    theme = DARK if widget.dark else LIGHT
    canvas = Canvas(widget.width, widget.height, theme.background)
    left, top = _PADDING, _PADDING
    right, bottom = widget.width - _PADDING, widget.height - _PADDING
    if widget.title:
        canvas.text(
            (left, top), _fitting(canvas, widget.title, right - left, _TITLE), theme.text, size=_TITLE
        )
        top += _TITLE + _PADDING
    for axis, x, anchor in (widget.left, left, "la"), (widget.right, right, "ra"):
        if axis.label and widget.view == "timeSeries":
            canvas.text((x, top), axis.label, theme.faint, size=_TEXT, anchor=anchor)
    if widget.view == "timeSeries" and (widget.left.label or widget.right.label):
        top += _ROW
    if widget.legend != "hidden" and widget.view != "singleValue" and series:
        right, bottom = _legend(canvas, widget, series, (left, top, right, bottom), theme)
    _VIEWS[widget.view](canvas, widget, series, (left, top, right, bottom), theme)
    return canvas.png()


def _legend(
    canvas: Canvas, widget: Widget, series: Sequence[Drawn], box: Box, theme: Theme
) -> tuple[float, float]:
    """Write the labels and return the right and bottom ends of what is left for the chart."""
    left, top, right, bottom = box
    beside = widget.legend == "right"
    longest = (right - left) * (0.35 if beside else 0.95)
    labels = [_fitting(canvas, one.label, longest - 16, _TEXT) for one in series]
    widths = [canvas.length(label, size=_TEXT) + 22 for label in labels]
    places: list[tuple[float, float]] = []
    if beside:
        edge = right - max(widths)
        places = [(edge, top + number * _ROW) for number in range(len(labels))]
        end = (edge - _PADDING, bottom)
    else:
        x, row = left, 0
        for width in widths:
            if x > left and x + width > right:
                x, row = left, row + 1
            places.append((x, row * _ROW))
            x += width
        # A long legend leaves at least half of the image to the chart.
        rows = min(row + 1, max(int((bottom - top) / 2 / _ROW), 1))
        first = bottom - rows * _ROW
        places = [(x, first + y) for x, y in places]
        end = (right, first - _PADDING)
    for one, label, (x, y) in zip(series, labels, places, strict=True):
        if y + _ROW > bottom + 1:
            break
        canvas.box((x, y + 2, x + 10, y + 12), one.color)
        canvas.text((x + 14, y + 1), label, theme.text, size=_TEXT)
    return end


def _fitting(canvas: Canvas, text: str, room: float, size: float) -> str:
    """Return the text, shortened to the room that there is."""
    if canvas.length(text, size=size) <= room:
        return text
    while text and canvas.length(f"{text}...", size=size) > room:
        text = text[:-1]
    return f"{text}..."
