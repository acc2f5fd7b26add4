"""What each rule of the grammar makes of its parts: the nodes of the syntax tree."""

import re
from dataclasses import replace
from typing import Any, NamedTuple

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.ordering import ordered
from coldframe.services.logs.insights.tree import Expression

MOST_DEPTH = 100
_PATH = re.compile(r"`([^`]+)`|\[(\d+)\]|([^.`\[\]]+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UNITS = {
    "millisecond": "ms", "msec": "ms", "ms": "ms", "second": "s", "sec": "s", "s": "s", "minute": "m", "min": "m",
    "m": "m", "hour": "h", "hr": "h", "h": "h", "day": "d", "d": "d", "week": "w", "w": "w", "month": "mo",
    "mon": "mo", "mo": "mo", "quarter": "q", "qtr": "q", "q": "q", "year": "y", "yr": "y", "y": "y",
}  # fmt: skip


def path_of(text: str) -> tuple[str, ...]:
    """Return the steps of a field as it is written."""
    return tuple(first or second or third for first, second, third in _PATH.findall(text))


def _unquoted(text: str) -> str:
    """Return a string without quotes; a backslash keeps its meaning for what follows unless that is a quote or itself."""
    quote = text[0]
    return _ESCAPE.sub(lambda found: found[1] if found[1] in {quote, "\\"} else found[0], text[1:-1])


class Builder:
    """Makes the tree of one query; methods are named after the grammar's rules and get a place and the parts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depths: dict[int, tuple[Any, int]] = {}

    def node(self, rule: str, span: Span, parts: list[Any]) -> Any:
        """Return what a rule makes of its parts; raises QueryError."""
        return getattr(self, f"_on_{rule}")(span, parts)

    def _deep(self, node: Any, *parts: Any) -> Any:
        """Note how deep a node is; raises QueryError where a query is nested so deeply that it means no good."""
        depth = 1 + max((self._depths.get(id(part), (None, 0))[1] for part in parts), default=0)
        if depth > MOST_DEPTH:
            raise QueryError(f"the query is nested more than {MOST_DEPTH} levels deep", node.span)
        self._depths[id(node)] = (node, depth)
        return node

    def _on_start(self, span: Span, parts: list[Any]) -> Any:
        del span
        return parts[0] if parts else ()

    def _on_commands(self, span: Span, parts: list[Any]) -> Any:
        for part in parts[1:]:
            if isinstance(part, tree.Source):
                raise QueryError("SOURCE must be the first command", part.span)
        ordered(parts)
        del span
        return tuple(
            replace(part, before=tuple(parts[:at])) if isinstance(part, tree.Compare) else part
            for at, part in enumerate(parts)
        )

    def _on_items(self, span: Span, parts: list[Any]) -> Any:
        del span
        return tuple(parts)

    _on_names = _on_items

    def _on_item(self, span: Span, parts: list[Any]) -> Any:
        if len(parts) == 2:
            return tree.Item(span, parts[0], parts[1].name, aliased=True)
        name = (
            parts[0].name if isinstance(parts[0], tree.Field) else self._text[span.start : span.end].strip()
        )
        return tree.Item(span, parts[0], name)

    def _on_fields(self, span: Span, parts: list[Any]) -> Any:
        return tree.Fields(span, parts[0])

    def _on_display(self, span: Span, parts: list[Any]) -> Any:
        return tree.Display(span, parts[0])

    def _on_filter(self, span: Span, parts: list[Any]) -> Any:
        return tree.Filter(span, parts[0])

    def _on_filterindex(self, span: Span, parts: list[Any]) -> Any:
        return tree.Filter(span, parts[0], tuple(dict.fromkeys(_indexed(parts[0]))))

    def _on_stats(self, span: Span, parts: list[Any]) -> Any:
        return tree.Stats(span, parts[0], *parts[1:]) if len(parts) > 1 else tree.Stats(span, parts[0], ())

    def _on_sort(self, span: Span, parts: list[Any]) -> Any:
        return tree.Sort(span, tuple(parts))

    def _on_sort_key(self, span: Span, parts: list[Any]) -> Any:
        return tree.SortKey(span, parts[0], len(parts) > 1 and str(parts[1]).lower() == "desc")

    def _on_limit(self, span: Span, parts: list[Any]) -> Any:
        count = float(parts[1])
        if count != int(count) or not 1 <= count <= 100_000:
            raise QueryError("a limit is a whole number from 1 to 100000", span)
        return tree.Limit(span, int(count), str(parts[0]).lower() == "tail")

    def _on_parse_glob(self, span: Span, parts: list[Any]) -> Any:
        source = parts[0] if len(parts) == 3 else None
        return tree.ParseGlob(span, source, _unquoted(str(parts[-2])), parts[-1])

    def _on_parse_regex(self, span: Span, parts: list[Any]) -> Any:
        names = parts.pop() if isinstance(parts[-1], tuple) else ()
        return tree.ParseRegex(span, parts[0] if len(parts) == 2 else None, self._regex(parts[-1]), names)

    def _on_parse_multi(self, span: Span, parts: list[Any]) -> Any:
        return replace(self._on_parse_regex(span, parts), multi=True)

    def _on_parse_form(self, span: Span, parts: list[Any]) -> Any:
        names = parts.pop()
        form = parts.pop() if len(parts) == 2 else parts.pop().name
        logfmt = str(form).lower() == "logfmt"
        if not logfmt and str(form).lower() != "csv":
            raise QueryError("parse takes a glob, a regular expression, logfmt or csv", span)
        if logfmt and len(names) != 1:
            raise QueryError("parse logfmt takes one name", span)
        return tree.ParseForm(span, parts[0] if parts else None, logfmt, names)

    def _on_json_field(self, span: Span, parts: list[Any]) -> Any:
        if parts[0].name.lower() != "field" or str(parts[1]) != "=":
            raise QueryError("json takes field=, the key in quotation marks, and a name", span)
        return tree.JsonField(span, parts[2], _unquoted(str(parts[3])), parts[4].name)

    def _on_dedup(self, span: Span, parts: list[Any]) -> Any:
        return tree.Dedup(span, parts[0])

    def _on_unmask(self, span: Span, parts: list[Any]) -> Any:
        return tree.Unmask(span, parts[0])

    def _on_unnest(self, span: Span, parts: list[Any]) -> Any:
        return tree.Unnest(span, parts[0], parts[1].name)

    def _on_pattern(self, span: Span, parts: list[Any]) -> Any:
        return tree.Pattern(span, parts[0])

    def _on_anomaly(self, span: Span, parts: list[Any]) -> Any:
        del parts
        return tree.Anomaly(span)

    def _on_diff(self, span: Span, parts: list[Any]) -> Any:
        unit = {"previousday": "d", "previousweek": "w", "previousmonth": "mo"}
        return tree.Compare(span, tree.Period(span, 1, unit[str(parts[0]).lower()]) if parts else None)

    def _on_logcompare(self, span: Span, parts: list[Any]) -> Any:
        return tree.Compare(span, self._on_period(span, parts))

    def _on_table(self, span: Span, parts: list[Any]) -> Any:
        del span
        return parts[0].name if isinstance(parts[0], tree.Field) else _unquoted(str(parts[0]))

    def _on_lookup_key(self, span: Span, parts: list[Any]) -> Any:
        return tree.LookupKey(span, parts[0], parts[-1])

    def _on_lookup_range(self, span: Span, parts: list[Any]) -> Any:
        return tree.LookupKey(span, parts[-1], parts[0])

    def _on_output(self, span: Span, parts: list[Any]) -> Any:
        return tree.Output(span, parts[0], parts[-1])

    def _on_lookup(self, span: Span, parts: list[Any], *, cidr: bool = False) -> Any:
        keys = tuple(part for part in parts if isinstance(part, tree.LookupKey))
        outputs = tuple(part for part in parts if isinstance(part, tree.Output))
        if len({output.field.name for output in outputs}) != len(outputs):
            raise QueryError("a lookup gives each field once", span)
        only_new = str(parts[1 + len(keys)]).lower() == "outputnew"
        return tree.Lookup(span, parts[0], keys, outputs, only_new, cidr)

    def _on_cidrlookup(self, span: Span, parts: list[Any]) -> Any:
        return self._on_lookup(span, parts, cidr=True)

    def _on_source_names(self, span: Span, parts: list[Any]) -> Any:
        names, times = _timed(parts)
        return tree.Source(span, tuple(_unquoted(str(part)) for part in names), **times)

    def _on_source_name(self, span: Span, parts: list[Any]) -> Any:
        names, times = _timed(parts)
        return tree.Source(span, (names[0].name,), **times)

    def _on_source_time(self, span: Span, parts: list[Any]) -> Any:
        name = parts[0].name.lower()
        if name not in {"start", "end"} or str(parts[1]) != "=":
            raise QueryError("SOURCE takes start= and end=", span)
        return _SourceTime(name, parts[2])

    def _on_source_moment(self, span: Span, parts: list[Any]) -> Any:
        if isinstance(parts[0], tree.Field):
            if parts[0].name.lower() != "now":
                raise QueryError("a time of SOURCE is now, or such as -1d, or milliseconds since 1970", span)
            return tree.Moment(span, None, -1)
        if len(parts) == 2:
            return tree.Moment(span, self._on_period(span, parts[1:]))
        return tree.Moment(span, None, int(float(parts[0])))

    def _on_source_selection(self, span: Span, parts: list[Any]) -> Any:
        parts, times = _timed(parts)
        if parts[0].name.lower() != "loggroups":
            raise QueryError(f"SOURCE selects by logGroups(...), not by {parts[0].name}", parts[0].span)
        chosen = {"nameprefix": (), "class": (), "accountidentifiers": ()}
        for name, values in parts[1:]:
            key = {"loggroupclass": "class", "accountidentifier": "accountidentifiers"}.get(
                name.name.lower(), name.name.lower()
            )
            if key not in chosen:
                raise QueryError(f"logGroups does not take {name.name}", name.span)
            chosen[key] = values
        if len(chosen["nameprefix"]) > 5 or len(chosen["accountidentifiers"]) > 20:
            raise QueryError("logGroups takes up to 5 prefixes and up to 20 account identifiers", span)
        return tree.Source(
            span,
            (),
            chosen["nameprefix"],
            chosen["class"],
            chosen["accountidentifiers"],
            selection=True,
            **times,
        )

    def _on_source_choice(self, span: Span, parts: list[Any]) -> Any:
        del span
        return parts[0], tuple(_unquoted(str(part)) for part in parts[1:])

    def _on_option(self, span: Span, parts: list[Any]) -> Any:
        if str(parts[1]) != "=":
            raise QueryError("an option is a name, = and a value", span)
        value = parts[2].name if isinstance(parts[2], tree.Field) else str(parts[2])
        return parts[0].name.lower(), value, span

    def _on_join(self, span: Span, parts: list[Any]) -> Any:
        options = {part[0]: part[1] for part in parts if isinstance(part, tuple) and _is_option(part)}
        keys = tuple(part[1] for part in parts if isinstance(part, tuple) and part and part[0] == "key")
        kind = options.get("type", "inner").lower()
        if kind not in {"inner", "left"}:
            raise QueryError(f"a join is of the type inner or left, not {kind}", span)
        if wrong := options.keys() - {"type", "left", "right"}:
            raise QueryError(f"join does not take {min(wrong)}", span)
        node = tree.Join(
            span, kind, options.get("left", "left"), options.get("right", "right"), keys, parts[-1]
        )
        return self._deep(node, *parts[-1])

    def _on_join_key(self, span: Span, parts: list[Any]) -> Any:
        if str(parts[1]) != "=":
            raise QueryError("the keys of a join are compared with =", span)
        return "key", (parts[0], parts[2])

    def _on_appendcols(self, span: Span, parts: list[Any]) -> Any:
        options = {part[0]: part[1] for part in parts[:-1]}
        most = options.get("max", "10000")
        if wrong := options.keys() - {"override", "max"}:
            raise QueryError(f"appendcols does not take {min(wrong)}", span)
        if not most.isdigit() or not 1 <= int(most) <= 100_000:
            raise QueryError("max is a whole number from 1 to 100000", span)
        node = tree.AppendColumns(
            span, parts[-1], options.get("override", "false").lower() == "true", int(most)
        )
        return self._deep(node, *parts[-1])

    def _on_autoregress(self, span: Span, parts: list[Any]) -> Any:
        numbers = [str(part) for part in parts if getattr(part, "type", "") == "NUMBER"]
        named = [part for part in parts[1:] if isinstance(part, tree.Field)]
        alias = None
        if numbers and named.pop().name.lower() != "p":
            raise QueryError("autoregress takes p=N or p=N-M", span)
        if named:
            alias = named[0].name
        if not all(each.isdigit() for each in numbers):
            raise QueryError("p takes whole numbers", span)
        first = int(numbers[0]) if numbers else 1
        last = int(numbers[1]) if len(numbers) > 1 else first
        if not 1 <= first <= last <= 1000:
            raise QueryError("p takes whole numbers from 1 to 1000, the smaller one first", span)
        return tree.Autoregress(span, parts[0], alias, first, last)

    def _on_filldown(self, span: Span, parts: list[Any]) -> Any:
        return tree.FillDown(span, tuple(parts))

    def _on_filldown_name(self, span: Span, parts: list[Any]) -> Any:
        del span
        return parts[0].name + ("*" if len(parts) > 1 else "")

    def _on_fillmissing(self, span: Span, parts: list[Any]) -> Any:
        return tree.FillMissing(span, tuple(parts))

    def _on_fill(self, span: Span, parts: list[Any]) -> Any:
        del span
        return parts[0], parts[1]

    def _on_accum(self, span: Span, parts: list[Any]) -> Any:
        return tree.Accumulate(span, parts[0], parts[-1].name)

    def _on_addtotals(self, span: Span, parts: list[Any]) -> Any:
        fields = parts.pop() if parts and not _is_option(parts[-1]) else ()
        options = _options(parts, "addtotals", fieldname="Total", row="true", col="false")
        rows, columns = (_flag(options, name, span) for name in ("row", "col"))
        return tree.AddTotals(span, fields, options["fieldname"], rows, columns)

    def _on_sessionize(self, span: Span, parts: list[Any]) -> Any:
        gap, name = tree.Period(span, 30, "m"), "session_id"
        for part in parts[1:]:
            if isinstance(part, tree.Field):
                name = part.name
            else:
                gap = self._on_period(span, [part])
        return tree.Sessionize(span, parts[0], gap, name)

    def _on_outlier(self, span: Span, parts: list[Any]) -> Any:
        fields = tuple(part for part in parts if isinstance(part, tree.Field))
        given = [part for part in parts if not isinstance(part, tree.Field)]
        options = _options(given, "outlier", action="transform", param="2.5", uselower="false", mark="false")
        if options["action"] not in {"remove", "transform"}:
            raise QueryError("the action of outlier is remove or transform", span)
        try:
            factor = float(options["param"])
        except ValueError:
            raise QueryError("the param of outlier is a number", span) from None
        lower, marks = (_flag(options, name, span) for name in ("uselower", "mark"))
        return tree.Outlier(span, fields, options["action"] == "remove", factor, lower, marks)

    def _on_expand(self, span: Span, parts: list[Any]) -> Any:
        return tree.Expand(span, parts[0])

    def _on_countfrequent(self, span: Span, parts: list[Any]) -> Any:
        return tree.CountFrequent(span, parts[0])

    def _on_relevantfields(self, span: Span, parts: list[Any]) -> Any:
        return tree.RelevantFields(span, parts[0] if len(parts) > 1 else (), parts[-1])

    def _on_disjunction(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Logical(span, "or", tuple(parts)), *parts)

    def _on_conjunction(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Logical(span, "and", tuple(parts)), *parts)

    def _on_negated(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Not(span, parts[0]), *parts)

    def _on_compared(self, span: Span, parts: list[Any]) -> Any:
        operator = {"==": "=", "<>": "!="}.get(str(parts[1]), str(parts[1]))
        return self._deep(tree.Operation(span, operator, parts[0], parts[2]), parts[0], parts[2])

    def _on_arithmetic(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Operation(span, str(parts[1]), parts[0], parts[2]), parts[0], parts[2])

    def _on_like(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Like(span, parts[0], parts[1]), *parts)

    def _on_not_like(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Not(span, tree.Like(span, parts[0], parts[1])), *parts)

    def _on_matches(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Like(span, parts[0], parts[1], regex=True), *parts)

    def _on_among(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Among(span, parts[0], parts[1]), parts[0], *parts[1])

    def _on_not_among(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Not(span, tree.Among(span, parts[0], parts[1])), parts[0], *parts[1])

    def _on_among_results(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.AmongResults(span, parts[0], parts[1]), parts[0], *parts[1])

    def _on_not_among_results(self, span: Span, parts: list[Any]) -> Any:
        node = tree.Not(span, tree.AmongResults(span, parts[0], parts[1]))
        return self._deep(node, parts[0], *parts[1])

    _on_members = _on_items

    def _on_negative(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Negative(span, parts[1]), parts[1])

    def _on_parenthesis(self, span: Span, parts: list[Any]) -> Any:
        del span
        return parts[0]

    def _on_number(self, span: Span, parts: list[Any]) -> Any:
        return tree.Number(span, float(parts[0]))

    def _on_string(self, span: Span, parts: list[Any]) -> Any:
        return tree.Text(span, _unquoted(str(parts[0])))

    def _on_regex(self, span: Span, parts: list[Any]) -> Any:
        del span
        return self._regex(parts[0])

    def _regex(self, token: Any) -> Any:
        return tree.Regex(Span(token.start_pos, token.end_pos), str(token)[1:-1].replace("\\/", "/"))

    def _on_period(self, span: Span, parts: list[Any]) -> Any:
        found = re.fullmatch(r"(\d+)\s*([a-z]+)", str(parts[0]).lower())
        assert found is not None, "the grammar says so"
        unit = _UNITS.get(found[2]) or _UNITS[found[2].rstrip("s")]
        if not 1 <= int(found[1]) <= 10**9:
            raise QueryError("a period has at least one and at most a billion units", span)
        return tree.Period(span, int(found[1]), unit)

    def _on_call(self, span: Span, parts: list[Any]) -> Expression:
        node: Expression = self._deep(tree.Call(span, parts[0].name, tuple(parts[1:])), *parts[1:])
        return node

    def _on_call_star(self, span: Span, parts: list[Any]) -> Expression:
        return tree.Call(span, parts[0].name, (), star=True)

    def _on_member(self, span: Span, parts: list[Any]) -> Any:
        return self._deep(tree.Member(span, parts[0], path_of(str(parts[1]))), parts[0])

    def _on_field(self, span: Span, parts: list[Any]) -> Any:
        return tree.Field(span, path_of(str(parts[0])))


class _SourceTime(NamedTuple):
    """The start or the end that SOURCE names."""

    name: str
    moment: tree.Moment


def _indexed(node: Expression) -> list[str]:
    """Return the fields of a filterIndex, of which each has to have one of some values; raises QueryError."""
    if isinstance(node, tree.Logical):
        return [name for each in node.operands for name in _indexed(each)]
    if isinstance(node, tree.Operation) and node.operator == "=" and isinstance(node.left, tree.Field):
        return [node.left.name]
    if isinstance(node, tree.Among) and isinstance(node.operand, tree.Field):
        return [node.operand.name]
    raise QueryError("filterIndex compares fields by = or in", node.span)


def _timed(parts: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return what SOURCE names, and its times by their names."""
    times = {part.name: part.moment for part in parts if isinstance(part, _SourceTime)}
    return [part for part in parts if not isinstance(part, _SourceTime)], times


def _is_option(part: tuple[Any, ...]) -> bool:
    return len(part) == 3 and isinstance(part[2], Span)


def _options(parts: list[Any], command: str, **defaults: str) -> dict[str, str]:
    """Return the options of a command by name, with defaults; raises QueryError for one that it does not take."""
    for name, _, span in parts:
        if name not in defaults:
            raise QueryError(f"{command} does not take {name}", span)
    return defaults | {name: value for name, value, _ in parts}


def _flag(options: dict[str, str], name: str, span: Span) -> bool:
    value = options[name].lower()
    if value not in {"true", "false"}:
        raise QueryError(f"{name} is true or false, not {value}", span)
    return value == "true"
