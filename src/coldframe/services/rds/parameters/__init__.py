"""The parameters of each engine family: type, range, apply type and default, from tables that the engines wrote."""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.rds import engine_names
from coldframe.services.rds.faults import bad_value
from coldframe.services.rds.parameters.formulas import Figures, evaluate, is_formula

_RANGE = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)-(-?[\d.]+(?:e[+-]?\d+)?)")
# Parameters that are RDS's own: no engine has ever heard of them, but for the one that ours knows.
_OWN = "rds."
_KNOWN = "rds.logical_replication"


class Parameter(msgspec.Struct, frozen=True, array_like=True):
    """A parameter: data type, whether it can change while the engine runs, what it may be, what it is for."""

    name: str
    kind: str
    dynamic: bool
    allowed: str
    text: str
    modifiable: bool = True
    default: str | None = None

    @property
    def apply_type(self) -> str:
        """How RDS calls a parameter that can, or cannot, change while the engine runs."""
        return "dynamic" if self.dynamic else "static"


class _Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    read_only: str
    memory: list[str]
    fixed: list[str]
    defaults: dict[str, str]
    extra: dict[str, tuple[str, bool, str, str]]


@cache
def _rules() -> dict[str, _Rules]:
    text = files(__name__).joinpath("rules.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), whole(dict[str, _Rules]))


def read_only_name(engine: str) -> str:
    """Return the parameter by which users say whether a copy takes writes; it is applied by RDS, not by the engine."""
    return _rules()[engine_names.named(engine).tables].read_only


@cache
def families() -> list[str]:
    """Return the families whose tables are here, by engine and version."""
    found = [
        file.name.removesuffix(".json") for file in files(__name__).iterdir() if file.name.endswith(".json")
    ]
    return sorted(found, key=_order)


@cache
def table(family: str) -> Mapping[str, Parameter]:
    """Return the parameters of a family by name; a family without a table of its own has that of the one before it.

    Raises InvalidParameterValue for a family that no engine has.
    """
    known = engine_names.of_family(family)
    if known is None:
        raise bad_value(f"DBParameterGroupFamily {family} is not a valid parameter group family")
    engine, major = known
    own = [each for each in families() if each.startswith(engine.tables)]
    before = [each for each in own if _order(each) <= _order(f"{engine.tables}{major}")] or own[:1]
    rules = _rules()[engine.tables]
    text = files(__name__).joinpath(f"{before[-1]}.json").read_bytes()
    rows = [
        *(
            row
            for row in msgspec.json.decode(text, type=whole(list[Parameter]))
            if row.name not in rules.extra
        ),
        *(Parameter(name, *row) for name, row in rules.extra.items()),
    ]
    return {
        row.name: msgspec.structs.replace(
            row,
            modifiable=not any(fnmatchcase(row.name, pattern) for pattern in rules.fixed),
            default=rules.defaults.get(row.name),
        )
        for row in sorted(rows, key=lambda row: row.name)
    }


def check(parameter: Parameter, value: str) -> None:
    """Refuse a value that a parameter may not have, or a formula that cannot be reckoned; raises InvalidParameterValue."""
    if not parameter.modifiable:
        raise bad_value(f"The parameter {parameter.name} cannot be modified.")
    if parameter.kind in {"integer", "float"} and is_formula(value):
        evaluate(value, Figures(memory=2**30, storage=20, port=1, processors=2))
        return
    if "\n" in value or "\0" in value or not _fits(parameter, value):
        raise bad_value(
            f"Invalid parameter value: {value} for: {parameter.name} allowed values are: {parameter.allowed}"
        )


def settings(family: str, values: Mapping[str, str], *, real: Figures, given_memory: int) -> dict[str, str]:
    """Return what an engine is to be told: what users set, and RDS's own defaults, with every formula reckoned.

    What sizes memory by default is left to the engine, which knows what it was given.
    """
    parameters = table(family)
    known = engine_names.of_family(family)
    rules = _rules()[known[0].tables if known else ""]
    given = msgspec.structs.replace(real, memory=given_memory)
    wanted = {name: value for name, value in rules.defaults.items() if name not in rules.memory} | dict(
        values
    )
    return {
        name: str(evaluate(value, given if name in rules.memory else real)) if is_formula(value) else value
        for name, value in wanted.items()
        if name in parameters and (not name.startswith(_OWN) or name == _KNOWN) and name != rules.read_only
    }


def _fits(parameter: Parameter, value: str) -> bool:
    if not parameter.allowed:
        return len(value) <= 65_536
    span = _RANGE.fullmatch(parameter.allowed)
    if span is not None and parameter.kind in {"integer", "float"}:
        try:
            number = float(value) if parameter.kind == "float" else int(value)
        except ValueError:
            return False
        return float(span[1]) <= number <= float(span[2])
    choices = {choice.lower() for choice in parameter.allowed.split(",")}
    if parameter.kind == "list":
        return {part.strip().lower() for part in value.split(",")} - {""} <= choices
    if parameter.kind == "boolean":
        choices |= {"on", "off"}
    return value.lower() in choices


def _order(family: str) -> tuple[str, list[int]]:
    name = family.rstrip("0123456789.")
    return name, [int(number) for number in family[len(name) :].split(".") if number]
