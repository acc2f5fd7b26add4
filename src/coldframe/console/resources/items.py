"""Items of a resource, fetched through the API as the visitor: a page of a list, or one by its id."""

from typing import Any, NamedTuple

import jmespath

from coldframe.console.resources.catalog import Catalog, Entry
from coldframe.console.resources.description import Resource
from coldframe.console.visit import Visit

PAGE = 100


class Listed(NamedTuple):
    """A page of items, and the token that continues the list; empty at its end."""

    items: list[dict[str, Any]]
    more: str


class NoSuchItem(Exception):
    """The item that an address names is not there (any more)."""


def listed(visit: Visit, entry: Entry, resource: Resource, parent: Any, after: str = "") -> Listed:
    """Return a page of a list; raises ClientError when the API refuses."""
    client = visit.client(entry.name)
    operation = _method(client, resource.listing)
    asked = bound(resource.list_bind, parent)
    if resource.prefix and visit.asked("prefix"):
        asked[resource.prefix] = visit.asked("prefix")
    if not client.can_paginate(operation):
        return Listed(found(resource.items, getattr(client, operation)(**asked)), "")
    pages = client.get_paginator(operation)
    config = {"MaxItems": PAGE, "StartingToken": after or None, **_page_size(entry, resource)}
    paginator = pages.paginate(**asked, PaginationConfig=config)
    items = [item for answer in paginator for item in found(resource.items, answer)]
    return Listed(items, paginator.resume_token or "")


def one(visit: Visit, catalog: Catalog, entry: Entry, resource: Resource, name: str) -> dict[str, Any]:
    """Return an item by its id; raises NoSuchItem, or ClientError when the API refuses."""
    if resource.get:
        client = visit.client(entry.name)
        asked = bound(resource.get_bind, {"id": name, "parent": parent_of(visit, catalog, entry, resource)})
        answer = getattr(client, _method(client, resource.get))(**asked)
        item = jmespath.search(resource.item, plain(answer))
        if isinstance(item, dict):
            return {**item, "id_": name}
        raise NoSuchItem(name)
    parent = parent_of(visit, catalog, entry, resource)
    after = ""
    while True:
        page = listed(visit, entry, resource, parent, after)
        for item in page.items:
            if str(jmespath.search(resource.id, item)) == name:
                return {**item, "id_": name}
        if not page.more:
            raise NoSuchItem(name)
        after = page.more


def parent_of(visit: Visit, catalog: Catalog, entry: Entry, resource: Resource) -> Any:
    """Return the item that the address names as the parent; None for a resource that has none."""
    if not resource.parent:
        return None
    described = catalog.resource(entry.name, resource.parent)
    if described is None:
        raise NoSuchItem(resource.parent)
    return one(visit, catalog, entry, described[1], visit.asked("parent"))


def found(expression: str, answer: Any) -> list[dict[str, Any]]:
    """Return the items that a JMESPath finds in an answer; plain values become items with a `value`."""
    items = jmespath.search(expression, plain(answer)) or []
    return [item if isinstance(item, dict) else {"value": item} for item in items]


def bound(binding: dict[str, str], item: Any) -> dict[str, Any]:
    """Return the members that JMESPaths over an item fill; those that find nothing are left out."""
    filled = {member: jmespath.search(expression, item) for member, expression in binding.items()}
    return {member: value for member, value in filled.items() if value is not None}


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what only the transport knows."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def call(visit: Visit, service: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Call an operation by its name in the model; raises ClientError when the API refuses."""
    client = visit.client(service)
    answer: dict[str, Any] = getattr(client, _method(client, operation))(**asked)
    return plain(answer)


def _page_size(entry: Entry, resource: Resource) -> dict[str, int]:
    """Return how many items one answer is to have, as far as the operation lets one say."""
    pages = entry.paginators.get(resource.listing, {})
    shape = entry.service.model.operation_model(resource.listing).input_shape
    if "limit_key" not in pages or shape is None:
        return {}
    return {"PageSize": min(PAGE, int(shape.members[pages["limit_key"]].metadata.get("max", PAGE)))}


def _method(client: Any, operation: str) -> str:
    names: dict[str, str] = client.meta.method_to_api_mapping
    return next(method for method, name in names.items() if name == operation)
