"""The views of a widget: time series (stacked or not), bars, pie, numbers and gauges."""

from collections.abc import Sequence
from dataclasses import dataclass

from coldframe.services.cloudwatch.dashboards.canvas import Box, Canvas
from coldframe.services.cloudwatch.dashboards.scales import Scale, bounds, short, ticks, time_ticks
from coldframe.services.cloudwatch.dashboards.widget import Axis, Widget

_SMALL = 11.0
_ROOM = 8.0


@dataclass(frozen=True)
class Drawn:
    """A series as it is drawn: values by time in milliseconds, ascending, and `gap`: how far apart is not connected.

    A band is drawn from `floor` up to its values.
    """

    label: str
    color: str
    right: bool
    points: dict[int, float]
    gap: int
    floor: dict[int, float] | None = None

    @property
    def newest(self) -> float | None:
        """The last value, None without data."""
        return self.points[max(self.points)] if self.points else None


@dataclass(frozen=True)
class Theme:
    """The colors of what is not data."""

    background: str
    text: str
    faint: str
    grid: str


LIGHT = Theme("#ffffff", "#16191f", "#687078", "#eaeded")
DARK = Theme("#161e2d", "#d5dbdb", "#95a5a6", "#2a3545")


def time_series(canvas: Canvas, widget: Widget, series: Sequence[Drawn], box: Box, theme: Theme) -> None:
    """Draw lines or stacked areas over time, with axes, grid and annotations."""
    sides = [each for each in (False, True) if not each or any(one.right for one in series)]
    stacks = {side: _stacked(widget, [one for one in series if one.right == side]) for side in sides}
    left, top, right, bottom = box
    top, bottom = top + _ROOM, bottom - _SMALL - _ROOM
    ends = {side: _ends(widget, side, stacks[side]) for side in sides}
    room = {
        side: max(canvas.length(short(value), size=_SMALL) for value in ends[side]) + _ROOM for side in sides
    }
    left, right = left + room[False], right - room.get(True, _ROOM)
    if right - left < 2 or bottom - top < 2:
        return
    across = Scale(widget.start, widget.end, left, right)
    _time_axis(canvas, widget, across, (left, top, right, bottom), theme)
    for side in sides:
        up = Scale(*ends[side], bottom, top)
        _value_axis(canvas, up, (left, right), theme, right=side)
        for one, floor, height in reversed(stacks[side]) if widget.stacked else stacks[side]:
            opacity = 0.6 if widget.stacked else 0.25 if one.floor is not None else 0.0
            _curve(canvas, one, (floor, height), (across, up), opacity)
        for note in widget.horizontal:
            if note.right == side:
                ends_at = {"above": top, "below": bottom, "between": up.at(note.other or 0.0)}.get(note.fill)
                if ends_at is not None:
                    low, high = (min(max(y, top), bottom) for y in (up.at(note.at), ends_at))
                    canvas.area([(left, low), (right, low), (right, high), (left, high)], note.color, 0.15)
                canvas.line([(left, up.at(note.at)), (right, up.at(note.at))], note.color, 1.5)
                text = note.label or short(note.at)
                canvas.text((right - 2, up.at(note.at) - 2), text, note.color, size=_SMALL, anchor="rd")
    for note in widget.vertical:
        until = {"before": left, "after": right, "between": across.at(note.other or 0.0)}.get(note.fill)
        if until is not None:
            first, last = (min(max(x, left), right) for x in (across.at(note.at), until))
            canvas.area([(first, top), (last, top), (last, bottom), (first, bottom)], note.color, 0.15)
        if widget.start <= note.at <= widget.end:
            x = across.at(note.at)
            canvas.line([(x, top), (x, bottom)], note.color, 1.5)
            canvas.text((x + 3, top), note.label, note.color, size=_SMALL)


Level = tuple[Drawn, dict[int, float], dict[int, float]]


def _stacked(widget: Widget, series: Sequence[Drawn]) -> list[Level]:
    """Each series with its floor and its height by time; without stacking the floor is empty."""
    levels: list[Level] = []
    floor: dict[int, float] = {}
    for one in series:
        if not widget.stacked:
            levels.append((one, one.floor or {}, one.points))
            continue
        height = {at: floor.get(at, 0.0) + value for at, value in one.points.items()}
        levels.append((one, {at: floor.get(at, 0.0) for at in one.points}, height))
        floor = floor | height
    return levels


def _ends(widget: Widget, side: bool, levels: Sequence[Level]) -> tuple[float, float]:
    axis: Axis = widget.right if side else widget.left
    values = [value for _, _, height in levels for value in height.values()]
    values += [value for one, _, _ in levels for value in (one.floor or {}).values()]
    values += [note.at for note in widget.horizontal if note.right == side]
    return bounds(values, axis.low, axis.high)


def _time_axis(canvas: Canvas, widget: Widget, across: Scale, box: Box, theme: Theme) -> None:
    left, top, right, bottom = box
    for at, text in time_ticks(widget.start, widget.end, max(int((right - left) / 70), 1), widget.zone):
        x = across.at(at)
        canvas.line([(x, top), (x, bottom)], theme.grid)
        canvas.text((x, bottom + 4), text, theme.faint, size=_SMALL, anchor="ma")
    canvas.line([(left, bottom), (right, bottom)], theme.faint)


def _value_axis(canvas: Canvas, up: Scale, ends: tuple[float, float], theme: Theme, *, right: bool) -> None:
    for value in ticks(up.low, up.high, max(int((up.first - up.last) / 40), 1)):
        y = up.at(value)
        if not right:
            canvas.line([(ends[0], y), (ends[1], y)], theme.grid)
        x, anchor = (ends[1] + 4, "lm") if right else (ends[0] - 4, "rm")
        canvas.text((x, y), short(value), theme.faint, size=_SMALL, anchor=anchor)


def _curve(
    canvas: Canvas,
    one: Drawn,
    level: tuple[dict[int, float], dict[int, float]],
    scales: tuple[Scale, Scale],
    opacity: float,
) -> None:
    """Draw a series in runs, shaded down to its floor unless the opacity is 0: where data is missing for longer than a period, nothing connects what is around it."""
    (floor, height), (across, up) = level, scales
    runs: list[list[int]] = []
    for at in sorted(height):
        if runs and at - runs[-1][-1] <= one.gap:
            runs[-1].append(at)
        else:
            runs.append([at])
    for run in runs:
        upper = [(across.at(at), up.at(height[at])) for at in run]
        if opacity:
            lower = [(across.at(at), up.at(floor.get(at, 0.0))) for at in reversed(run)]
            canvas.area([*upper, *lower], one.color, opacity)
        canvas.line(upper, one.color, 1.5)
        if len(run) == 1:
            canvas.dot(upper[0], one.color, 2.5)


def bars(canvas: Canvas, widget: Widget, series: Sequence[Drawn], box: Box, theme: Theme) -> None:
    """Draw one bar a series, as long as its newest value."""
    left, top, right, bottom = box
    values = [one.newest or 0.0 for one in series]
    across = Scale(*bounds(values, widget.left.low, widget.left.high), left + _ROOM, right - 50)
    height = (bottom - top) / max(len(series), 1)
    for number, (one, value) in enumerate(zip(series, values, strict=True)):
        y = top + number * height
        zero = across.at(0.0)
        ends = sorted((zero, across.at(value)))
        canvas.box((ends[0], y + height * 0.15, max(ends[1], ends[0] + 1), y + height * 0.85), one.color)
        text = "--" if one.newest is None else short(value)
        canvas.text((ends[1] + 4, y + height / 2), text, theme.text, size=_SMALL, anchor="lm")


def pie(canvas: Canvas, widget: Widget, series: Sequence[Drawn], box: Box, theme: Theme) -> None:
    """Draw a slice a series, of its newest value's share; values below zero have none."""
    left, top, right, bottom = box
    size = min(right - left, bottom - top) - 2 * _ROOM
    x, y = (left + right - size) / 2, (top + bottom - size) / 2
    values = [max(one.newest or 0.0, 0.0) for one in series]
    total, angle = sum(values), -90.0
    if not total:
        canvas.text(((left + right) / 2, (top + bottom) / 2), "No data available", theme.faint, anchor="mm")
        return
    for one, value in zip(series, values, strict=True):
        end = angle + 360 * value / total
        canvas.slice((x, y, x + size, y + size), angle, end, one.color)
        angle = end


def numbers(canvas: Canvas, widget: Widget, series: Sequence[Drawn], box: Box, theme: Theme) -> None:
    """Write the newest value of each series, large, with its label below, and under it a line of all if asked for."""
    left, top, right, bottom = box
    width = (right - left) / max(len(series), 1)
    if widget.sparkline:
        lines, bottom = bottom, bottom - (bottom - top) * 0.3
        for number, one in enumerate(series):
            first = left + width * number + _ROOM
            _spark(canvas, widget, one, (first, bottom + _ROOM, first + width - 2 * _ROOM, lines))
    for number, one in enumerate(series):
        middle = left + width * (number + 0.5)
        text = "--" if one.newest is None else short(one.newest)
        size = max(min((bottom - top) * 0.45, width / max(len(text), 1) * 1.4), 8.0)
        canvas.text((middle, (top + bottom) / 2), text, theme.text, size=size, anchor="mm")
        if widget.legend == "hidden":
            continue
        canvas.text((middle, (top + bottom + size) / 2 + 6), one.label, theme.faint, size=_SMALL, anchor="ma")


def _spark(canvas: Canvas, widget: Widget, one: Drawn, box: Box) -> None:
    left, top, right, bottom = box
    if not one.points or right - left < 2 or bottom - top < 2:
        return
    low, high = bounds(list(one.points.values()), None, None)
    scales = Scale(widget.start, widget.end, left, right), Scale(low, high, bottom, top)
    _curve(canvas, one, (dict.fromkeys(one.points, low), one.points), scales, 0.25)


def gauges(canvas: Canvas, widget: Widget, series: Sequence[Drawn], box: Box, theme: Theme) -> None:
    """Draw a half circle a series from the axis' min to its max, filled up to the newest value."""
    left, top, right, bottom = box
    width = (right - left) / max(len(series), 1)
    low, high = widget.left.low or 0.0, widget.left.high if widget.left.high is not None else 1.0
    angle = Scale(low, high, 180.0, 360.0)
    for number, one in enumerate(series):
        middle = left + width * (number + 0.5)
        radius = max(min(width / 2, bottom - top - 30) - _ROOM, 4.0)
        y = top + _ROOM + radius
        circle = (middle - radius, y - radius, middle + radius, y + radius)
        canvas.arc(circle, (180.0, 360.0), theme.grid, radius * 0.25)
        text = "--"
        if one.newest is not None:
            canvas.arc(circle, (180.0, angle.at(one.newest)), one.color, radius * 0.25)
            text = short(one.newest)
        canvas.text((middle, y - 2), text, theme.text, size=max(radius * 0.3, 8.0), anchor="mb")
        canvas.text((middle - radius, y + 4), short(low), theme.faint, size=_SMALL)
        canvas.text((middle + radius, y + 4), short(high), theme.faint, size=_SMALL, anchor="ra")
