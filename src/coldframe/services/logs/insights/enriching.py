"""`lookup` and `cidrlookup`: fields of a lookup table beside the rows that name its keys."""

from coldframe.services.logs.insights import tree, values
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.functions.addresses import ipv4_number, ipv6_number
from coldframe.services.logs.insights.stage import Lookup, Stage
from coldframe.services.logs.insights.values import Sql


def lookup(stage: Stage, command: tree.Lookup) -> None:
    """Add the fields of the first row of the table whose keys are exactly the row's values, as text."""
    used = stage.chain.lookup(command.table, command.span)
    bind = stage.chain.bind
    keys = {bind.name(): (_place(used, key.column), key.field) for key in command.keys}
    texts = {name: stage.compiler().string(field) for name, (_, field) in keys.items()}
    outputs, hit = {bind.name(): each for each in command.outputs}, bind.name("o")
    selects = [f"c{place} AS {name}" for name, (place, _) in keys.items()]
    selects += [f"c{_place(used, each.column)} AS {name}" for name, each in outputs.items()]
    first = f"QUALIFY row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY r) = 1"
    rows = stage.chain.add(f"SELECT {', '.join(selects)}, TRUE AS {hit} FROM {used.relation} {first}")
    tests = " AND ".join(f"{text} = {name}" for name, text in texts.items())
    stage.step("*", f"LEFT JOIN {rows} ON {tests}")
    _add(stage, command, outputs, hit)


def cidr_lookup(stage: Stage, command: tree.Lookup) -> None:
    """Add the fields of the row of the table with the narrowest range of addresses that a row's address is in."""
    key = command.keys[0]
    column = _range_column(stage, command, key)
    used = stage.chain.lookup(command.table, command.span, ranges=column)
    bind = stage.chain.bind
    address, number, version = bind.name("o"), bind.name("o"), bind.name("o")
    stage.step(f"*, {stage.compiler().string(key.field)} AS {address}")
    numbers = f"coalesce({ipv4_number(address)}, {ipv6_number(address)})"
    stage.step(
        f"*, {numbers} AS {number}, (CASE WHEN contains({address}, ':') THEN 6 ELSE 4 END) AS {version}"
    )
    outputs, hit = {bind.name(): each for each in command.outputs}, bind.name("o")
    kind, low, high = (bind.name("o") for _ in range(3))
    selects = [f"c{_place(used, each.column)} AS {name}" for name, each in outputs.items()]
    bounds = f"version AS {kind}, CAST(low AS UHUGEINT) AS {low}, CAST(high AS UHUGEINT) AS {high}"
    rows = stage.chain.add(f"SELECT {', '.join(selects)}, {bounds} FROM {used.relation}")
    # The ranges do not overlap, so that the last one that begins before an address is the only one it can be in.
    stage.step("*", f"ASOF LEFT JOIN {rows} ON {version} = {kind} AND {number} >= {low}")
    stage.step(f"*, coalesce({number} <= {high}, FALSE) AS {hit}")
    _add(stage, command, outputs, hit)


def _add(stage: Stage, command: tree.Lookup, outputs: dict[str, tree.Output], hit: str) -> None:
    """Define the output fields: those of a row without a match stay as they are."""
    items: list[tuple[str, Sql, Sql | None]] = []
    for name, output in outputs.items():
        present = values.text(stage.compiler().value(output.field))
        if command.only_new:
            sql = f"coalesce(nullif({present}, ''), CASE WHEN {hit} THEN {name} END)"
        else:
            sql = f"(CASE WHEN {hit} THEN {name} ELSE {present} END)"
        items.append((output.field.name, Sql(sql, "any"), None))
    stage.define(items)
    stage.parsed += [name for name, _, _ in items if name not in stage.parsed]


def _place(used: Lookup, column: tree.Field) -> int:
    if column.name not in used.columns:
        raise QueryError(f"the lookup table {used.table} has no field {column.name}", column.span)
    return used.columns.index(column.name)


def _range_column(stage: Stage, command: tree.Lookup, key: tree.LookupKey) -> int:
    """Return which column has the ranges: the one named, else the one that is called as the field, or `cidr`, or the first."""
    columns = stage.chain.columns(command.table, command.span)
    named = key.column is not key.field
    found = next((name for name in (key.column.name, *(() if named else ("cidr",))) if name in columns), None)
    if found is None and named:
        raise QueryError(f"the lookup table {command.table} has no field {key.column.name}", key.column.span)
    return 0 if found is None else columns.index(found)
