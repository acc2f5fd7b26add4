"""A canvas of pixels: lines, areas, texts and arcs, drawn at twice the size so that edges are smooth."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

_SCALE = 2
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@cache
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


class Canvas:
    """An image being drawn; coordinates are pixels of the finished image, from its top left corner."""

    def __init__(self, width: int, height: int, background: str) -> None:
        # Imported when the first widget is drawn: a server that draws none need not load it.
        from PIL import Image, ImageDraw

        self.width = width
        self.height = height
        self._image = Image.new("RGB", (width * _SCALE, height * _SCALE), background)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def line(self, points: Sequence[Point], color: str, width: float = 1.0) -> None:
        """Draw a line through points."""
        if len(points) > 1:
            self._draw.line(_scaled(points), fill=color, width=max(1, round(width * _SCALE)), joint="curve")

    def dot(self, at: Point, color: str, radius: float) -> None:
        """Draw a filled circle."""
        x, y = at
        self._draw.ellipse(_scaled([(x - radius, y - radius), (x + radius, y + radius)]), fill=color)

    def area(self, points: Sequence[Point], color: str, opacity: float = 1.0) -> None:
        """Fill the polygon between points."""
        if len(points) > 2:
            self._draw.polygon(_scaled(points), fill=(*_rgb(color), round(opacity * 255)))

    def box(self, box: Box, color: str) -> None:
        """Fill a rectangle: left, top, right, bottom."""
        left, top, right, bottom = box
        if right > left and bottom > top:
            self._draw.rectangle(_scaled([(left, top), (right, bottom)]), fill=color)

    def slice(self, box: Box, start: float, end: float, color: str) -> None:
        """Fill a slice of the circle in a box; angles are degrees, clockwise from three o'clock."""
        left, top, right, bottom = box
        if right > left and bottom > top:
            self._draw.pieslice(_scaled([(left, top), (right, bottom)]), start, end, fill=color)

    def arc(self, box: Box, angles: tuple[float, float], color: str, width: float) -> None:
        """Draw a part of the circle in a box, `width` pixels thick."""
        left, top, right, bottom = box
        if right > left and bottom > top and angles[1] > angles[0]:
            self._draw.arc(
                _scaled([(left, top), (right, bottom)]),
                *angles,
                fill=color,
                width=max(1, round(width * _SCALE)),
            )

    def text(self, at: Point, text: str, color: str, *, size: float = 12, anchor: str = "la") -> None:
        """Write a text; `anchor` says which of its points is at `at`, as Pillow names them."""
        if text:
            place = (at[0] * _SCALE, at[1] * _SCALE)
            self._draw.text(place, text, fill=color, font=_font(max(1, round(size * _SCALE))), anchor=anchor)

    def length(self, text: str, *, size: float = 12) -> float:
        """Return how wide a text is."""
        return float(self._draw.textlength(text, font=_font(max(1, round(size * _SCALE))))) / _SCALE

    def png(self) -> bytes:
        """Return the finished image."""
        from PIL import Image

        written = io.BytesIO()
        small = self._image.resize((self.width, self.height), Image.Resampling.BOX)
        small.save(written, format="PNG", optimize=True)
        return written.getvalue()


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * _SCALE, y * _SCALE) for x, y in points]


def _rgb(color: str) -> tuple[int, int, int]:
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
