"""`stats`: many rows become few."""

from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass, replace
from typing import Any

from coldframe.services.logs.insights import times, tree, values
from coldframe.services.logs.insights.aggregates import AGGREGATES
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.functions.table import FUNCTIONS
from coldframe.services.logs.insights.scope import Column, Scope
from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.insights.values import Sql


def stats(stage: Stage, command: tree.Stats) -> None:
    """Aggregate the rows by the values of the groups; without any row there is no result row."""
    _Aggregation(stage, command).run()


class _Aggregation:
    """One `stats` command over the rows of a stage."""

    def __init__(self, stage: Stage, command: tree.Stats) -> None:
        self._stage = stage
        self._command = command
        self._compiler = stage.compiler()
        self._selects: list[str] = []
        self._known: dict[str, Sql] = {}

    def run(self) -> None:
        stage, command, bind = self._stage, self._command, self._stage.chain.bind
        if stage.scope.message is None:
            for item in (*command.groups, *command.items):
                self._refuse_gone(item.expression)
        keys = self._keys()
        for item in command.items:
            self._aggregate(item.expression)
        counter = bind.name("n")
        self._selects.append(f"count(*) AS {counter}")
        places = ", ".join(str(at + 1) for at in range(len(keys)))
        stage.step(", ".join(self._selects), f"GROUP BY {places}" if keys else "HAVING count(*) > 0")
        keep_count(stage, counter)
        stage.scope = Scope(dict(keys))
        stage.shown, stage.parsed = [], []
        stage.groups = [name for name, _ in keys]
        bins = {name for name, _ in stage.bins}
        # Without a sort the service gives the newest bin first.
        stage.order = [
            f"{column.sql} {'DESC' if name in bins else 'ASC'} NULLS LAST" for name, column in keys
        ]
        self._results()
        stage.show([*stage.groups, *(item.name for item in command.items)])

    def _refuse_gone(self, node: Any) -> None:
        """Refuse a field that the stats before this one did not keep; raises QueryError."""
        if isinstance(node, tree.Call) and self._written(node) in self._stage.scope.columns:
            return
        if isinstance(node, tree.Field) and node.name.lower() not in {"true", "false"}:
            known = self._stage.scope.find(node.path, self._stage.chain.bind)
            if known is values.NULL and all(node.name != item.name for item in self._command.items):
                raise QueryError(f"{node.name} is not there after the stats before", node.span)
        for child in children(node):
            self._refuse_gone(child)

    def _keys(self) -> list[tuple[str, Column]]:
        self._stage.bins = []
        keys = []
        for item in self._command.groups:
            value = self._compiler.value(item.expression)
            sql = values.text(value) if value.kind == "json" else value.text
            kind = "any" if value.kind in {"json", "null", "text"} else value.kind
            name = self._stage.chain.bind.name()
            call = item.expression
            if isinstance(call, tree.Call) and call.name.lower() == "bin" and call.arguments:
                period = call.arguments[-1]
                assert isinstance(period, tree.Period), "bin has been compiled"
                self._stage.bins.append((item.name, times.capped(period)))
                if self._command.offset is not None:
                    sql = times.after(sql, self._command.offset)
            self._selects.append(f"{sql} AS {name}")
            keys.append((item.name, Column(name, kind)))
            self._know(item, Sql(name, kind))
        if self._command.offset is not None and not self._stage.bins:
            raise QueryError(
                "offset shifts bins, and there is no bin() to group by", self._command.offset.span
            )
        return keys

    def _know(self, item: tree.Item, value: Sql) -> None:
        self._known[item.name] = value
        self._known.setdefault(self._written(item.expression), value)

    def _written(self, node: Any) -> str:
        return self._stage.chain.text[node.span.start : node.span.end].strip()

    def _aggregate(self, node: Any) -> None:
        """Have every aggregate function in an expression computed, and know its result by how it is written."""
        if isinstance(node, tree.Call) and node.name.lower() in AGGREGATES:
            written = self._written(node)
            if written not in self._known:
                value = AGGREGATES[node.name.lower()](self._compiler, node)
                name = self._stage.chain.bind.name()
                self._selects.append(f"{value.text} AS {name}")
                self._known[written] = Sql(name, value.kind)
            return
        for child in children(node):
            self._aggregate(child)

    def _results(self) -> None:
        """Compute the items from the aggregates; each may use the aliases before it."""
        stage = self._stage
        for item in self._command.items:
            self._check(item.expression)
            compiler = replace(stage.compiler(), given=self._known)
            value = compiler.value(item.expression)
            stage.define([(item.name, value, None)])
            column = stage.scope.columns[item.name]
            self._known.setdefault(item.name, Sql(column.sql, column.kind))

    def _check(self, node: Any) -> None:
        if isinstance(node, tree.Call) and self._written(node) in self._known:
            return
        if isinstance(node, tree.Call) and node.name.lower() not in FUNCTIONS:
            raise QueryError(f"unknown function {node.name}", node.span)
        if (
            isinstance(node, tree.Field)
            and node.name not in self._known
            and node.name not in {"true", "false"}
        ):
            raise QueryError(f"{node.name} is neither aggregated nor one of the groups", node.span)
        for child in children(node):
            self._check(child)


def keep_count(stage: Stage, counter: str) -> None:
    """In the main pipeline, compute the first aggregation once, and count from it how many events it took in."""
    if stage.main and stage.counting:
        stage.relation = stage.chain.materialize(stage.relation)
        if stage.filtered:
            stage.chain.matched = f"SELECT coalesce(sum({counter}), 0) FROM {stage.relation}"
    stage.counting = False


def children(node: Any) -> list[Any]:
    """Return the nodes right below one."""
    found: list[Any] = []
    for each in dataclass_fields(node):
        value = getattr(node, each.name)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, tuple):
                found += [inner for inner in part if is_dataclass(inner)]
            elif is_dataclass(part):
                found.append(part)
    return found
