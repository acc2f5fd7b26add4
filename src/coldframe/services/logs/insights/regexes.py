"""Regular expressions and globs of a query, as the SQL engine wants them: RE2."""

import re

from coldframe.services.logs.insights.errors import QueryError, Span

_NAMED = re.compile(r"(?<!\\)\(\?P?<([A-Za-z_@][\w@.]*)>")
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


def from_glob(glob: str) -> tuple[str, int]:
    """Return the pattern of a glob and the number of its asterisks; the last one, at the end, takes everything."""
    parts = glob.split("*")
    pattern = "(?s)" + re2_escaped(parts[0])
    for number, part in enumerate(parts[1:], 1):
        last = number == len(parts) - 1 and not part
        pattern += ("(.*)$" if last else "(.*?)") + re2_escaped(part)
    return pattern, len(parts) - 1


def re2_escaped(literal: str) -> str:
    """Return a pattern that matches this text."""
    return (
        re.sub(r"([^\w\s])", r"\\\1", literal, flags=re.ASCII)
        if literal.isascii()
        else _by_character(literal)
    )


def _by_character(literal: str) -> str:
    return "".join(
        f"\\{c}" if c.isascii() and not c.isalnum() and not c.isspace() and c != "_" else c for c in literal
    )
