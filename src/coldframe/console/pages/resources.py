"""Resource pages: a list, a page of one, and the forms that create, change and delete."""

from typing import Any
from urllib.parse import urlencode

import jmespath

from coldframe.console import refusals
from coldframe.console.resources import forms, items
from coldframe.console.resources.catalog import Entry
from coldframe.console.resources.description import Action, Resource
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, redirect
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse

_NO_SUCH = "There is no such kind of resource."


def show_list(visit: Visit) -> WireResponse:
    """Show a page of a list."""
    described = _described(visit)
    if described is None:
        return visit.problem(404, _NO_SUCH)
    entry, resource = described
    if resource.parent and not visit.asked("parent"):
        return visit.problem(404, f"{resource.title} are shown on the page of what they belong to.")
    try:
        parent = items.parent_of(visit, visit.catalog, entry, resource)
        page = items.listed(visit, entry, resource, parent, visit.asked("after"))
    except items.NoSuchItem as missing:
        return visit.problem(404, f"{missing} is not there (any more).")
    except ClientError as error:
        status, text = refusals.refused(error)
        return visit.page(
            "list.html", status=status, **_naming(entry, resource), rows=[], more="", refusal=text
        )
    rows = [_row(visit, entry, resource, item) for item in page.items]
    return visit.page("list.html", **_naming(entry, resource), rows=rows, more=page.more, refusal="")


def show_one(visit: Visit) -> WireResponse:
    """Show one item: its fields, what lies within it, and what can be done with it."""
    described = _described(visit)
    if described is None:
        return visit.problem(404, _NO_SUCH)
    entry, resource = described
    name = visit.asked("id")
    try:
        item = items.one(visit, visit.catalog, entry, resource, name)
    except items.NoSuchItem:
        return visit.problem(404, f"The {resource.one} {name} is not there (any more).")
    except ClientError as error:
        return visit.problem(*refusals.refused(error))
    parts = []
    for child in visit.catalog.children(entry, resource):
        try:
            page = items.listed(visit, entry, child, item)
        except ClientError as error:
            parts.append({"resource": child, "rows": [], "more": "", "refusal": refusals.message(error)})
        else:
            rows = [_row(visit, entry, child, each, parent=name) for each in page.items]
            parts.append({"resource": child, "rows": rows, "more": page.more, "refusal": ""})
    shown = resource.fields or resource.columns
    values = [(column, jmespath.search(column.value, item)) for column in shown]
    return visit.page(
        "one.html",
        **_naming(entry, resource),
        name=name,
        values=values,
        parts=parts,
        links=_links(resource, {**item, "id_": name}),
        raw=_raw(item),
    )


def show_form(visit: Visit) -> WireResponse:
    """Show the form of an action."""
    found = _action(visit)
    if found is None:
        return visit.problem(404, "There is no such form.")
    entry, resource, action = found
    return _form(visit, entry, resource, action, forms.fields(entry.service, action), "", 200)


def send_form(visit: Visit) -> WireResponse:
    """Do what a form asks for; what the API refuses comes back at the field it is about."""
    found = _action(visit)
    if found is None:
        return visit.problem(404, "There is no such form.")
    entry, resource, action = found
    problem, at, status = "", "", 400
    try:
        asked = _bound(visit, entry, resource, action) | forms.values(entry.service, action, visit.form)
        items.call(visit, entry.name, action.operation, asked)
    except forms.BadField as bad:
        problem, at = str(bad), bad.field
    except items.NoSuchItem as missing:
        return visit.problem(404, f"{missing} is not there (any more).")
    except ClientError as error:
        status, problem = refusals.refused(error)
        if not refusals.is_denied(error):
            at = refusals.field_of(problem, action.asks)
    else:
        return redirect(_after(visit, entry, resource, action))
    shown = forms.fields(entry.service, action)
    for field in shown:
        field.value = visit.sent(field.name)
        field.problem = problem if field.name == at else ""
    return _form(visit, entry, resource, action, shown, "" if at else problem, status)


def _form(
    visit: Visit,
    entry: Entry,
    resource: Resource,
    action: Action,
    shown: list[forms.Field],
    problem: str,
    status: int,
) -> WireResponse:
    name = visit.asked("id")
    return visit.page(
        "form.html",
        status=status,
        **_naming(entry, resource),
        action=action,
        fields=shown,
        problem=problem,
        name=name,
        back=_after(visit, entry, resource, action),
    )


def _action(visit: Visit) -> tuple[Entry, Resource, Action] | None:
    described = _described(visit)
    if described is None:
        return None
    entry, resource = described
    known = [each for each in (resource.create, resource.delete, *resource.actions) if each is not None]
    action = next((each for each in known if each.operation == visit.parts["operation"]), None)
    return None if action is None else (entry, resource, action)


def _bound(visit: Visit, entry: Entry, resource: Resource, action: Action) -> dict[str, Any]:
    if action is resource.create:
        return items.bound(action.bind, items.parent_of(visit, visit.catalog, entry, resource))
    parent = items.parent_of(visit, visit.catalog, entry, resource)
    item = items.one(visit, visit.catalog, entry, resource, visit.asked("id"))
    return items.bound(action.bind, {**item, "parent_": parent})


def _after(visit: Visit, entry: Entry, resource: Resource, action: Action) -> str:
    """Return where a form leads: to the item, or to the list that it was created in or deleted from."""
    if action is resource.create or action is resource.delete or not visit.asked("id"):
        if not resource.parent:
            return f"/console/{entry.name}/{resource.name}"
        return _address(entry, resource.parent, id=visit.asked("parent"))
    return _address(entry, resource.name, id=visit.asked("id"), parent=visit.asked("parent"))


def _row(
    visit: Visit, entry: Entry, resource: Resource, item: dict[str, Any], *, parent: str = ""
) -> dict[str, Any]:
    name = str(jmespath.search(resource.id, item))
    values = [(column, jmespath.search(column.value, item)) for column in resource.columns]
    address = _address(entry, resource.name, id=name, parent=parent or visit.asked("parent"))
    return {"id": name, "address": address, "values": values}


def _links(resource: Resource, item: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the titles and addresses of an item's pages of its own."""
    return [
        (link.title, f"{link.address}?{urlencode(items.bound(link.bind, item))}") for link in resource.links
    ]


def _address(entry: Entry, resource: str, **values: str) -> str:
    given = {name: value for name, value in values.items() if value}
    return f"/console/{entry.name}/{resource}/item?{urlencode(given)}"


def _naming(entry: Entry, resource: Resource) -> dict[str, Any]:
    return {"entry": entry, "resource": resource}


def _raw(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "id_"}


def _described(visit: Visit) -> tuple[Entry, Resource] | None:
    return visit.catalog.resource(visit.parts["service"], visit.parts["resource"])


ROUTES = (
    Route("GET", "/console/{service}/{resource}", show_list),
    Route("GET", "/console/{service}/{resource}/item", show_one),
    Route("GET", "/console/{service}/{resource}/do/{operation}", show_form),
    Route("POST", "/console/{service}/{resource}/do/{operation}", send_form),
)
