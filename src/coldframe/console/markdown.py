"""The Markdown of text widgets as HTML: what is written is escaped, and no markup of its own passes.

Headings, emphasis, code, links, buttons (`[button:Text](address)`, as CloudWatch has them), lists, tables, quotations, rules.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from markupsafe import Markup, escape

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"\s*(?:[-*+]|(\d+)[.)])\s+(.*)")
_RULE = re.compile(r"\s*(?:-\s*){3,}$|\s*(?:\*\s*){3,}$|\s*(?:_\s*){3,}$")
_DIVISION = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
# Lengths are bounded: a mark that is never closed must not have the rest of a long text looked through.
_INLINE = re.compile(
    r"`(?P<code>[^`]{1,1000})`"
    r"|\[(?P<button>button:)?(?:primary:)?(?P<text>[^\[\]]{0,300})\]\((?P<to>[^()\s]{0,1000})[^()]{0,100}\)"
    r"|\*\*(?P<strong>[^\s*](?:.{0,300}?[^\s])?)\*\*|__(?P<strong2>[^\s_](?:.{0,300}?[^\s])?)__"
    r"|\*(?P<em>[^\s*](?:[^*]{0,300}[^\s*])?)\*|(?<!\w)_(?P<em2>[^\s_](?:[^_]{0,300}[^\s_])?)_(?!\w)"
)
_ADDRESS = re.compile(r"(?:https?:)?//|/|#|mailto:", re.IGNORECASE)
# The deepest that emphasis lies in emphasis; what lies deeper stays as it is written.
_MOST: Final = 4


def html(text: str) -> Markup:
    """Return the HTML of a text."""
    return Markup("\n").join(_blocks(text.replace("\r\n", "\n").split("\n")))


def _blocks(lines: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line.lstrip().startswith("```"):
            end = next(
                (n for n in range(at + 1, len(lines)) if lines[n].strip().startswith("```")), len(lines)
            )
            yield Markup("<pre>{}</pre>").format("\n".join(lines[at + 1 : end]))
            at = end + 1
        elif found := _HEADING.match(line):
            # The page has headings of its own: those of a widget begin below its title.
            level = min(6, len(found[1]) + 2)
            yield Markup("<h{0}>{1}</h{0}>").format(level, inline(found[2]))
            at += 1
        elif _RULE.match(line):
            yield Markup("<hr>")
            at += 1
        elif "|" in line and at + 1 < len(lines) and _DIVISION.match(lines[at + 1]):
            end = _end(lines, at, lambda each: "|" in each)
            yield _table(lines[at:end])
            at = end
        elif _ITEM.match(line):
            end = _end(lines, at, lambda each: bool(each.strip()))
            yield _list(lines[at:end])
            at = end
        elif line.lstrip().startswith(">"):
            end = _end(lines, at, lambda each: each.lstrip().startswith(">"))
            quoted = [each.lstrip()[1:].strip() for each in lines[at:end]]
            yield Markup("<blockquote>{}</blockquote>").format(inline(" ".join(quoted)))
            at = end
        else:
            end = _end(lines, at, lambda each: bool(each.strip()) and not _begins(each))
            broken = (inline(each.strip()) for each in lines[at:end])
            yield Markup("<p>{}</p>").format(Markup("<br>").join(broken))
            at = end


def _begins(line: str) -> bool:
    return bool(
        _HEADING.match(line) or _ITEM.match(line) or _RULE.match(line) or line.lstrip().startswith("```")
    )


def _end(lines: list[str], start: int, goes_on: Callable[[str], bool]) -> int:
    """Return where the lines end that belong to the one at the start."""
    return next((at for at in range(start + 1, len(lines)) if not goes_on(lines[at])), len(lines))


def _list(lines: list[str]) -> Markup:
    items: list[list[str]] = []
    for line in lines:
        found = _ITEM.match(line)
        if found:
            items.append([found[2]])
        else:
            items[-1].append(line.strip())
    first = _ITEM.match(lines[0])
    kind = "ol" if first is not None and first[1] else "ul"
    body = Markup("").join(Markup("<li>{}</li>").format(inline(" ".join(each))) for each in items)
    return Markup("<{0}>{1}</{0}>").format(kind, body)


def _table(lines: list[str]) -> Markup:
    head, rows = _cells(lines[0]), [_cells(line) for line in lines[2:]]
    titles = Markup("").join(Markup('<th scope="col">{}</th>').format(inline(each)) for each in head)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td>{}</td>").format(inline(each)) for each in row)
        )
        for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(titles, body)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def inline(text: str, depth: int = 0) -> Markup:
    """Return the HTML of a line: emphasis, code and links."""
    parts: list[Markup] = []
    at = 0
    for found in _INLINE.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(_marked(found, depth))
        at = found.end()
    parts.append(escape(text[at:]))
    return Markup("").join(parts)


def _marked(found: re.Match[str], depth: int) -> Markup:
    if found["code"] is not None:
        return Markup("<code>{}</code>").format(found["code"])
    if depth == _MOST:
        return escape(found[0])
    if found["to"] is not None:
        if not _ADDRESS.match(found["to"]):
            return escape(found[0])
        kind = Markup(' class="button"') if found["button"] else ""
        return Markup('<a href="{}"{} rel="noreferrer">{}</a>').format(
            found["to"], kind, inline(found["text"] or found["to"], depth + 1)
        )
    strong = found["strong"] or found["strong2"]
    if strong is not None:
        return Markup("<strong>{}</strong>").format(inline(strong, depth + 1))
    return Markup("<em>{}</em>").format(inline(found["em"] or found["em2"], depth + 1))
