"""From an expression of the tree to SQL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from coldframe.services.logs.insights import regexes, tree, values
from coldframe.services.logs.insights.comparisons import among, compared
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.functions.table import FUNCTIONS
from coldframe.services.logs.insights.scope import Binder, Scope, member
from coldframe.services.logs.insights.tree import Command, Expression
from coldframe.services.logs.insights.values import Sql

MOST_SQL = 1_000_000
_BOOLEANS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class Times:
    """The query's time range, both ends inclusive, and the present; milliseconds since the epoch."""

    start: int
    end: int
    now: int


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes SQL of expressions over one scope.

    `subquery` gives the SQL of a subquery's one column of text. With `unmasked`, fields are read as they were before
    masking. `given` are expressions that are known already, such as aliases within one `stats`.
    """

    bind: Binder
    scope: Scope
    times: Times
    text: str
    subquery: Callable[[tuple[Command, ...], str, Span], str]
    unmasked: bool = False
    given: Mapping[str, Sql] | None = None

    def value(self, node: Expression) -> Sql:
        """Return the SQL of an expression; raises QueryError, also for one that would become too large to run."""
        found = self._value(node)
        if len(found.text) > MOST_SQL:
            raise QueryError("the expression is too large", node.span)
        return found

    def _value(self, node: Expression) -> Sql:
        known = self._known(node)
        if known is not None:
            return known
        if isinstance(node, tree.Field):
            return self._field(node)
        if isinstance(node, tree.Number):
            return Sql(f"CAST({self.bind.bind(node.value)} AS DOUBLE)", "number", node.value)
        if isinstance(node, tree.Text):
            return Sql(f"CAST({self.bind.bind(node.value)} AS VARCHAR)", "text", node.value)
        if isinstance(node, tree.Call):
            return self._call(node)
        if isinstance(node, tree.Member):
            document = self.value(node.document)
            return member(document, node.path, self.bind)
        if isinstance(node, tree.Operation):
            return self._operation(node)
        if isinstance(node, tree.Negative):
            return Sql(f"(- {self.number(node.operand)})", "number")
        if isinstance(node, tree.Logical):
            inner = f" {node.operator.upper()} ".join(self.condition(each) for each in node.operands)
            return Sql(f"({inner})", "bool")
        if isinstance(node, tree.Not):
            return Sql(f"(NOT {self.condition(node.operand)})", "bool")
        return self._search(node)

    def number(self, node: Expression) -> str:
        """Return SQL of an expression as a number."""
        return values.number(self.value(node))

    def string(self, node: Expression) -> str:
        """Return SQL of an expression as text."""
        return values.text(self.value(node))

    def condition(self, node: Expression) -> str:
        """Return SQL of an expression as a condition."""
        return values.condition(self.value(node))

    def constant(self, node: Expression, what: str) -> str:
        """Return the string that an argument must be; raises QueryError for anything else."""
        if not isinstance(node, tree.Text):
            raise QueryError(f"{what} must be a string", node.span)
        return node.value

    def pattern(self, node: Expression) -> str:
        """Return the name of a regular expression's value; raises QueryError."""
        if isinstance(node, tree.Regex):
            return self.bind.bind(regexes.checked(node.pattern, node.span))
        return self.bind.bind(regexes.checked(self.constant(node, "a regular expression"), node.span))

    def as_unmasked(self) -> "Compiler":
        """Return a compiler that reads the text before masking."""
        return replace(self, unmasked=True)

    def _matching(self, operand: str, wanted: Expression) -> str:
        """Return SQL of a search by a pattern: a text that it must have in it is looked for first, which is cheaper."""
        matches = f"regexp_matches({operand}, {self.pattern(wanted)})"
        pattern = wanted.pattern if isinstance(wanted, tree.Regex) else self.constant(wanted, "a pattern")
        literal = regexes.required(pattern)
        return f"(contains({operand}, {self.bind.bind(literal)}) AND {matches})" if literal else matches

    def _known(self, node: Expression) -> Sql | None:
        """Return what is known of an expression by its name or its own text, as of `count(*)` after a stats."""
        if isinstance(node, tree.Field) and self.given is not None and node.name in self.given:
            return self.given[node.name]
        if isinstance(node, tree.Call | tree.Member | tree.Operation):
            written = self.text[node.span.start : node.span.end].strip()
            if self.given is not None and written in self.given:
                return self.given[written]
            if written in self.scope.columns:
                return self.scope.find((written,), self.bind, unmasked=self.unmasked)
        return None

    def _field(self, node: tree.Field) -> Sql:
        name = node.name.lower()
        if name in _BOOLEANS and node.name not in self.scope.columns:
            return Sql(f"CAST({_BOOLEANS[name]} AS DOUBLE)", "number", _BOOLEANS[name])
        return self.scope.find(node.path, self.bind, unmasked=self.unmasked)

    def _call(self, node: tree.Call) -> Sql:
        function = FUNCTIONS.get(node.name.lower())
        if function is None:
            raise QueryError(f"unknown function {node.name}", node.span)
        count = len(node.arguments)
        if node.star or count < function.least or (function.most is not None and count > function.most):
            raise QueryError(f"{node.name} takes {function.arity}", node.span)
        return function.build(self, node)

    def _operation(self, node: tree.Operation) -> Sql:
        if node.operator in {"=", "!=", "<", "<=", ">", ">="}:
            return compared(node.operator, self.value(node.left), self.value(node.right))
        left, right = self.number(node.left), self.number(node.right)
        if node.operator in {"/", "%"}:
            return Sql(f"({left} {node.operator} nullif({right}, 0))", "number")
        if node.operator == "^":
            power = f"pow({left}, {right})"
            return Sql(f"(CASE WHEN isfinite({power}) THEN {power} END)", "number")
        return Sql(f"({left} {node.operator} {right})", "number")

    def _search(self, node: Expression) -> Sql:
        if isinstance(node, tree.Like):
            operand = self.string(node.operand)
            if isinstance(node.wanted, tree.Regex) or node.regex:
                return Sql(self._matching(operand, node.wanted), "bool")
            return Sql(f"contains({operand}, {self.string(node.wanted)})", "bool")
        if isinstance(node, tree.Among):
            return among(self.value(node.operand), [self.value(each) for each in node.values])
        if isinstance(node, tree.AmongResults):
            name = node.operand.name if isinstance(node.operand, tree.Field) else ""
            found = self.subquery(node.query, name, node.span)
            return Sql(f"({self.string(node.operand)} IN ({found}))", "bool")
        raise QueryError("this cannot stand here", node.span)
