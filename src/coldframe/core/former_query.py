"""The query protocol of services that have moved to JSON: what their models no longer say of it, put back.

Source: the models that AWS published before the move; Amazon SQS API Reference, Making query API requests.
"""

import copy
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from coldframe.core.struct_types import whole

_TABLE: dict[str, Any] = tomllib.loads(
    files("coldframe.core").joinpath("former_query.toml").read_text("utf-8")
)


class FormerQuery(NamedTuple):
    """A model as the query protocol needs it, and the member that the path of a request's URL stands for."""

    description: dict[str, Any]
    path_member: str


class Wording(msgspec.Struct, frozen=True):
    """What a service says otherwise in the query protocol: of actions, of its errors, and in answers by JSON."""

    no_action: str = "Could not find operation {action} for version {version}"
    without_path: list[str] = []
    messages: dict[str, str] = {}
    detail: bool = False
    json: dict[str, dict[str, str]] = {}


@cache
def wording(service: str) -> Wording:
    """Return how a service words the query protocol."""
    return msgspec.convert(_TABLE.get(service, {}), type=whole(Wording))


def amend(service: str, description: dict[str, Any]) -> None:
    """Put the codes of the errors back into a model, and open enumerations; services that never moved need neither."""
    for name, (code, status) in _TABLE.get(service, {}).get("errors", {}).items():
        trait = {"code": code, "httpStatusCode": status, "senderFault": status < 500}
        description["shapes"][name]["error"] = trait
    for name in _TABLE.get(service, {}).get("open", ()):
        description["shapes"][name].pop("enum", None)


@cache
def names() -> frozenset[str]:
    """The models that this is about."""
    return frozenset(_TABLE)


def rebuild(service: str, description: dict[str, Any]) -> FormerQuery:
    """Return a copy of a model, which speaks the query protocol with the names that it had."""
    table, former = _TABLE[service], copy.deepcopy(description)
    metadata, shapes = former["metadata"], former["shapes"]
    metadata.update(protocol="query", protocols=["query"], xmlNamespace=table["namespace"])
    for name, element in table["lists"].items():
        shapes[name]["member"]["locationName"] = element
    for name, (_, key, value) in table["maps"].items():
        shapes[name]["key"]["locationName"] = key
        shapes[name]["value"]["locationName"] = value
    for shape in shapes.values():
        for member in shape.get("members", {}).values():
            if member["shape"] in table["maps"]:
                member["locationName"] = table["maps"][member["shape"]][0]
    for operation in former["operations"].values():
        if "output" in operation:
            operation["output"]["resultWrapper"] = f"{operation['name']}Result"
    return FormerQuery(former, table.get("path_member", ""))
