"""substituteString: what a regular expression matches is replaced; RE2, so that no expression runs away."""

import re
from collections import Counter
from functools import partial
from typing import Any

from coldframe.services.logs.transformers.configuration import SubstituteString
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import Step, TransformingEvent
from coldframe.services.logs.transformers.expressions import compiled, refuse_long, replaced_at_most
from coldframe.services.logs.transformers.paths import target_path
from coldframe.services.logs.transformers.string_changes import change_text

MOST_REFERENCES = 10
MOST_DUPLICATES = 2

_PIECE = re.compile(r"\\(?P<escaped>.)|\$\{(?P<name>[^}]*)\}|\$(?P<number>\d+)|(?P<stray>[\\$])", re.DOTALL)

Template = list[bytes | int]
"""Text to put in as it is, and numbers of groups."""


def substitute_string(settings: SubstituteString) -> Step:
    """Return the step; `to` may refer to groups as $1 or ${name}. Raises InvalidTransformer."""
    entries = []
    for each in settings.entries:
        expression = compiled(each.pattern)
        entries.append((target_path(each.source), expression, _template(each.to, expression)))

    def step(event: TransformingEvent) -> None:
        for path, expression, template in entries:
            change_text(event, path, partial(_substituted, expression=expression, template=template))

    return step


def _substituted(text: str, expression: Any, template: Template) -> str:
    data = text.encode("utf-8", "surrogatepass")
    refuse_long(expression, data)
    pieces: list[bytes] = []
    size = at = 0
    for match in expression.finditer(data):
        if match.start() == match.end() < len(data) and data[match.end()] & 0xC0 == 0x80:
            continue  # an empty match between the bytes of one character
        piece = b"".join(each if isinstance(each, bytes) else match.group(each) or b"" for each in template)
        pieces += [data[at : match.start()], piece]
        size += match.start() - at + len(piece)
        at = match.end()
        replaced_at_most(size)
    pieces.append(data[at:])
    try:
        return b"".join(pieces).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise TransformationFailed("the replacement broke a character apart") from error


def _template(text: str, expression: Any) -> Template:
    """Read `to`: Java's form, in which $12 is group 1 before a 2 where there is no group 12."""
    template: Template = []
    uses: Counter[int] = Counter()
    at = 0
    for found in _PIECE.finditer(text):
        template.append(text[at : found.start()].encode("utf-8", "surrogatepass"))
        at = found.end()
        if found["escaped"] is not None:
            template.append(found["escaped"].encode("utf-8", "surrogatepass"))
            continue
        group, rest = _reference(found, expression)
        uses[group] += 1
        template += [group, rest.encode()]
    template.append(text[at:].encode("utf-8", "surrogatepass"))
    if sum(uses.values()) > MOST_REFERENCES:
        raise InvalidTransformer(f"to has more than {MOST_REFERENCES} references to groups")
    if max(uses.values(), default=0) > MOST_DUPLICATES:
        raise InvalidTransformer(f"to refers to the same group more than {MOST_DUPLICATES} times")
    return template


def _reference(found: re.Match[str], expression: Any) -> tuple[int, str]:
    """Return a reference's group and the digits behind it that do not belong to it."""
    if found["stray"] is not None:
        raise InvalidTransformer(
            f"to has a {found['stray']} that stands for nothing: write \\{found['stray']}"
        )
    if found["name"] is not None:
        group = expression.groupindex.get(found["name"].encode("utf-8", "surrogatepass"))
        if group is None:
            raise InvalidTransformer(f"to refers to the group {found['name']!r}, which from does not have")
        return int(group), ""
    digits = found["number"]
    used = 1
    while used < len(digits) and int(digits[: used + 1]) <= expression.groups:
        used += 1
    if int(digits[:used]) > expression.groups:
        raise InvalidTransformer(f"to refers to the group {digits[:used]}, which from does not have")
    return int(digits[:used]), digits[used:]
