"""Regular expressions of a query, as the SQL engine wants them: RE2."""

import re

from coldframe.services.logs.insights.errors import QueryError, Span

_NAMED = re.compile(r"(?<!\\)\(\?P?<([A-Za-z_@][\w@.]*)>")
# An escape takes more than one character after it where it has braces, digits or a class's name.
_ESCAPE = re.compile(
    r"\\(?:x\{[^}]*\}|x[0-9A-Fa-f]{2}|[pP]\{[^}]*\}|[pP].|Q.*?(?:\\E|$)|[0-7]{1,3}|.)", re.DOTALL
)
MOST_BYTES = 4 * 1024 * 1024


def checked(pattern: str, span: Span) -> str:
    """Return a pattern in RE2's spelling; raises QueryError for one that RE2 refuses."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_BYTES
    numbers = iter(range(10_000))
    spelled = _NAMED.sub(lambda found: f"(?P<n{next(numbers)}>", pattern)
    try:
        re2.compile(spelled, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "it is not valid"
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise QueryError(f"invalid regular expression: {said}", span) from None
    return spelled


def group_names(pattern: str) -> list[str]:
    """Return the names of a pattern's named groups, in order."""
    return _NAMED.findall(pattern)


def group_places(pattern: str) -> tuple[list[int], int]:
    """Return the numbers of the named groups and how many groups there are."""
    import re2

    spelled = checked(pattern, Span(0, 0))
    compiled = re2.compile(spelled)
    return sorted(compiled.groupindex.values()), int(compiled.groups)


def required(pattern: str) -> str:
    """Return a text that every match of a pattern has in it, the longest one found; empty when none is sure."""
    if "|" in pattern or "(?" in pattern:
        return ""
    runs, depth, at = [""], 0, 0
    while at < len(pattern):
        literal, length = _literal(pattern, at)
        opening, closing = pattern[at] == "(", pattern[at] == ")"
        depth += opening - closing
        following = pattern[at + length : at + length + 1]
        if literal and depth == 0 and following not in {"*", "?", "{", "+"}:
            runs[-1] += literal
        else:
            runs.append("")
        at += length
    return max(runs, key=len)


def _literal(pattern: str, at: int) -> tuple[str, int]:
    """Return the character that a piece of a pattern stands for, empty when it is another thing, and its length."""
    character = pattern[at]
    if character == "\\":
        escaped = pattern[at + 1 : at + 2]
        plain = escaped.isascii() and not escaped.isalnum()
        return (escaped if plain else ""), _escape_length(pattern, at)
    if character == "[":
        return "", _class_length(pattern, at)
    if character == "{":
        end = pattern.find("}", at)
        return "", max(end - at, 0) + 1
    return ("" if character in "^$.*+?()" else character), 1


def _escape_length(pattern: str, at: int) -> int:
    found = _ESCAPE.match(pattern, at)
    return len(found[0]) if found else 2


def _class_length(pattern: str, at: int) -> int:
    end = at + 1
    if pattern[end : end + 1] == "^":
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while end < len(pattern) and pattern[end] != "]":
        if pattern[end] == "\\":
            end += 1
        elif pattern.startswith("[:", end):
            end = max(pattern.find(":]", end) + 1, end)
        end += 1
    return end - at + 1
