"""A progress bar on the terminal: what is being done, how far it is; nothing at all where there is no terminal."""

import shutil
import sys
from types import TracebackType
from typing import Final, Self, TextIO

_WIDEST: Final = 40


class Progress:
    """Shows one line that is drawn over and taken away at the end; `tell` has the shape that long work reports in."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Draw on `out`, by default stderr, so that what a command prints stays clean."""
        self._out = sys.stderr if out is None else out
        self._shows = self._out.isatty()
        self._drawn = ""

    def __enter__(self) -> Self:
        """Begin; nothing is drawn before the first report."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        self._draw("")

    def tell(self, text: str, done: int = 0, total: int = 0) -> None:
        """Say what is being done, and how much of it is; without a total there is no bar."""
        if not self._shows:
            return
        room = shutil.get_terminal_size().columns - 1
        if total <= 0:
            self._draw(text[:room])
            return
        share = min(1.0, done / total)
        count = f" {done}/{total}"
        width = min(_WIDEST, room - len(count) - 3 - min(len(text), 24))
        if width < 8:
            self._draw(f"{text} {count}"[:room])
            return
        filled = round(share * width)
        bar = "█" * filled + "░" * (width - filled)
        self._draw(f"{bar}{count} {text}"[:room])

    def _draw(self, line: str) -> None:
        if not self._shows or line == self._drawn:
            return
        self._out.write("\r" + line + " " * (len(self._drawn) - len(line)) + ("" if line else "\r"))
        self._out.flush()
        self._drawn = line
