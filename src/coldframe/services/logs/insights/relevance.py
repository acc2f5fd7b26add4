"""`relevantfields`: which fields differ most between the events that satisfy a condition and the others.

The score is the total variation distance between a field's values on both sides: 0 where they are alike, 1 where no
value is on both. Numbers are compared by the tenths of all of them.
"""

from collections.abc import Iterator

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.scope import Binder, Column, Scope
from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.insights.statistics import children

# A field counts as one of numbers when so many of its values are, and they are this many different ones.
_NUMBERS, _DIFFERENT = 0.9, 10
# A field whose values are nearly all different, such as an id, tells events apart and says nothing about the condition.
_OWN = 0.5
_CONTRIBUTORS = 3
_TENTHS = "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]"


def relevant_fields(stage: Stage, command: tree.RelevantFields) -> None:
    """Replace the rows by fields and their scores, the most relevant first."""
    stage.counted()
    bind = stage.chain.bind
    hit = bind.name("o")
    stage.step(f"*, coalesce({stage.compiler().condition(command.condition)}, FALSE) AS {hit}")
    pairs = " UNION ALL ".join(_pairs(stage, command, hit))
    values = stage.chain.add(pairs)
    if stage.main:
        # Read more than once below.
        values = stage.chain.materialize(values)
    number = "TRY_CAST(v AS DOUBLE)"
    facts = stage.chain.add(
        f"SELECT f, count(*) FILTER (WHERE hit) AS n1, count(*) FILTER (WHERE NOT hit) AS n0,"
        f" count(DISTINCT v) AS different, count(*) AS n,"
        f" avg(CAST({number} IS NOT NULL AS INTEGER)) >= {_NUMBERS} AND count(DISTINCT v) > {_DIFFERENT} AS numeric,"
        f" quantile_cont({number}, {_TENTHS}) AS tenths,"
        f" median({number}) FILTER (WHERE hit) AS m1, median({number}) FILTER (WHERE NOT hit) AS m0"
        f" FROM {values} GROUP BY f"
    )
    category = (
        f"CASE WHEN numeric THEN CAST(len(list_filter(tenths, lambda t: t < {number})) AS VARCHAR) ELSE v END"
    )
    shares = stage.chain.add(
        f"SELECT f, {category} AS c, count(*) FILTER (WHERE hit) / any_value(n1) AS p1,"
        f" count(*) FILTER (WHERE NOT hit) / any_value(n0) AS p0 FROM {values} JOIN {facts} USING (f)"
        f" WHERE n1 > 0 AND n0 > 0 AND {number} IS NOT DISTINCT FROM (CASE WHEN numeric THEN coalesce({number}, 0) ELSE {number} END)"
        " GROUP BY f, c"
    )
    change = "{value: c, condition: round(p1, 4), baseline: round(p0, 4)}"
    scores = stage.chain.add(
        f"SELECT f, sum(abs(p1 - p0)) / 2 AS score,"
        f" list({change} ORDER BY abs(p1 - p0) DESC, c)[1:{_CONTRIBUTORS}] AS top FROM {shares} GROUP BY f"
    )
    name, score, top, first, second = (bind.name() for _ in range(5))
    own = f"NOT numeric AND n > {_DIFFERENT} AND different > n * {_OWN}"
    stage.relation = stage.chain.add(
        f"SELECT f AS {name}, round(CASE WHEN {own} THEN 0 ELSE least(coalesce(score, 0), 1) END, 4) AS {score},"
        f" CASE WHEN NOT numeric AND NOT ({own}) THEN CAST(to_json(top) AS VARCHAR) END AS {top},"
        f" CASE WHEN numeric THEN m1 END AS {first}, CASE WHEN numeric THEN m0 END AS {second}"
        f" FROM {facts} LEFT JOIN {scores} USING (f)"
    )
    stage.scope = Scope(
        {
            "@fieldName": Column(name, "any"),
            "@relevanceScore": Column(score, "number"),
            "@topRelevanceContributors": Column(top, "any"),
            "@conditionalMedian": Column(first, "number"),
            "@baselineMedian": Column(second, "number"),
        }
    )
    stage.shown, stage.parsed = list(stage.scope.columns), []
    stage.order = [f"{score} DESC", f"{name} ASC"]


def _pairs(stage: Stage, command: tree.RelevantFields, hit: str) -> Iterator[str]:
    """Give SQL of fields and their values, with whether the condition holds: f, v, hit."""
    bind, compiler = stage.chain.bind, stage.compiler()
    named = command.fields
    if not named:
        asked = _asked(command.condition)
        named = tuple(
            tree.Field(command.span, tuple(name.split("."))) for name in stage.parsed if name not in asked
        )
    for field in named:
        value = compiler.string(field)
        label = f"CAST({bind.bind(field.name)} AS VARCHAR)"
        yield f"SELECT {label} AS f, {value} AS v, {hit} AS hit FROM {stage.relation} WHERE {value} IS NOT NULL"
    if not command.fields:
        yield _discovered(stage, bind, hit, _asked(command.condition))


def _discovered(stage: Stage, bind: Binder, hit: str, asked: set[str]) -> str:
    """Return SQL of the fields of the events' own JSON, but those that the condition names."""
    parsed = stage.scope.parsed
    document = parsed.sql if parsed is not None else "CAST(NULL AS JSON)"
    others = "".join(f" AND k <> {bind.bind(name)}" for name in sorted(asked))
    pointer = "'/' || replace(replace(k, '~', '~0'), '/', '~1')"
    keys = f"SELECT unnest(json_keys(d)) AS k, d, hit FROM (SELECT {document} AS d, {hit} AS hit FROM {stage.relation})"
    return (
        f"SELECT k AS f, json_extract_string(d, {pointer}) AS v, hit FROM ({keys})"
        f" WHERE json_type(d, {pointer}) NOT IN ('OBJECT', 'ARRAY', 'NULL'){others}"
    )


def _asked(node: object) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tree.Field):
            found.add(each.name)
        waiting += children(each)
    return found
