"""What the search box finds: pages of services first, then resources whose name has the words."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from urllib.parse import urlencode

import jmespath

from coldframe.console.resources import items
from coldframe.console.resources.catalog import Entry
from coldframe.console.resources.description import Resource
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, as_json
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse

_MOST = 12
_AT_ONCE = 4


def find(visit: Visit) -> WireResponse:
    """Answer with what matches, as JSON: [{title, of, address}]."""
    words = visit.asked("q").lower().split()
    found = list(_pages(visit, words))
    if words:
        kinds = [
            (entry, resource)
            for entry in visit.catalog.entries.values()
            for resource in entry.description.resources
            if not resource.parent
        ]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            of_kinds = list(threads.map(lambda kind: _resources(visit, kind[0], kind[1], words), kinds))
        # One of each kind in turn: a hundred metrics of a name must not hide the log group of that name.
        found += [each for row in zip_longest(*of_kinds) for each in row if each is not None]
    return as_json(found[:_MOST])


def _pages(visit: Visit, words: list[str]) -> Iterator[dict[str, str]]:
    for entry in visit.catalog.entries.values():
        title = entry.description.title
        if _has(f"{title} {entry.name}", words):
            yield {"title": title, "of": "service", "address": entry.address}
        for resource in entry.description.resources:
            if words and not resource.parent and _has(f"{title} {resource.title}", words):
                address = f"/console/{entry.name}/{resource.name}"
                yield {"title": resource.title, "of": title, "address": address}


def _resources(visit: Visit, entry: Entry, resource: Resource, words: list[str]) -> list[dict[str, str]]:
    try:
        page = items.listed(visit, entry, resource, None)
    except ClientError:
        # What the visitor may not list is not found, as if it were not there.
        return []
    names = [str(jmespath.search(resource.id, item)) for item in page.items]
    # The shortest first: of what has the words in its name, that is most like them.
    return [
        {"title": name, "of": resource.one, "address": _address(entry, resource, name)}
        for name in sorted(names, key=len)
        if _has(name, words)
    ][:_MOST]


def _address(entry: Entry, resource: Resource, name: str) -> str:
    base = f"/console/{entry.name}/{resource.name}/item"
    return f"{base}?{urlencode({'id': name})}"


def _has(text: str, words: list[str]) -> bool:
    return all(word in text.lower() for word in words)


ROUTES = (Route("GET", "/console/search", find),)
