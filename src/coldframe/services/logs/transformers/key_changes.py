"""addKeys, copyValue, moveKeys, renameKeys, deleteKeys and listToMap: what happens to fields as a whole."""

from copy import deepcopy
from typing import Any

from coldframe.services.logs.transformers.configuration import (
    AddKeys,
    ListToMap,
    RenameKeys,
    Transfers,
    WithKeys5,
)
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import ABSENT, Step, TransformingEvent
from coldframe.services.logs.transformers.paths import Path, find, put, remove, source_path, target_path


def add_keys(settings: AddKeys) -> Step:
    """Return the step that adds fields of constant text; those that exist stay unless overwriteIfExists says no."""
    entries = [(target_path(each.key), each.value, each.overwrite_if_exists) for each in settings.entries]

    def step(event: TransformingEvent) -> None:
        for path, value, overwrite in entries:
            put(event.fields, path, value, overwrite=overwrite)

    return step


def copy_value(settings: Transfers) -> Step:
    """Return the step that copies values; the source may be the event's text or a metadata key."""
    entries = [
        (source_path(each.source), target_path(each.target), each.overwrite_if_exists)
        for each in settings.entries
    ]

    def step(event: TransformingEvent) -> None:
        for source, target, overwrite in entries:
            value = event.read(source)
            if value is not ABSENT:
                put(event.fields, target, deepcopy(value), overwrite=overwrite)

    return step


def move_keys(settings: Transfers) -> Step:
    """Return the step that moves fields; into a target that is an object the field goes under its own name."""
    entries = [
        (target_path(each.source), target_path(each.target), each.overwrite_if_exists)
        for each in settings.entries
    ]

    def step(event: TransformingEvent) -> None:
        for source, target, overwrite in entries:
            value = find(event.fields, source, ABSENT)
            below = find(event.fields, target, ABSENT)
            if value is ABSENT or below is value:
                continue
            if isinstance(below, dict):
                if overwrite or source.names[-1] not in below:
                    remove(event.fields, source)
                    below[source.names[-1]] = value
            else:
                _transfer(event.fields, source, target, overwrite=overwrite)

    return step


def rename_keys(settings: RenameKeys) -> Step:
    """Return the step that gives fields new paths, both counted from the root."""
    entries = [
        (target_path(each.key), target_path(each.rename_to), each.overwrite_if_exists)
        for each in settings.entries
    ]

    def step(event: TransformingEvent) -> None:
        for source, target, overwrite in entries:
            if find(event.fields, source, ABSENT) is not ABSENT:
                _transfer(event.fields, source, target, overwrite=overwrite)

    return step


def delete_keys(settings: WithKeys5) -> Step:
    """Return the step that deletes fields, with all below them."""
    paths = [target_path(key) for key in settings.with_keys]

    def step(event: TransformingEvent) -> None:
        for path in paths:
            remove(event.fields, path)

    return step


def _transfer(fields: dict[str, Any], source: Path, target: Path, *, overwrite: bool) -> None:
    """Give the value at `source` another path; nothing happens where the target exists and is to stay."""
    if source.names == target.names:
        return
    if find(fields, target, ABSENT) is not ABSENT and not overwrite:
        return
    value = find(fields, source, ABSENT)
    remove(fields, source)
    if not put(fields, target, value, overwrite=overwrite):
        put(fields, source, value, overwrite=True)


def list_to_map(settings: ListToMap) -> Step:
    """Return the step that makes an object of a list of objects; elements without the key are left out."""
    source = source_path(settings.source)
    target = None if settings.target is None else target_path(settings.target)
    if settings.flatten and settings.flattened_element is None:
        raise InvalidTransformer("flattenedElement must be specified when flatten is true")

    def step(event: TransformingEvent) -> None:
        elements = event.read(source)
        if elements is ABSENT:
            return
        if not isinstance(elements, list):
            raise TransformationFailed(f"the value of {source.text} is no list")
        made: dict[str, Any] = {}
        for name, value in _pairs(elements, settings):
            if not settings.flatten:
                made.setdefault(name, []).append(value)
            elif settings.flattened_element == "last" or name not in made:
                made[name] = value
        if target is None:
            event.fields.update(made)
        else:
            put(event.fields, target, made, overwrite=True)

    return step


def _pairs(elements: list[Any], settings: ListToMap) -> list[tuple[str, Any]]:
    found = []
    for element in elements:
        if not isinstance(element, dict) or settings.key not in element:
            continue
        name = element[settings.key]
        if isinstance(name, dict | list) or name is None:
            continue
        if settings.value_key is None:
            found.append((_name(name), deepcopy(element)))
        elif settings.value_key in element:
            found.append((_name(name), deepcopy(element[settings.value_key])))
    return found


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
