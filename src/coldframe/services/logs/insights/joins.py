"""`join` and `appendcols`: the rows of a second query beside those of the first."""

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.scope import Column
from coldframe.services.logs.insights.stage import Stage


def join(stage: Stage, command: tree.Join) -> None:
    """Put rows together whose keys are equal as text; a left join keeps rows without a match."""
    stage.counted()
    right = stage.chain.pipeline(command.query)
    tests = []
    for first, second in command.keys:
        left_key, right_key = _sides(command, first, second)
        left_text = stage.compiler().string(left_key)
        tests.append(f"{left_text} = {right.compiler().string(right_key)}")
    way = "LEFT JOIN" if command.kind == "left" else "JOIN"
    before = stage.scope.copy()
    stage.step("*", f"{way} {right.relation} ON {' AND '.join(tests)}")
    scope = before.copy()
    scope.sides = {**before.sides, command.left: before, command.right: right.scope}
    for name, column in right.scope.columns.items():
        scope.columns.setdefault(name, column)
    stage.scope = scope


def _sides(command: tree.Join, first: tree.Field, second: tree.Field) -> tuple[tree.Field, tree.Field]:
    by_alias = {field.path[0]: field for field in (first, second)}
    if set(by_alias) != {command.left, command.right} or any(len(each.path) < 2 for each in (first, second)):
        raise QueryError(
            f"a key of the join is {command.left}.field={command.right}.field",
            Span(first.span.start, second.span.end),
        )
    left, right = by_alias[command.left], by_alias[command.right]
    return tree.Field(left.span, left.path[1:]), tree.Field(right.span, right.path[1:])


def append_columns(stage: Stage, command: tree.AppendColumns) -> None:
    """Put the first row of the second query beside the first one here, and so on."""
    stage.counted()
    bind = stage.chain.bind
    right = stage.chain.pipeline(command.query)
    mine, theirs = bind.name("o"), bind.name("o")
    stage.step(f"*, row_number() OVER ({stage.ordering()}) AS {mine}")
    columns = {name: right.scope.columns[name] for name in right.names()}
    names = {name: bind.name() for name in columns}
    selects = [f"{column.sql} AS {names[name]}" for name, column in columns.items()]
    right.step(", ".join([*selects, f"row_number() OVER ({right.ordering()}) AS {theirs}"]))
    right.step("*", f"WHERE {theirs} <= {command.most}")
    stage.step("*", f"LEFT JOIN {right.relation} ON {mine} = {theirs}")
    shown = stage.names()
    for name, column in columns.items():
        if command.override or name not in stage.scope.columns:
            stage.scope.columns[name] = Column(names[name], column.kind)
    stage.order = [f"{mine} ASC"]
    stage.shown = list(dict.fromkeys([*shown, *columns]))
