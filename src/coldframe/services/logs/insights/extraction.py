"""`parse` in its modes, and `json`: fields out of the text of others."""

from coldframe.services.logs.insights import regexes, tree
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.globs import glob_parts
from coldframe.services.logs.insights.scope import Column
from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.insights.values import Sql

_MESSAGE = tree.Field(Span(0, 0), ("@message",))

# A key and its value, which may stand in quotation marks; and a value of a line that a comma has been put before.
_PAIR = r"""([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)"""
_CELL = r""",("(?:[^"]|"")*"|[^,]*)"""


def parse_glob(stage: Stage, command: tree.ParseGlob) -> None:
    """Extract what the asterisks of a glob stand for."""
    parts = command.glob.split("*")
    count = len(parts) - 1
    if count != len(command.names):
        raise QueryError(
            f"the glob has {count} asterisks and there are {len(command.names)} names", command.span
        )
    taken, twin = _texts(stage, command.source)
    found = glob_parts(stage, taken, parts)
    twins: list[Sql | None] = [*glob_parts(stage, twin, parts)] if twin != taken else [None] * count
    names = [name.name for name in command.names]
    _parsed(stage, list(zip(names, found, twins, strict=True)))


def parse_regex(stage: Stage, command: tree.ParseRegex) -> None:
    """Extract the groups of a regular expression."""
    pattern_text = regexes.checked(command.regex.pattern, command.regex.span)
    places, count = regexes.group_places(command.regex.pattern)
    names = regexes.group_names(command.regex.pattern)
    if command.names:
        names, places = [name.name for name in command.names], list(range(1, count + 1))
        if len(names) != count:
            raise QueryError(
                f"the expression has {count} groups and there are {len(names)} names", command.span
            )
    if not names:
        raise QueryError(
            "a regular expression of parse needs named groups, such as (?<name>...)", command.regex.span
        )
    if command.multi:
        _extract_all(stage, command.source, pattern_text, names, places)
    else:
        _extract(stage, command.source, pattern_text, names, places)


def parse_form(stage: Stage, command: tree.ParseForm) -> None:
    """Read a line as logfmt, which makes a map, or as comma-separated values."""
    taken, twin = _texts(stage, command.source)
    names = [name.name for name in command.names]
    if command.logfmt:
        found, twins = [_logfmt(stage, taken)], [_logfmt(stage, twin) if twin != taken else None]
    else:
        found = _cells(stage, taken, len(names))
        twins = [*_cells(stage, twin, len(names))] if twin != taken else [None] * len(names)
    _parsed(stage, list(zip(names, found, twins, strict=True)))


def json_field(stage: Stage, command: tree.JsonField) -> None:
    """Take the value of a key out of a field that is a document."""
    path = (*command.source.path, *command.key.split("."))
    found = stage.compiler().value(tree.Field(command.span, path))
    twin = (
        stage.compiler(unmasked=True).value(tree.Field(command.span, path)) if stage.chain.unmasks else None
    )
    _parsed(stage, [(command.name, found, twin)])


def _texts(stage: Stage, given: tree.Expression | None) -> tuple[str, str]:
    """Return SQL for what is parsed, as it is and as it was before masking if the query unmasks."""
    node = given if given is not None else _MESSAGE
    taken = stage.compiler().string(node)
    return taken, stage.compiler(unmasked=True).string(node) if stage.chain.unmasks else taken


def _logfmt(stage: Stage, text: str) -> Sql:
    """Return a JSON object of the pairs of a line; the text in quotation marks is read as JSON writes it."""
    pair = stage.chain.bind.bind(_PAIR)
    keys, given = (f"regexp_extract_all({text}, {pair}, {group})" for group in (1, 2))
    quoted = f"{given}[i]"
    value = (
        f"(CASE WHEN starts_with({quoted}, '\"') THEN CASE WHEN json_valid({quoted}) THEN {quoted}"
        f" ELSE CAST(to_json(substr({quoted}, 2, length({quoted}) - 2)) AS VARCHAR) END"
        f" ELSE CAST(to_json({quoted}) AS VARCHAR) END)"
    )
    member = f"CAST(to_json({keys}[i]) AS VARCHAR) || ':' || {value}"
    members = f"list_transform(range(1, len({keys}) + 1), lambda i: {member})"
    document = f"TRY_CAST('{{' || array_to_string({members}, ',') || '}}' AS JSON)"
    return Sql(f"(CASE WHEN len({keys}) > 0 THEN {document} END)", "json")


def _cells(stage: Stage, text: str, count: int) -> list[Sql]:
    """Return the first so many comma-separated values of a line; two quotation marks in quoted ones are one."""
    name = stage.chain.bind.name("x")
    cell = stage.chain.bind.bind(_CELL)
    stage.step(f"*, regexp_extract_all(',' || {text}, {cell}, 1) AS {name}")
    found = []
    for at in range(1, count + 1):
        value = f"{name}[{at}]"
        inner = f"replace(substr({value}, 2, length({value}) - 2), '\"\"', '\"')"
        quoted = f"starts_with({value}, '\"') AND ends_with({value}, '\"') AND length({value}) > 1"
        found.append(Sql(f"(CASE WHEN {quoted} THEN {inner} ELSE {value} END)", "any"))
    return found


def _extract_all(
    stage: Stage, given: tree.Expression | None, pattern_text: str, names: list[str], places: list[int]
) -> None:
    """Make a row of each match; what does not match keeps its one row."""
    stage.counted()
    taken, twin = _texts(stage, given)
    pattern = stage.chain.bind.bind(pattern_text)
    selects, columns = ["*"], dict[str, Column]()
    for name, place in zip(names, places, strict=True):
        made = []
        for text in (taken,) if twin == taken else (taken, twin):
            matches = f"regexp_extract_all({text}, {pattern}, {place})"
            made.append(stage.chain.bind.name())
            selects.append(
                f"unnest(CASE WHEN len({matches}) > 0 THEN {matches} ELSE [NULL] END) AS {made[-1]}"
            )
        columns[name] = Column(made[0], "any", made[1] if len(made) > 1 else None)
    stage.step(", ".join(selects))
    stage.scope.columns |= columns
    stage.parsed += [name for name in names if name not in stage.parsed]


def _extract(
    stage: Stage, given: tree.Expression | None, pattern_text: str, names: list[str], places: list[int]
) -> None:
    taken, twin = _texts(stage, given)
    groups = max(places)
    parts = _matched(stage, taken, pattern_text, groups)
    twin_parts = _matched(stage, twin, pattern_text, groups) if twin != taken else parts
    found = [_group(parts, place) for place in places]
    twins = [_group(twin_parts, place) if twin != taken else None for place in places]
    _parsed(stage, list(zip(names, found, twins, strict=True)))


def _parsed(stage: Stage, items: list[tuple[str, Sql, Sql | None]]) -> None:
    stage.define(items)
    stage.parsed += [name for name, *_ in items if name not in stage.parsed]


def _matched(stage: Stage, text: str, pattern_text: str, groups: int) -> str:
    """Add the groups of a match as one column; the first is the whole match, which is empty where there is none."""
    name = stage.chain.bind.name("x")
    labels = ", ".join(f"'g{number}'" for number in range(groups + 1))
    bound = stage.chain.bind.bind(f"({pattern_text})")
    stage.step(f"*, regexp_extract({text}, {bound}, [{labels}]) AS {name}")
    return name


def _group(name: str, number: int) -> Sql:
    return Sql(f"(CASE WHEN {name}.g0 <> '' THEN {name}.g{number} END)", "any")
