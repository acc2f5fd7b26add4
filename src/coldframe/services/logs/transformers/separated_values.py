"""csv and parseKeyValue: fields out of text whose parts are kept apart by delimiters."""

import csv as csv_format

from coldframe.services.logs.transformers.configuration import Csv, ParseKeyValue
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import ABSENT, Step, TransformingEvent
from coldframe.services.logs.transformers.paths import find, put, source_path, target_path

_DELIMITERS = {"\\t": "\t", "\\s": " "}


def parse_csv(settings: Csv) -> Step:
    """Return the step that makes columns, named column_1, column_2 ... where `columns` has no name for them."""
    source = source_path(settings.source)
    destination = None if settings.destination is None else target_path(settings.destination)
    names = [target_path(name) for name in settings.columns]
    delimiter = _DELIMITERS.get(settings.delimiter, settings.delimiter)
    quote = settings.quote_character
    if len(delimiter) != 1:
        raise InvalidTransformer(r"delimiter must be one character, \t or \s")
    if delimiter == quote or {delimiter, quote} & {"\n", "\r"}:
        raise InvalidTransformer("delimiter and quoteCharacter must differ and be no line break")

    def step(event: TransformingEvent) -> None:
        text = event.text_to_parse(source)
        if text is None:
            return
        columns = _columns(text, delimiter, quote)
        place = event.fields if destination is None else {}
        for at, value in enumerate(columns):
            path = names[at] if at < len(names) else target_path(f"column_{at + 1}")
            put(place, path, value, overwrite=True)
        if destination is not None:
            put(event.fields, destination, place, overwrite=True)

    return step


def _columns(text: str, delimiter: str, quote: str) -> list[str]:
    """Return the columns of the text's first record; raises TransformationFailed."""
    try:
        rows = csv_format.reader(
            text.splitlines(keepends=True), delimiter=delimiter, quotechar=quote, strict=False
        )
        return next(rows, [])
    except csv_format.Error as error:
        raise TransformationFailed(f"the text has no columns: {error}") from error


def parse_key_value(settings: ParseKeyValue) -> Step:
    """Return the step that makes fields of pairs; a part without a delimiter gets nonMatchValue, or null."""
    source = source_path(settings.source)
    destination = None if settings.destination is None else target_path(settings.destination)

    def step(event: TransformingEvent) -> None:
        text = event.text_to_parse(source)
        if text is None:
            return
        pairs: dict[str, str | None] = {}
        for part in text.split(settings.field_delimiter):
            key, delimiter, value = part.partition(settings.key_value_delimiter)
            if key:
                found = value if delimiter else settings.non_match_value
                pairs.setdefault(settings.key_prefix + key, found)
        place = event.fields
        if destination is not None:
            present = find(event.fields, destination, ABSENT)
            if not isinstance(present, dict):
                put(event.fields, destination, pairs, overwrite=settings.overwrite_if_exists)
                return
            place = present
        for name, each in pairs.items():
            if settings.overwrite_if_exists or name not in place:
                place[name] = each

    return step
