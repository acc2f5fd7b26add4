"""Formulas in parameter groups: {DBInstanceClassMemory*3/4}, LEAST({DBInstanceClassMemory/9531392},5000) and their like."""

import re

import msgspec

from coldframe.services.rds.faults import bad_value

_WORD = re.compile(r"\s*(GREATEST|LEAST|SUM|\{|\}|[(),*/+-]|\d+|[A-Za-z]+)")


class Figures(msgspec.Struct, frozen=True):
    """What formulas may reckon with: memory in bytes, storage in GiB, port and number of processors."""

    memory: int
    storage: int
    port: int
    processors: int

    def named(self, variable: str) -> int:
        """Return a variable by the name that RDS gives it; raises InvalidParameterValue."""
        known = {
            "DBInstanceClassMemory": self.memory,
            "AllocatedStorage": self.storage,
            "EndPointPort": self.port,
            "DBInstanceVCPU": self.processors,
        }
        if variable not in known:
            raise bad_value(f"The formula variable {variable} is none of {', '.join(known)}")
        return known[variable]


def is_formula(value: str) -> bool:
    """Tell whether a value is a formula."""
    return "{" in value or value.startswith(("GREATEST", "LEAST", "SUM"))


def evaluate(formula: str, figures: Figures) -> int:
    """Return what a formula comes to, rounded down; raises InvalidParameterValue for one that is none."""
    words = _words(formula)
    result = _sum(words, figures, formula)
    if words:
        raise _broken(formula)
    return int(result)


def _words(formula: str) -> list[str]:
    words, at = [], 0
    while at < len(formula.rstrip()):
        found = _WORD.match(formula, at)
        if found is None:
            raise _broken(formula)
        words.append(found[1])
        at = found.end()
    return words


def _sum(words: list[str], figures: Figures, formula: str) -> float:
    result = _product(words, figures, formula)
    while words and words[0] in {"+", "-"}:
        sign = words.pop(0)
        more = _product(words, figures, formula)
        result = result + more if sign == "+" else result - more
    return result


def _product(words: list[str], figures: Figures, formula: str) -> float:
    result = _term(words, figures, formula)
    while words and words[0] in {"*", "/"}:
        sign = words.pop(0)
        factor = _term(words, figures, formula)
        if sign == "/" and factor == 0:
            raise _broken(formula)
        result = result * factor if sign == "*" else result / factor
    return result


def _term(words: list[str], figures: Figures, formula: str) -> float:
    word = words.pop(0) if words else ""
    if word.isdigit():
        return float(word)
    if word in {"{", "("}:
        result = _sum(words, figures, formula)
        _take(words, "}" if word == "{" else ")", formula)
        return result
    if word in {"GREATEST", "LEAST", "SUM"}:
        _take(words, "(", formula)
        values = [_sum(words, figures, formula)]
        while words and words[0] == ",":
            words.pop(0)
            values.append(_sum(words, figures, formula))
        _take(words, ")", formula)
        return {"GREATEST": max, "LEAST": min, "SUM": sum}[word](values)  # type: ignore[operator, no-any-return]
    if word.isalpha():
        return float(figures.named(word))
    raise _broken(formula)


def _take(words: list[str], wanted: str, formula: str) -> None:
    if not words or words.pop(0) != wanted:
        raise _broken(formula)


def _broken(formula: str) -> Exception:
    return bad_value(f"Invalid parameter value: {formula} is not a formula")
