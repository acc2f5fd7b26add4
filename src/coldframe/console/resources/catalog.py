"""The catalog of resource pages: every service's console.toml, and for the rest their names alone."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import resources
from typing import Any, NamedTuple

import msgspec
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from coldframe.console.resources.description import Description, Resource
from coldframe.core.service import Service
from coldframe.core.struct_types import whole


class Entry(NamedTuple):
    """A service as the navigation shows it."""

    name: str
    description: Description
    service: Service
    paginators: Mapping[str, Any]

    @property
    def address(self) -> str:
        """The address of the service's first page."""
        top = next((each for each in self.description.resources if not each.parent), None)
        return f"/console/{self.name}/{top.name}" if top else f"/console/{self.name}"


class Catalog:
    """What each service shows, read once."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Services that have pages, by name."""
        return {entry.name: entry for entry in self._read()}

    @cached_property
    def groups(self) -> dict[str, list[Entry]]:
        """Services that have pages, by the group that they are in."""
        found: dict[str, list[Entry]] = {}
        for entry in sorted(self.entries.values(), key=lambda each: each.description.title):
            found.setdefault(entry.description.group, []).append(entry)
        return dict(sorted(found.items()))

    def resource(self, service: str, name: str) -> tuple[Entry, Resource] | None:
        """Return one kind of resource of a service; None when there is none of that name."""
        entry = self.entries.get(service)
        if entry is None:
            return None
        found = next((each for each in entry.description.resources if each.name == name), None)
        return None if found is None else (entry, found)

    def children(self, entry: Entry, resource: Resource) -> list[Resource]:
        """Return the kinds of resources that lie within one of this kind."""
        return [each for each in entry.description.resources if each.parent == resource.name]

    def _read(self) -> Iterator[Entry]:
        for name, service in self._services.items():
            file = resources.files(service.package).joinpath("console.toml")
            if file.is_file():
                described = msgspec.toml.decode(file.read_text(encoding="utf-8"), type=whole(Description))
                yield Entry(name, described, service, _paginators(service.manifest.model))


def _paginators(model: str) -> Mapping[str, Any]:
    """Return how each listing of a service is continued, as botocore describes it."""
    try:
        pagination: Mapping[str, Any] = Loader().load_service_model(model, "paginators-1")["pagination"]
    except UnknownServiceError:
        return {}
    return pagination
