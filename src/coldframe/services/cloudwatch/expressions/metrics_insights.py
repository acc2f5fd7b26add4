"""Metrics Insights: `SELECT AVG(CPU) FROM SCHEMA("AWS/EC2", InstanceId) WHERE ... GROUP BY ... ORDER BY ... LIMIT n`.

Source: Amazon CloudWatch user guide, "Metrics Insights query components and syntax". Metrics without a label that the
query groups by come together in the series `Other`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.expressions.aggregates import measure
from coldframe.services.cloudwatch.expressions.values import ExpressionError, TimeSeries

FUNCTIONS = ("AVG", "COUNT", "MAX", "MIN", "SUM")
COLUMNS = ("SampleCount", "Sum", "Minimum", "Maximum")
"""The statistics to read of each metric, from which every function's value is made."""
MOST_SERIES = 500

_ACCOUNT = "AWS.AccountId"
_OTHER = "Other"
_TOKEN = re.compile(
    r"""\s*(?:(?P<name>"(?:[^"\\]|\\.)*")|(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>\d+\b)"""
    r"""|(?P<word>[A-Za-z_][\w.:]*)|(?P<sign>!=|[=(),]))"""
)


class Condition(NamedTuple):
    """A label that has to have a value, or must not have it."""

    label: str
    equal: bool
    value: str


class Selection(NamedTuple):
    """What a query says."""

    function: str
    name: str
    namespace: str
    schema: tuple[str, ...] | None
    conditions: tuple[Condition, ...] = ()
    group: tuple[str, ...] = ()
    order: str = ""
    descending: bool = False
    limit: int = MOST_SERIES

    def takes(self, metric: Metric) -> bool:
        """Tell whether a metric is one of those selected."""
        if (metric.namespace, metric.name) != (self.namespace, self.name):
            return False
        if self.schema is not None and sorted(self.schema) != [name for name, _ in metric.dimensions]:
            return False
        return all((_label(metric, each.label) == each.value) is each.equal for each in self.conditions)

    def group_of(self, metric: Metric) -> tuple[tuple[str, str], ...]:
        """Return the labels of the series that a metric is part of, with their values."""
        values = [_label(metric, label) for label in self.group]
        return tuple(
            (label, _OTHER if None in values else value or "")
            for label, value in zip(self.group, values, strict=True)
        )


class Rows(NamedTuple):
    """A metric's values in columns, as `COLUMNS` names them."""

    metric: Metric
    times: Sequence[int]
    columns: Mapping[str, Sequence[float | None]]


def is_query(expression: str) -> bool:
    """Tell whether an expression is a Metrics Insights query."""
    return expression.lstrip()[:6].upper() == "SELECT"


def parse_query(text: str) -> Selection:
    """Return what a query says; raises ExpressionError."""
    return _Parser(text).query()


def select(selection: Selection, rows: Iterable[Rows], grid: range) -> list[TimeSeries]:
    """Return the series of each group, in the order asked for; one without a label when nothing is grouped."""
    groups: dict[tuple[tuple[str, str], ...], dict[int, list[float]]] = {}
    for metric, times, columns in rows:
        group = groups.setdefault(selection.group_of(metric), {})
        for time, *cell in zip(times, *(columns[name] for name in COLUMNS), strict=True):
            count, total, least, most = (float(value or 0) for value in cell)
            there = group.get(time)
            if there is None:
                group[time] = [count, total, least, most]
            else:
                there[:] = there[0] + count, there[1] + total, min(there[2], least), max(there[3], most)
    value = _VALUES[selection.function]
    found = [
        TimeSeries({time: value(cells[time]) for time in sorted(cells)}, grid, _shown(group), group=group)
        for group, cells in groups.items()
    ]
    if selection.order:
        measured = [(measure(selection.order, series), series) for series in found]
        known = [(number, series) for number, series in measured if number is not None]
        known.sort(key=lambda each: each[0], reverse=selection.descending)
        found = [series for _, series in known]
    return found[: selection.limit]


_VALUES: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": lambda cell: cell[1] / cell[0],
    "COUNT": lambda cell: cell[0],
    "MAX": lambda cell: cell[3],
    "MIN": lambda cell: cell[2],
    "SUM": lambda cell: cell[1],
}


def _shown(group: tuple[tuple[str, str], ...]) -> str:
    """Return the label of a group's series."""
    return _OTHER if any(value == _OTHER for _, value in group) else " ".join(value for _, value in group)


def _label(metric: Metric, name: str) -> str | None:
    return metric.account if name == _ACCOUNT else dict(metric.dimensions).get(name)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise ExpressionError(f"The query cannot be read from position {at + 1} on")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._tokens.append(("end", ""))
        self._at = 0

    def query(self) -> Selection:
        self._keyword("SELECT")
        function = self._function()
        name = self._name()
        self._sign(")")
        self._keyword("FROM")
        namespace, schema = self._source()
        found = Selection(function, name, namespace, schema)
        if self._try("WHERE"):
            found = found._replace(conditions=self._conditions())
        if self._try("GROUP"):
            self._keyword("BY")
            found = found._replace(group=self._names())
        if self._try("ORDER"):
            self._keyword("BY")
            order = self._function()
            self._sign(")")
            descending = self._try("DESC")
            if not descending:
                self._try("ASC")
            found = found._replace(order=order, descending=descending)
        if self._try("LIMIT"):
            found = found._replace(limit=self._limit())
        if self._tokens[self._at][0] != "end":
            raise self._unexpected()
        return found

    def _source(self) -> tuple[str, tuple[str, ...] | None]:
        if not self._try("SCHEMA"):
            return self._name(), None
        self._sign("(")
        names = self._names()
        self._sign(")")
        return names[0], names[1:]

    def _conditions(self) -> tuple[Condition, ...]:
        found = []
        while True:
            label = self._name()
            kind, sign = self._tokens[self._at]
            if kind != "sign" or sign not in {"=", "!="}:
                raise self._unexpected()
            self._at += 1
            kind, value = self._tokens[self._at]
            if kind != "text":
                raise self._unexpected()
            self._at += 1
            found.append(Condition(label, sign == "=", _unquoted(value)))
            if not self._try("AND"):
                return tuple(found)

    def _limit(self) -> int:
        kind, text = self._tokens[self._at]
        if kind != "number" or not 1 <= int(text) <= MOST_SERIES:
            raise ExpressionError(f"LIMIT takes a number from 1 to {MOST_SERIES}")
        self._at += 1
        return int(text)

    def _function(self) -> str:
        kind, text = self._tokens[self._at]
        if kind != "word" or text.upper() not in FUNCTIONS:
            raise self._unexpected()
        self._at += 1
        self._sign("(")
        return text.upper()

    def _names(self) -> tuple[str, ...]:
        names = [self._name()]
        while self._tokens[self._at] == ("sign", ","):
            self._at += 1
            names.append(self._name())
        return tuple(names)

    def _name(self) -> str:
        kind, text = self._tokens[self._at]
        if kind not in {"name", "word"}:
            raise self._unexpected()
        self._at += 1
        return _unquoted(text) if kind == "name" else text

    def _try(self, keyword: str) -> bool:
        kind, text = self._tokens[self._at]
        if kind == "word" and text.upper() == keyword:
            self._at += 1
            return True
        return False

    def _keyword(self, keyword: str) -> None:
        if not self._try(keyword):
            raise self._unexpected(keyword)

    def _sign(self, sign: str) -> None:
        if self._tokens[self._at] != ("sign", sign):
            raise self._unexpected(sign)
        self._at += 1

    def _unexpected(self, wanted: str = "") -> ExpressionError:
        kind, text = self._tokens[self._at]
        found = "the query ends" if kind == "end" else f"there is {text}"
        return ExpressionError(f"{found}, where {wanted or 'something else'} is expected")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
