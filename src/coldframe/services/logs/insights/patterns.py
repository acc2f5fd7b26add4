"""`pattern`, `anomaly`, `diff` and `logcompare`: events counted by what they have in common, and compared over time."""

from datetime import UTC, datetime, timedelta

from coldframe.services.logs.insights import times, tree
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.scope import Scope
from coldframe.services.logs.insights.stage import Stage, Templates
from coldframe.services.logs.insights.statistics import keep_count
from coldframe.services.logs.insights.templates import template
from coldframe.services.logs.insights.values import Sql
from coldframe.services.logs.log_patterns import KINDS, MARK, SEVERITIES, VARYING

# The last quarter of the time range is held against the three before it.
_QUARTERS = 4
_UNUSUAL = 3


def pattern(stage: Stage, command: tree.Pattern) -> None:
    """Count texts by their template; what varies is shown as a name and its place in the pattern, as <Number-1>."""
    source = stage.compiler().string(command.source)
    bind = stage.chain.bind
    found = Templates(*(bind.name() for _ in range(4)))
    position = stage.scope.position
    sample, recent = f"min({source})", "0"
    if position is not None:
        sample = f"arg_min({source}, {position.time})"
        recent = f"count(*) FILTER (WHERE {position.time} >= {_recent(stage)})"
    stage.step(
        f"{template(stage, source)} AS {found.text}, CAST(count(*) AS DOUBLE) AS {found.count},"
        f" {sample} AS {found.sample}, CAST({recent} AS DOUBLE) AS {found.recent}",
        f"WHERE {source} IS NOT NULL GROUP BY 1",
    )
    keep_count(stage, found.count)
    stage.scope, stage.templates = Scope(), found
    _describe(stage, found)
    stage.shown, stage.parsed = list(stage.scope.columns), []
    stage.order = [f"{found.count} DESC", f"{found.text} ASC"]


def anomaly(stage: Stage, command: tree.Anomaly) -> None:
    """Add to each pattern whether it is new in the last quarter of the time range, or unusually frequent or rare there."""
    found = _templates(stage, command.span)
    shown = stage.names()
    earlier = f"({found.count} - {found.recent})"
    expected = f"({earlier} / {_QUARTERS - 1})"
    score = stage.chain.bind.name("o")
    known = stage.chain.bind.name("o")
    stage.step(
        f"*, ({found.recent} - {expected}) / sqrt({expected} + 1) AS {score}, sum({earlier}) OVER () > 0 AS {known}"
    )
    kind = (
        f"(CASE WHEN NOT {known} THEN NULL WHEN {earlier} = 0 THEN 'New pattern'"
        f" WHEN abs({score}) >= {_UNUSUAL} THEN 'Pattern frequency' END)"
    )
    stage.define([("@anomalyType", Sql(kind, "text"), None)])
    column = stage.scope.columns["@anomalyType"].sql
    stage.define(
        [
            ("@anomaly", Sql(f"({column} IS NOT NULL)", "bool"), None),
            ("@anomalyScore", Sql(f"(CASE WHEN {known} THEN round({score}, 2) END)", "number"), None),
        ]
    )
    stage.shown, stage.parsed = shown, []
    stage.show(["@anomaly", "@anomalyType", "@anomalyScore"])
    stage.order = [f"({column} IS NULL) ASC", f"abs({score}) DESC", *stage.order]


def compare(stage: Stage, command: tree.Compare) -> None:
    """Hold the patterns of the time range against those of an earlier one of the same length."""
    if any(isinstance(each, tree.Compare) for each in command.before):
        raise QueryError("a query compares with one earlier time range", command.span)
    found = _templates(stage, command.span)
    baseline = stage.chain.pipeline(command.before, window=_earlier(stage.window, command))
    before = _templates(baseline, command.span)
    bind = stage.chain.bind
    both = Templates(*(bind.name() for _ in range(4)))
    previous = bind.name()
    now, then = "a", "b"
    stage.relation = stage.chain.add(
        f"SELECT coalesce({now}.{found.text}, {then}.{before.text}) AS {both.text},"
        f" coalesce({now}.{found.count}, 0) AS {both.count}, coalesce({then}.{before.count}, 0) AS {previous},"
        f" coalesce({now}.{found.sample}, {then}.{before.sample}) AS {both.sample},"
        f" coalesce({now}.{found.recent}, 0) AS {both.recent}"
        f" FROM {stage.relation} {now} FULL JOIN {baseline.relation} {then} ON {now}.{found.text} = {then}.{before.text}"
    )
    stage.scope, stage.templates = Scope(), both
    difference = f"({both.count} - {previous})"
    percent = f"CAST(round(abs({difference}) * 100 / {previous}) AS BIGINT)"
    said = (
        f"(CASE WHEN {previous} = 0 THEN 'New pattern' WHEN {both.count} = 0 THEN 'Pattern is gone'"
        f" WHEN {difference} = 0 THEN 'No change'"
        f" WHEN {difference} > 0 THEN {percent} || '% more' ELSE {percent} || '% less' END)"
    )
    _describe(stage, both)
    stage.define(
        [
            ("@previousSampleCount", Sql(previous, "number"), None),
            ("@differenceCount", Sql(difference, "number"), None),
            ("@differenceDescription", Sql(said, "text"), None),
        ]
    )
    stage.shown, stage.parsed = list(stage.scope.columns), []
    stage.order = [f"abs({difference}) DESC", f"{both.text} ASC"]


def _templates(stage: Stage, span: Span) -> Templates:
    """Return the templates of a stage, those of whole messages where no `pattern` came before."""
    if stage.templates is None:
        if stage.scope.message is None:
            raise QueryError("this needs log events, or the results of pattern", span)
        pattern(stage, tree.Pattern(span, tree.Field(span, ("@message",))))
    assert stage.templates is not None, "pattern has just made them"
    return stage.templates


def _describe(stage: Stage, found: Templates) -> None:
    """Define the columns by which the service describes a pattern."""
    bind = stage.chain.bind
    tokens, varying, mark = bind.name("o"), bind.bind(VARYING), bind.bind(MARK)
    stage.step(f"*, regexp_extract_all({found.sample}, {varying}) AS {tokens}")
    kinds = " ".join(
        f"WHEN regexp_full_match(token, {bind.bind(text)}) THEN '{name}'" for name, text in KINDS
    )
    named = f"list_transform({tokens}, lambda token: CASE {kinds} ELSE 'Token' END)"
    names = bind.name("o")
    stage.step(f"*, {named} AS {names}")
    pieces = f"string_split({found.text}, {mark})"
    place = f"'<' || coalesce({names}[n - 1], 'Token') || '-' || (n - 1) || '>'"
    shown = f"list_transform({pieces}, lambda piece, n: CASE WHEN n = 1 THEN piece ELSE {place} || piece END)"
    regex = f"array_to_string(list_transform({pieces}, lambda piece: regexp_escape(piece)), '.*?')"
    labels = " ".join(f"WHEN contains(upper({found.text}), '{name}') THEN '{name}'" for name in SEVERITIES)
    samples = f"CAST(to_json([{{'logEvent': {found.sample}}}]) AS VARCHAR)"
    columns: list[tuple[str, Sql, Sql | None]] = [
        ("@pattern", Sql(f"array_to_string({shown}, '')", "text"), None),
        ("@sampleCount", Sql(found.count, "number"), None),
        ("@ratio", Sql(f"({found.count} / nullif(sum({found.count}) OVER (), 0))", "number"), None),
        ("@severityLabel", Sql(f"(CASE {labels} ELSE 'NONE' END)", "text"), None),
        ("@PatternId", Sql(f"md5({found.text})", "text"), None),
        ("@regexString", Sql(f"('^' || {regex} || '$')", "text"), None),
        ("@logSamples", Sql(samples, "text"), None),
    ]
    stage.define(columns)


def _recent(stage: Stage) -> int:
    start, end = stage.window
    return end - (end - start) // _QUARTERS


def _earlier(window: tuple[int, int], command: tree.Compare) -> tuple[int, int]:
    """Return the time range that a window is compared with."""
    start, end = window
    if command.shift is None:
        return start - (end - start) - 1, start - 1
    length = times.milliseconds(command.shift)
    if length is not None:
        return start - length, end - length
    return _months_before(start, command.shift), _months_before(end, command.shift)


def _months_before(moment: int, period: tree.Period) -> int:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    months = at.year * 12 + at.month - 1 - period.count * {"mo": 1, "q": 3, "y": 12}[period.unit]
    if months < 12:
        raise QueryError("the earlier time range would begin before the year 1", period.span)
    first = at.replace(year=months // 12, month=months % 12 + 1, day=1)
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    day = min(at.day, (following - timedelta(days=1)).day)
    return round((first.replace(day=day) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
