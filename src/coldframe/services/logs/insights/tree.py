"""The syntax tree of a query: expressions and commands, each with its place in the text."""

from dataclasses import dataclass

from coldframe.services.logs.insights.errors import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that stands in the query at a place."""

    span: Span


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A field by its dotted path; backticks are gone, `[1]` is the step `1`."""

    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A quoted string, without its quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Regex(Node):
    """A regular expression in RE2's syntax, without its slashes."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Period(Node):
    """A length of time: a count and one of the units ms s m h d w mo q y."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call; `star` stands for the argument `*`."""

    name: str
    arguments: tuple["Expression", ...]
    star: bool = False


@dataclass(frozen=True, slots=True)
class Member(Node):
    """A part of the map or list that a call gives, as in `jsonParse(x).a[0]`."""

    document: "Expression"
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """An arithmetic operation or a comparison."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """A minus sign before an operand."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """Conditions joined by `and` or by `or`."""

    operator: str
    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """A negated condition."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Like(Node):
    """A search for a text or a regular expression; `regex` for the operator `=~`, which takes a string as one."""

    operand: "Expression"
    wanted: "Expression"
    regex: bool = False


@dataclass(frozen=True, slots=True)
class Among(Node):
    """Membership in a list."""

    operand: "Expression"
    values: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class AmongResults(Node):
    """Membership in the results of a subquery."""

    operand: "Expression"
    query: tuple["Command", ...]


Expression = (
    Field
    | Number
    | Text
    | Regex
    | Period
    | Call
    | Member
    | Operation
    | Negative
    | Logical
    | Not
    | Like
    | Among
    | AmongResults
)


@dataclass(frozen=True, slots=True)
class Item(Node):
    """An expression and the name it goes by: its alias, or else its own text."""

    expression: Expression
    name: str
    aliased: bool = False


@dataclass(frozen=True, slots=True)
class SortKey(Node):
    """What to sort by."""

    expression: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Fields(Node):
    """`fields`: computes and shows."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Display(Node):
    """`display`: shows these and nothing else."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`filter` or `where`; `filterIndex` has in `indexed` the fields that a log group must have indexes of."""

    condition: Expression
    indexed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stats(Node):
    """`stats`: aggregates by groups; `offset` is how much later the bins of time are shown."""

    items: tuple[Item, ...]
    groups: tuple[Item, ...]
    offset: Period | None = None


@dataclass(frozen=True, slots=True)
class Sort(Node):
    """`sort`."""

    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit(Node):
    """`limit` or `head`, and `tail` with `last`."""

    count: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class ParseGlob(Node):
    """`parse` with a glob: one name for each asterisk."""

    source: Expression | None
    glob: str
    names: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ParseRegex(Node):
    """`parse` with a regular expression: its named groups, or `names` for its groups in order.

    With `multi`, a row for each of its matches.
    """

    source: Expression | None
    regex: Regex
    names: tuple[Field, ...]
    multi: bool = False


@dataclass(frozen=True, slots=True)
class ParseForm(Node):
    """`parse ... csv`, one name for each value, or with `logfmt` one name for the map of all keys."""

    source: Expression | None
    logfmt: bool
    names: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class JsonField(Node):
    """`json field=... "key.subkey"`: a value of a field's document."""

    source: Field
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Dedup(Node):
    """`dedup`: the first of the rows that agree in these fields."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Unmask(Node):
    """`unmask` as a command: these fields as they were before masking."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Unnest(Node):
    """`unnest`: one row for each element of a list."""

    source: Field
    name: str


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """`pattern`: counts texts by what they have in common."""

    source: Expression


@dataclass(frozen=True, slots=True)
class Anomaly(Node):
    """`anomaly`: which patterns are unusual."""


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`diff` or `logcompare`: patterns against those of an earlier time range.

    `shift` is how much earlier, None for the time right before. `before` are the commands that come before it.
    """

    shift: Period | None
    before: tuple["Command", ...] = ()


@dataclass(frozen=True, slots=True)
class RelevantFields(Node):
    """`relevantfields`: which of these fields, or of all, tell the events that satisfy a condition from the others."""

    fields: tuple[Field, ...]
    condition: Expression


@dataclass(frozen=True, slots=True)
class LookupKey(Node):
    """A column of a lookup table and the field that it is compared with."""

    column: Field
    field: Field


@dataclass(frozen=True, slots=True)
class Output(Node):
    """A column of a lookup table and the field that it becomes."""

    column: Field
    field: Field


@dataclass(frozen=True, slots=True)
class Lookup(Node):
    """`lookup` and, with `cidr`, `cidrlookup`; `only_new`: fields that have a value keep it."""

    table: str
    keys: tuple[LookupKey, ...]
    outputs: tuple[Output, ...]
    only_new: bool
    cidr: bool = False


@dataclass(frozen=True, slots=True)
class Moment(Node):
    """A time that SOURCE names: so much before now, or milliseconds since the epoch."""

    before_now: Period | None
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Source(Node):
    """`SOURCE`: which groups; names, or a selection by prefixes, classes and accounts; and times of its own."""

    names: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    selection: bool = False
    start: Moment | None = None
    end: Moment | None = None


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`join`: rows of a second query by equal keys."""

    kind: str
    left: str
    right: str
    keys: tuple[tuple[Field, Field], ...]
    query: tuple["Command", ...]


@dataclass(frozen=True, slots=True)
class AppendColumns(Node):
    """`appendcols`: the columns of a second query beside the rows, first to first."""

    query: tuple["Command", ...]
    override: bool
    most: int


@dataclass(frozen=True, slots=True)
class Autoregress(Node):
    """`autoregress`: copies of a field from some rows before."""

    field: Field
    name: str | None
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FillDown(Node):
    """`filldown`: the last value there was; names may end in an asterisk."""

    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FillMissing(Node):
    """`fillmissing`: rows for the time bins that have none."""

    values: tuple[tuple[Expression, Field], ...]


@dataclass(frozen=True, slots=True)
class Accumulate(Node):
    """`accum`: the running sum of a field."""

    field: Field
    name: str


@dataclass(frozen=True, slots=True)
class AddTotals(Node):
    """`addtotals`: a column with the sum of each row, a row with the sum of each column; no fields: all numbers."""

    fields: tuple[Field, ...]
    name: str
    rows: bool
    columns: bool


@dataclass(frozen=True, slots=True)
class Sessionize(Node):
    """`sessionize`: numbers the sessions of an identity, which end with so much time without an event."""

    fields: tuple[Field, ...]
    gap: Period
    name: str


@dataclass(frozen=True, slots=True)
class Outlier(Node):
    """`outlier`: values far outside of the quartiles, clamped or with their rows removed."""

    fields: tuple[Field, ...]
    removes: bool
    factor: float
    lower: bool
    marks: bool


@dataclass(frozen=True, slots=True)
class Expand(Node):
    """`expand`: a row for each element of a field's list, under the field's own name."""

    field: Field


@dataclass(frozen=True, slots=True)
class CountFrequent(Node):
    """`countFrequent`: how often each combination of values is there."""

    fields: tuple[Field, ...]


Command = (
    Fields
    | Display
    | Filter
    | Stats
    | Sort
    | Limit
    | ParseGlob
    | ParseRegex
    | ParseForm
    | JsonField
    | Dedup
    | Unmask
    | Unnest
    | Pattern
    | Anomaly
    | Compare
    | RelevantFields
    | Lookup
    | Source
    | Join
    | AppendColumns
    | Autoregress
    | FillDown
    | FillMissing
    | Accumulate
    | AddTotals
    | Sessionize
    | Outlier
    | Expand
    | CountFrequent
)
