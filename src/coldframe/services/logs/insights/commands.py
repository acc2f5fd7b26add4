"""What each command does to the rows: filters, fields, order, parse and the like."""

from collections.abc import Callable
from typing import Any

from coldframe.services.logs.insights import tree, values
from coldframe.services.logs.insights.enriching import cidr_lookup, lookup
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.extraction import json_field, parse_form, parse_glob, parse_regex
from coldframe.services.logs.insights.functions.documents import document
from coldframe.services.logs.insights.joins import append_columns, join
from coldframe.services.logs.insights.patterns import anomaly, compare, pattern
from coldframe.services.logs.insights.relevance import relevant_fields
from coldframe.services.logs.insights.scope import Column
from coldframe.services.logs.insights.series import (
    accumulate,
    autoregress,
    fill_down,
    fill_missing,
    sessionize,
)
from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.insights.statistics import stats
from coldframe.services.logs.insights.tables import add_totals, count_frequent, outlier
from coldframe.services.logs.insights.values import NUMERIC, Sql


def fields(stage: Stage, command: tree.Fields) -> None:
    """Compute the items and show them beside what is shown already."""
    stage.values(command.items)
    stage.show([item.name for item in command.items])


def display(stage: Stage, command: tree.Display) -> None:
    """Show the items and nothing else."""
    stage.values(command.items)
    stage.shown, stage.parsed = [], []
    stage.show([item.name for item in command.items])


def keep(stage: Stage, command: tree.Filter) -> None:
    """Keep the rows that satisfy the condition; of filterIndex only those of log groups with indexes of its fields."""
    condition = stage.compiler().condition(command.condition)
    if command.indexed:
        if stage.scope.position is None:
            raise QueryError("filterIndex needs log events, and there are none after stats", command.span)
        wanted = frozenset(command.indexed)
        numbers = [
            number
            for number in range(len(stage.chain.labels))
            if wanted <= stage.chain.indexed(number, wanted)
        ]
        there = f"{stage.scope.position.group} IN ({', '.join(map(str, numbers))})" if numbers else "FALSE"
        condition = f"{there} AND {condition}"
    stage.keep(condition)


def sort(stage: Stage, command: tree.Sort) -> None:
    """Order the rows naturally: texts before numbers, or the other way round where it falls; missing values last."""
    order: list[str] = []
    selects: list[str] = []
    for key in command.keys:
        value = stage.compiler().value(key.expression)
        way = "DESC" if key.descending else "ASC"
        for sql, nulls in (
            [(value.text, "LAST")] if value.kind in NUMERIC else _natural(value, key.descending)
        ):
            name = sql
            if not sql.isidentifier():
                name = stage.chain.bind.name("o")
                selects.append(f"{sql} AS {name}")
            order.append(f"{name} {way} NULLS {nulls}")
    if selects:
        stage.step(", ".join(["*", *selects]))
    stage.order = order


def _natural(value: Sql, descending: bool) -> list[tuple[str, str]]:
    """Return the keys of the service's natural order, and where their nulls go.

    Numbers come after all other values; of these the digits in a row are compared by their length, then by their value.
    """
    number, text = values.number(value), values.text(value)
    pieces = f"regexp_extract_all({text}, '[0-9]+|[^0-9]+')"
    long = "'0' || lpad(CAST(length(piece) AS VARCHAR), 7, '0') || piece"
    spelled = f"list_transform({pieces}, lambda piece: CASE WHEN piece[1] BETWEEN '0' AND '9' THEN {long} ELSE piece END)"
    natural = f"array_to_string({spelled}, '')"
    name = f"(CASE WHEN {number} IS NULL THEN CASE WHEN regexp_matches({text}, '[0-9]') THEN {natural} ELSE {text} END END)"
    if descending:
        return [(number, "LAST"), (name, "LAST")]
    # No number is infinite, so that a missing value comes after all of them.
    return [
        (f"(CASE WHEN {text} IS NULL THEN CAST('inf' AS DOUBLE) ELSE {number} END)", "FIRST"),
        (name, "LAST"),
    ]


def limit(stage: Stage, command: tree.Limit) -> None:
    """Keep the first rows, or the last ones."""
    stage.counted()
    ordering = stage.ordering()
    if not command.last:
        stage.step("*", f"{ordering} LIMIT {command.count}")
        return
    number = stage.chain.bind.name("o")
    stage.step(f"*, row_number() OVER ({ordering}) AS {number}")
    stage.step("*", f"ORDER BY {number} DESC LIMIT {command.count}")
    stage.order = [f"{number} ASC"]


def dedup(stage: Stage, command: tree.Dedup) -> None:
    """Keep the first row of each combination of values; rows that lack one of the fields all stay."""
    stage.counted()
    found = [stage.compiler().string(field) for field in command.fields]
    missing = " OR ".join(f"{each} IS NULL" for each in found)
    numbered = f"row_number() OVER (PARTITION BY {', '.join(found)} {stage.ordering()}) = 1"
    stage.step("*", f"QUALIFY {missing} OR {numbered}")


def unmask(stage: Stage, command: tree.Unmask) -> None:
    """Replace fields by what they were before masking."""
    items: list[tuple[str, Sql, Sql | None]] = [
        (field.name, stage.compiler(unmasked=True).value(field), None) for field in command.fields
    ]
    stage.define(items)


def unnest(stage: Stage, command: tree.Unnest) -> None:
    """Make a row of each element of a list; what is no list counts as a list of itself."""
    stage.counted()
    value = stage.compiler().value(command.source)
    found = document(value)
    single = f"coalesce({found}, to_json({values.text(value)}))"
    elements = (
        f"CASE WHEN json_type({found}) = 'ARRAY' THEN json_extract({found}, '$[*]') ELSE [{single}] END"
    )
    name = stage.chain.bind.name()
    stage.step(f"*, unnest({elements}) AS {name}", f"WHERE {values.text(value)} IS NOT NULL")
    stage.scope.columns[command.name] = Column(name, "json")
    stage.parsed.append(command.name)


def expand(stage: Stage, command: tree.Expand) -> None:
    """Make a row of each element of a field's list, under the same name."""
    unnest(stage, tree.Unnest(command.span, command.field, command.field.name))


def enrich(stage: Stage, command: tree.Lookup) -> None:
    """Add fields of a lookup table."""
    (cidr_lookup if command.cidr else lookup)(stage, command)


def source(stage: Stage, command: tree.Source) -> None:
    """SOURCE has been heeded when the pipeline began."""
    del stage, command


COMMANDS: dict[type[Any], Callable[[Stage, Any], None]] = {
    tree.Fields: fields,
    tree.Display: display,
    tree.Filter: keep,
    tree.Stats: stats,
    tree.Sort: sort,
    tree.Limit: limit,
    tree.ParseGlob: parse_glob,
    tree.ParseRegex: parse_regex,
    tree.ParseForm: parse_form,
    tree.JsonField: json_field,
    tree.Dedup: dedup,
    tree.Unmask: unmask,
    tree.Unnest: unnest,
    tree.Pattern: pattern,
    tree.Source: source,
    tree.Join: join,
    tree.AppendColumns: append_columns,
    tree.Autoregress: autoregress,
    tree.FillDown: fill_down,
    tree.FillMissing: fill_missing,
    tree.Accumulate: accumulate,
    tree.AddTotals: add_totals,
    tree.Sessionize: sessionize,
    tree.Outlier: outlier,
    tree.Expand: expand,
    tree.CountFrequent: count_frequent,
    tree.Anomaly: anomaly,
    tree.Compare: compare,
    tree.Lookup: enrich,
    tree.RelevantFields: relevant_fields,
}
