"""The progress bar: drawn over on a terminal, taken away at the end, silent elsewhere."""

import io

import pytest

from coldframe.cli.progress import Progress


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self):
        return True


def seen(text, width=80):
    """What a terminal shows after this text."""
    line = [" "] * width
    at = 0
    for letter in text:
        if letter == "\r":
            at = 0
        else:
            line[at] = letter
            at += 1
    return "".join(line).rstrip()


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_a_bar_that_grows_and_goes():
    out = Terminal()
    with Progress(out) as progress:
        progress.tell("copying", 1, 4)
        assert seen(out.getvalue()) == "█" * 10 + "░" * 30 + " 1/4 copying"
        progress.tell("reading", 4, 4)
        assert seen(out.getvalue()) == "█" * 40 + " 4/4 reading"
        progress.tell("done")
        assert seen(out.getvalue()) == "done"
    assert seen(out.getvalue()) == ""


def test_it_goes_when_the_work_fails():
    out = Terminal()
    with pytest.raises(ValueError, match="broken"), Progress(out) as progress:
        progress.tell("copying", 1, 4)
        raise ValueError("broken")
    assert seen(out.getvalue()) == ""


def test_silent_where_there_is_no_terminal():
    out = io.StringIO()
    with Progress(out) as progress:
        progress.tell("copying", 1, 4)
    assert out.getvalue() == ""


def test_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    out = Terminal()
    with Progress(out) as progress:
        progress.tell("copying a great many files", 1, 4)
        assert len(seen(out.getvalue())) < 20
