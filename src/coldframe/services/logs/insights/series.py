"""`autoregress`, `accum`, `sessionize`, `filldown` and `fillmissing`: rows as a series, in the order they are in."""

from coldframe.services.logs.insights import times, tree, values
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.scope import Column
from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.insights.values import Sql

MOST_BINS = 100_000


def autoregress(stage: Stage, command: tree.Autoregress) -> None:
    """Add the field's values of earlier rows, as `field_p1` and so on, or as the alias where there is one of them."""
    stage.counted()
    value = stage.compiler().value(command.field)
    stem = command.name or command.field.name
    single = command.name is not None and command.first == command.last
    items: list[tuple[str, Sql, Sql | None]] = []
    for depth in range(command.first, command.last + 1):
        name = stem if single else f"{stem}_p{depth}"
        items.append((name, Sql(f"lag({value.text}, {depth}) OVER ({stage.ordering()})", value.kind), None))
    shown = stage.names()
    stage.define(items)
    stage.shown, stage.parsed = shown, []
    stage.show([name for name, _, _ in items])


def accumulate(stage: Stage, command: tree.Accumulate) -> None:
    """Add the sum of a field's numbers so far, in the order of the rows."""
    stage.counted()
    shown = stage.names()
    number = stage.compiler().number(command.field)
    frame = f"OVER ({stage.ordering()} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    stage.define([(command.name, Sql(f"sum({number}) {frame}", "number"), None)])
    stage.shown, stage.parsed = shown, []
    stage.show([command.name])


def sessionize(stage: Stage, command: tree.Sessionize) -> None:
    """Number the sessions: events of the same values, none of them longer than the gap after the one before."""
    position, gap = stage.scope.position, times.milliseconds(command.gap)
    if position is None or gap is None:
        raise QueryError("sessionize needs log events, and a gap of weeks at most", command.span)
    stage.counted()
    shown = stage.names()
    bind = stage.chain.bind
    keys = ", ".join(stage.compiler().string(field) for field in command.fields)
    order = f"PARTITION BY {keys} ORDER BY {position.time}, {position.sequence}"
    begins, session = bind.name("o"), bind.name("o")
    before = f"lag({position.time}) OVER ({order})"
    stage.step(f"*, (CASE WHEN {position.time} - {before} <= {gap} THEN 0 ELSE 1 END) AS {begins}")
    stage.step(
        f"*, sum({begins}) OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS {session}"
    )
    number = f"CAST(dense_rank() OVER (ORDER BY {keys}, {session}) AS DOUBLE)"
    stage.define([(command.name, Sql(number, "number"), None)])
    stage.shown, stage.parsed = shown, []
    stage.show([command.name])


def fill_down(stage: Stage, command: tree.FillDown) -> None:
    """Give rows that lack a field the value of the last row before that has it."""
    stage.counted()
    shown = stage.names()
    chosen = [
        name for name in shown if not command.patterns or any(_fits(name, each) for each in command.patterns)
    ]
    frame = f"OVER ({stage.ordering()} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    items: list[tuple[str, Sql, Sql | None]] = []
    for name in chosen:
        column = stage.scope.columns[name]
        items.append((name, Sql(f"last_value({column.sql} IGNORE NULLS) {frame}", column.kind), None))
    if items:
        stage.define(items)
    stage.shown, stage.parsed = shown, []


def fill_missing(stage: Stage, command: tree.FillMissing) -> None:
    """Add a row for each bin of the query's time range, and each combination of other groups, that has none."""
    if len(stage.bins) != 1 or stage.bins[0][0] not in stage.scope.columns:
        raise QueryError("fillmissing follows a stats with one bin() among its groups", command.span)
    name, period = stage.bins[0]
    column, bind = stage.scope.columns[name], stage.chain.bind
    span = stage.chain.times
    length = times.milliseconds(period) or 28 * 86_400_000
    if (span.end - span.start) / length > MOST_BINS:
        raise QueryError(f"there are more than {MOST_BINS} bins in the query's time range", command.span)
    first, slot = bind.name("o"), bind.name("o")
    moment = times.floor(f"CAST({span.start} AS BIGINT)", period)
    grid = f"SELECT {moment} AS {first}"
    step = times.after(first, period)
    bins = stage.chain.bind.name("r")
    stage.chain.expressions.append(
        f"{bins}({first}) AS ({grid} UNION ALL SELECT {step} FROM {bins} WHERE {step} <= {span.end})"
    )
    others = [stage.scope.columns[each].sql for each in stage.groups if each != name]
    cells = f"SELECT {first} AS {slot} FROM {bins}"
    if others:
        renamed = {each: bind.name("o") for each in others}
        distinct = ", ".join(f"{each} AS {fresh}" for each, fresh in renamed.items())
        cells = (
            f"SELECT {first} AS {slot}, k.* FROM {bins}, (SELECT DISTINCT {distinct} FROM {stage.relation}) k"
        )
    else:
        renamed = {}
    grid_name = stage.chain.add(cells)
    _outer(stage, command, grid_name, {column.sql: slot, **renamed})


def _outer(stage: Stage, command: tree.FillMissing, grid: str, keys: dict[str, str]) -> None:
    """Join the full grid of groups with the rows there are, and fill the fields that constants were given for."""
    bind = stage.chain.bind
    given: dict[str, Sql] = {field.name: stage.compiler().value(value) for value, field in command.values}
    tests = " AND ".join(f"{mine} IS NOT DISTINCT FROM {slot}" for mine, slot in keys.items())
    new_names = [name for name in given if name not in stage.scope.columns]
    stage.step("*", f"RIGHT JOIN {grid} ON {tests}")
    first = next(iter(keys))
    selects, columns = [], dict(stage.scope.columns)
    for name, column in stage.scope.columns.items():
        fresh = bind.name()
        sql, kind = column.sql, column.kind
        if sql in keys:
            sql = f"coalesce({sql}, {keys[sql]})"
        elif name in given:
            filling = values.as_kind(given[name], kind)
            sql = f"CASE WHEN {first} IS NULL THEN {filling} ELSE {sql} END"
        selects.append(f"{sql} AS {fresh}")
        columns[name] = Column(fresh, kind)
    shown = stage.names()
    order = [f"{columns[name].sql} ASC NULLS LAST" for name in stage.groups if name in columns]
    stage.step(", ".join(selects))
    stage.scope.columns = columns
    stage.order = order
    stage.shown = shown
    if new_names:
        raise QueryError(f"there is no field {new_names[0]} to fill", command.span)


def _fits(name: str, written: str) -> bool:
    return name.startswith(written[:-1]) if written.endswith("*") else name == written
