"""lowerCaseString, upperCaseString, trimString and splitString: what happens to the text of fields."""

from collections.abc import Callable
from functools import partial
from typing import Any

from coldframe.services.logs.transformers.configuration import SplitString, WithKeys10
from coldframe.services.logs.transformers.event import Step, TransformingEvent
from coldframe.services.logs.transformers.paths import Path, put, target_path


def lower_case_string(settings: WithKeys10) -> Step:
    """Return the step that makes text lower case."""
    return _each(settings, str.lower)


def upper_case_string(settings: WithKeys10) -> Step:
    """Return the step that makes text upper case."""
    return _each(settings, str.upper)


def trim_string(settings: WithKeys10) -> Step:
    """Return the step that removes white space from both ends of text."""
    return _each(settings, str.strip)


def split_string(settings: SplitString) -> Step:
    """Return the step that makes a list of text."""
    entries = [(target_path(each.source), each.delimiter) for each in settings.entries]

    def step(event: TransformingEvent) -> None:
        for path, delimiter in entries:
            change_text(event, path, partial(str.split, sep=delimiter))

    return step


def change_text(event: TransformingEvent, path: Path, change: Callable[[str], Any]) -> None:
    """Replace the value of a field by what `change` makes of it; a field that is absent or no text stays as it is."""
    value = event.read(path)
    if isinstance(value, str):
        put(event.fields, path, change(value), overwrite=True)


def _each(settings: WithKeys10, change: Callable[[str], str]) -> Step:
    paths = [target_path(key) for key in settings.with_keys]

    def step(event: TransformingEvent) -> None:
        for path in paths:
            change_text(event, path, change)

    return step
