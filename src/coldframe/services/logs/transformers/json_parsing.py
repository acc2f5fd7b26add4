"""parseJSON: the members of JSON text become fields."""

import json
from typing import Any, NoReturn

from coldframe.services.logs.transformers.configuration import ParseJSON
from coldframe.services.logs.transformers.errors import TransformationFailed
from coldframe.services.logs.transformers.event import Step, TransformingEvent
from coldframe.services.logs.transformers.paths import put, source_path, target_path


def parse_json(settings: ParseJSON) -> Step:
    """Return the step: without a destination the members go to the root, where they replace what is there."""
    source = source_path(settings.source)
    destination = None if settings.destination is None else target_path(settings.destination)

    def step(event: TransformingEvent) -> None:
        text = event.text_to_parse(source)
        if text is None:
            return
        value = decoded(text)
        if destination is not None:
            put(event.fields, destination, value, overwrite=True)
        elif isinstance(value, dict):
            event.fields.update(value)
        else:
            raise TransformationFailed(f"the JSON of {source.text} is no object")

    return step


def decoded(text: str) -> Any:
    """Return the value of JSON text; raises TransformationFailed."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TransformationFailed("the text is no valid JSON") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
