"""What a service's console.toml says: its resources, their columns and fields, and what can be done with them."""

from typing import Literal

import msgspec

Kind = Literal["text", "bytes", "time", "state", "json", "yes"]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of a list or a field of a page: `value` is a JMESPath over the item."""

    title: str
    value: str
    kind: Kind = "text"


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to do: an operation, what of it the page fills in, and which members the form asks for.

    `bind` maps members to JMESPaths over the item (over the parent's item for `create`); `asks` are members in order,
    with `documents` among them being JSON texts. `danger` has the form ask for confirmation.
    """

    title: str
    operation: str
    bind: dict[str, str] = {}
    asks: list[str] = []
    documents: list[str] = []
    defaults: dict[str, str] = {}
    danger: bool = False


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of its own about an item: `bind` maps names in its address to JMESPaths over the item."""

    title: str
    address: str
    bind: dict[str, str] = {}


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of resource.

    `listing` (`list` in the file) is the operation whose answer has the items (at the JMESPath `items`); it is continued with the model's own
    paginator. `id` is a JMESPath over an item that names it. `get` is the operation that fills a page of its own, with
    `get_bind` from an item `{id: ...}` and `item` the JMESPath of the thing in its answer. `parent` is another resource
    of the service; `list_bind` maps members of `listing` to JMESPaths over the parent's item.
    """

    name: str
    title: str
    one: str
    listing: str = msgspec.field(name="list")
    items: str
    id: str
    columns: list[Column]
    list_bind: dict[str, str] = {}
    parent: str = ""
    prefix: str = ""
    get: str = ""
    get_bind: dict[str, str] = {}
    item: str = "@"
    fields: list[Column] = []
    create: Action | None = None
    delete: Action | None = None
    actions: list[Action] = []
    links: list[Link] = []


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service's console.toml; `links` are pages of its own beside those of its resources."""

    title: str
    group: str
    links: list[Link] = []
    resources: list[Resource] = []
