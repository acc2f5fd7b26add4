"""Pages of data points: all series together in the order of time, so many points at a time."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """What a page has of series `number`; `complete` once nothing of it is still to come."""

    number: int
    times: list[int]
    values: list[float]
    complete: bool


class Page(NamedTuple):
    """Parts of series, and the position (time, index) to go on after; None after the last page."""

    parts: list[Part]
    position: list[int] | None


def page_of(
    series: Sequence[Mapping[int, float]], most: int, *, ascending: bool, after: Sequence[int] | None
) -> Page:
    """Return the next `most` points of some series; a first page also names the series that have none."""
    total = sum(map(len, series))
    if after is None and total <= most:
        return Page([_whole(number, points, ascending) for number, points in enumerate(series)], None)
    sign = 1 if ascending else -1
    order = sorted((sign * time, index) for index, points in enumerate(series) for time in points)
    if after is not None:
        position = (sign * after[0], after[1])
        order = [each for each in order if each > position]
    chosen, rest = order[:most], {index for _, index in order[most:]}
    times: dict[int, list[int]] = {}
    for time, index in chosen:
        times.setdefault(index, []).append(sign * time)
    if after is None:
        for index in range(len(series)):
            times.setdefault(index, [])
    parts = [
        Part(index, times[index], [series[index][time] for time in times[index]], index not in rest)
        for index in sorted(times)
    ]
    last = [sign * chosen[-1][0], chosen[-1][1]] if rest else None
    return Page(parts, last)


def _whole(number: int, points: Mapping[int, float], ascending: bool) -> Part:
    # Series have their points in the order of time.
    times, values = list(points), list(points.values())
    if not ascending:
        times.reverse()
        values.reverse()
    return Part(number, times, values, complete=True)
