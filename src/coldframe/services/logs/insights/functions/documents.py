"""Functions of JSON documents."""

from typing import TYPE_CHECKING

from coldframe.services.logs.insights import tree, values
from coldframe.services.logs.insights.functions.function import Function
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler


def document(value: Sql) -> str:
    """Return SQL for a value as a JSON document, NULL where it is none."""
    return value.text if value.kind == "json" else f"TRY_CAST({values.text(value)} AS JSON)"


def _array_size(c: "Compiler", node: tree.Call) -> Sql:
    found = document(c.value(node.arguments[0]))
    return Sql(
        f"(CASE WHEN json_type({found}) = 'ARRAY' THEN CAST(json_array_length({found}) AS DOUBLE) END)",
        "number",
    )


def _array_contains(c: "Compiler", node: tree.Call) -> Sql:
    found = document(c.value(node.arguments[0]))
    wanted = c.string(node.arguments[1])
    return Sql(
        f"(CASE WHEN json_type({found}) = 'ARRAY'"
        f" THEN list_contains(json_extract_string({found}, '$[*]'), {wanted}) END)",
        "bool",
    )


def _stringify(c: "Compiler", node: tree.Call) -> Sql:
    value = c.value(node.arguments[0])
    if value.kind == "json":
        return Sql(f"CAST({value.text} AS VARCHAR)", "text")
    if value.kind in values.NUMERIC:
        return Sql(values.text(value), "text")
    text = values.text(value)
    quoted = f"CAST(to_json({text}) AS VARCHAR)"
    if value.kind != "any":
        return Sql(quoted, "text")
    # What is read from an event may be a part of its JSON already.
    return Sql(
        f"(CASE WHEN json_type(TRY_CAST({text} AS JSON)) IN ('OBJECT', 'ARRAY') THEN {text} ELSE {quoted} END)",
        "text",
    )


DOCUMENTS = {
    "jsonParse": Function(1, 1, lambda c, n: Sql(document(c.value(n.arguments[0])), "json")),
    "jsonStringify": Function(1, 1, _stringify),
    "jsonArraySize": Function(1, 1, _array_size),
    "jsonArrayContains": Function(2, 2, _array_contains),
}
