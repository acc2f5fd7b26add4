"""`addtotals`, `outlier` and `countFrequent`: results as a table of numbers."""

from coldframe.services.logs.insights import tree, values
from coldframe.services.logs.insights.scope import Column, Scope
from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.insights.statistics import keep_count
from coldframe.services.logs.insights.values import Sql


def add_totals(stage: Stage, command: tree.AddTotals) -> None:
    """Add a column with the sum of each row's numbers, and a last row with the sum of each column's."""
    stage.counted()
    shown = stage.names()
    chosen = [field.name for field in command.fields]
    names = chosen or [name for name in shown if stage.scope.columns[name].kind in {"number", "bool", "any"}]
    found = {name: stage.compiler().value(tree.Field(command.span, tuple(name.split(".")))) for name in names}
    if command.rows and found:
        numbers = [values.number(value) for value in found.values()]
        total = " + ".join(f"coalesce({number}, 0)" for number in numbers)
        known = f"coalesce({', '.join(numbers)})"
        stage.define(
            [(command.name, Sql(f"(CASE WHEN {known} IS NOT NULL THEN {total} END)", "number"), None)]
        )
    stage.shown, stage.parsed = shown, []
    stage.show([command.name] if command.rows else [])
    if command.columns:
        _last_row(stage, [name for name in (*names, command.name) if name in stage.scope.columns])


def _last_row(stage: Stage, names: list[str]) -> None:
    order = stage.chain.bind.name("o")
    stage.step(f"*, row_number() OVER ({stage.ordering()}) AS {order}")
    sums = []
    for name in dict.fromkeys(names):
        column = stage.scope.columns[name]
        total = Sql(f"sum({values.number(Sql(column.sql, column.kind))})", "number")
        sums.append(f"{values.as_kind(total, column.kind)} AS {column.sql}")
    rows = stage.relation
    stage.relation = stage.chain.add(
        f"SELECT * FROM {rows} UNION ALL BY NAME SELECT {', '.join(sums)} FROM {rows}"
    )
    stage.order = [f"{order} ASC NULLS LAST"]


def outlier(stage: Stage, command: tree.Outlier) -> None:
    """Clamp values that lie further outside of the quartiles than some times their distance, or drop their rows."""
    stage.counted()
    shown = stage.names()
    conditions, items = [], []
    for field in command.fields:
        number, low, high = (stage.chain.bind.name("o") for _ in range(3))
        stage.step(f"*, {stage.compiler().number(field)} AS {number}")
        first, third = (f"quantile_cont({number}, {rank}) OVER ()" for rank in (0.25, 0.75))
        reach = f"{command.factor!r} * ({third} - {first})"
        bottom = f"{first} - {reach}" if command.lower else "CAST('-inf' AS DOUBLE)"
        stage.step(f"*, {third} + {reach} AS {high}, {bottom} AS {low}")
        outside = f"coalesce({number} > {high} OR {number} < {low}, FALSE)"
        if command.marks:
            items.append((f"{field.name}_outlier", Sql(outside, "bool"), None))
        if command.removes:
            conditions.append(f"NOT {outside}")
        else:
            clamped = f"(CASE WHEN {number} IS NOT NULL THEN greatest({low}, least({high}, {number})) END)"
            items.append((field.name, Sql(clamped, "number"), None))
    if items:
        stage.define(items)
    if conditions:
        stage.step("*", f"WHERE {' AND '.join(conditions)}")
    stage.shown, stage.parsed = shown, []
    stage.show([name for name, _, _ in items])


def count_frequent(stage: Stage, command: tree.CountFrequent) -> None:
    """Count how often each combination of values is there, the most frequent first; here the count is exact."""
    bind = stage.chain.bind
    count = bind.name()
    columns = {field.name: Column(bind.name(), "any") for field in command.fields}
    selects = [f"{stage.compiler().string(field)} AS {columns[field.name].sql}" for field in command.fields]
    places = ", ".join(str(at + 1) for at in range(len(selects)))
    stage.step(", ".join([*selects, f"CAST(count(*) AS DOUBLE) AS {count}"]), f"GROUP BY {places}")
    keep_count(stage, count)
    stage.order = [f"{count} DESC", *(f"{column.sql} ASC NULLS LAST" for column in columns.values())]
    stage.scope = Scope({**columns, "_approxcount": Column(count, "number")})
    stage.shown, stage.parsed = list(stage.scope.columns), []
