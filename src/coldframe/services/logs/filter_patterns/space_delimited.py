"""Space-delimited filter patterns: `[ip, user, ..., status = 4*, bytes > 1000]` over the fields of a message.

Source: "Filter pattern syntax", sections on space-delimited log events. What stands between two quotation marks or
between a pair of square brackets is one field, where a field starts with them. A message has to have at least as many
fields as the pattern; the last one takes the rest of the message, as `[w1=ERROR, w2]` does, unless an ellipsis stands
for any number (also none) of unnamed ones. Fields without a name are
called by their position, from $1. A condition may join several comparisons with && and ||; a name it uses that
the pattern does not declare is the field that follows (as `[..., status_code = 4* && bytes > 1000]` shows).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from coldframe.services.logs.filter_patterns.comparisons import (
    NUMBER,
    Comparison,
    order_test,
    read_comparison,
    text_test,
)
from coldframe.services.logs.filter_patterns.compiled import Compiled
from coldframe.services.logs.filter_patterns.errors import InvalidPattern
from coldframe.services.logs.filter_patterns.expressions import Expression, all_of, read_expression
from coldframe.services.logs.filter_patterns.scanner import Scanner

_NAME = re.compile(r"[A-Za-z0-9_\-]+")
_FIELD = re.compile(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')
_FIELD_WITHOUT_BRACKETS = re.compile(r'"([^"]*)"|(\S+)')
_ALWAYS = Expression(lambda fields: True)  # a column without a condition takes any field


def split_fields(message: str) -> list[str]:
    """Split a message into its fields, without the quotation marks and brackets around them."""
    if '"' not in message and "[" not in message:
        return message.split()
    return [
        found[1] or found[2] or (found[3] if found.re is _FIELD else None) or "" for found in _fields(message)
    ]


def _fields(message: str) -> Iterator[re.Match[str]]:
    """Find the fields one by one; a bracket that is never closed is not looked for twice, which would be quadratic."""
    last_close = message.rfind("]")
    if message.rfind("[") <= last_close:
        yield from _FIELD.finditer(message)
        return
    end = 0
    if last_close >= 0:
        for found in _FIELD.finditer(message):
            yield found
            end = found.end()
            if end > last_close:
                break
    yield from _FIELD_WITHOUT_BRACKETS.finditer(message, end)


def _with_rest(message: str, fields: list[str], count: int) -> list[str]:
    """Return the first fields and, as the last of `count`, the message from there to its end."""
    if len(fields) == count or not count:
        return fields
    last = next(islice(_fields(message), count - 1, None))
    return [*fields[: count - 1], message[last.start() :].rstrip()]


class _Reader:
    """Reads the columns of one pattern; the place of each name is known once all of them are read."""

    def __init__(self) -> None:
        self.columns: list[list[str]] = []
        """The names in each column: none, the column's own, or also further ones that its condition uses."""
        self.ellipsis: int | None = None
        self.places: dict[str, int] = {}
        self.conditions: list[Expression] = []

    def read_column(self, scanner: Scanner) -> None:
        """Read an ellipsis, a name, a condition or nothing, up to the next comma or bracket."""
        if scanner.take("..."):
            if self.ellipsis is not None:
                raise scanner.invalid("more than one ellipsis")
            self.ellipsis = len(self.columns)
            return
        self.columns.append([])
        if scanner.peek() in {",", "]"}:
            return
        start = scanner.position
        name = scanner.match(_NAME)
        scanner.skip_space()
        if name and scanner.peek() in {",", "]"}:
            self.columns[-1].append(name[0])
            return
        scanner.position = start
        self.conditions.append(read_expression(scanner, self.read_condition))

    def read_condition(self, scanner: Scanner) -> Expression:
        """Read a name and what its field is compared with."""
        name = scanner.match(_NAME)
        if not name:
            raise scanner.invalid("expected the name of a field")
        self.columns[-1].append(name[0])
        comparison = read_comparison(scanner)
        literals = frozenset({comparison.literal} - {""})
        return Expression(_on(self.places, name[0], _field_test(comparison)), literals)

    def layout(self) -> "_Layout":
        """Give every name its place; raise InvalidPattern where two columns have one name."""
        declared = [names[0] for names in self.columns if names]
        repeated = next((name for index, name in enumerate(declared) if name in declared[:index]), None)
        if repeated is not None:
            raise InvalidPattern(f"field {repeated!r} is named twice")
        known = set(declared)
        parts: list[list[str]] = []
        for names in self.columns:
            further = [name for name in dict.fromkeys(names[1:]) if name not in known]
            known.update(further)
            parts.append([*(names[:1] or [""]), *further])
        split = len(parts) if self.ellipsis is None else self.ellipsis
        before, after = list(chain(*parts[:split])), list(chain(*parts[split:]))
        for index, name in enumerate(before):
            self.places[name] = index
        for index, name in enumerate(after):
            self.places[name] = index - len(after)
        return _Layout(before, after, open_ended=self.ellipsis is not None)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns before and after the ellipsis; a column is a name, or an empty text where it has none."""

    before: list[str]
    after: list[str]
    open_ended: bool

    def labels(self, count: int) -> list[str]:
        """Return what each of this many fields is called in the extracted values."""
        between = [""] * (count - len(self.before) - len(self.after))
        names = [*self.before, *between, *self.after]
        return [f"${name or position}" for position, name in enumerate(names, 1)]


def _on(places: dict[str, int], name: str, test: Callable[[str], bool]) -> Callable[[list[str]], bool]:
    # The place is looked up for every message because the pattern's later columns decide it.
    return lambda fields: test(fields[places[name]])


def _field_test(comparison: Comparison) -> Callable[[str], bool]:
    """Return the test of a field; a number compares by value with a field that is written as a number."""
    number, name = comparison.number, comparison.operator
    wanted = name != "!="
    if number is None:
        equal = text_test(comparison)
        return equal if wanted else lambda value: not equal(value)
    if name in {"=", "!="}:
        text = comparison.text
        return lambda value: (value == text or _number(value) == number) is wanted
    compare = order_test(name, number)

    def test(value: str) -> bool:
        found = _number(value)
        return found is not None and compare(found)

    return test


def _number(text: str) -> float | None:
    return float(text) if NUMBER.fullmatch(text) else None


def compile_space_delimited(text: str) -> Compiled:
    """Compile a pattern in square brackets; raise InvalidPattern for a broken one."""
    scanner = Scanner(text.strip())
    scanner.take("[")
    reader = _Reader()
    while not scanner.at_end():
        scanner.skip_space()
        reader.read_column(scanner)
        scanner.skip_space()
        if not scanner.take(","):
            break
    if not scanner.take("]"):
        raise scanner.invalid("expected a comma or a closing bracket")
    if not scanner.at_end():
        raise scanner.invalid("text after the closing bracket")
    layout = reader.layout()
    return _compiled(layout, all_of(reader.conditions) if reader.conditions else _ALWAYS)


def _compiled(layout: _Layout, condition: Expression) -> Compiled:
    count, open_ended = len(layout.before) + len(layout.after), layout.open_ended
    literals = tuple(sorted(condition.literals, key=lambda literal: (-len(literal), literal)))
    longest = literals[0] if literals else ""
    test = condition.test

    def read(message: str) -> list[str] | None:
        if longest not in message:
            return None
        fields = split_fields(message)
        if len(fields) < count:
            return None
        if not open_ended:
            fields = _with_rest(message, fields, count)
        return fields if test(fields) else None

    def extract(message: str) -> dict[str, str] | None:
        fields = read(message)
        return None if fields is None else dict(zip(layout.labels(len(fields)), fields, strict=True))

    return Compiled(
        kind="space-delimited",
        matches=lambda message: read(message) is not None,
        extract=extract,
        required_literals=literals,
        names=frozenset(f"${name}" for name in (*layout.before, *layout.after) if name),
    )
