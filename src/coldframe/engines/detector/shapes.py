"""How shapes become regular expressions: the exact one of `re`, and a looser one for RE2 that only finds candidates."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from coldframe.engines.detector.identifiers import Shape

_NAMED_GROUP = re.compile(r"\(\?P<(\w+)>([^()]*)\)")
_LOOKAROUND = re.compile(r"\(\?<?[=!][^()]*\)")
# A line end that JSON wrote as two characters is no letter, though its second one looks like one.
_ESCAPED_LINE_END = r"\\[nrt]"
# Nor is a punctuation mark as URLs write it: %22 is a quotation mark, %3D an equals sign.
_ENCODED_SIGN = "%[2357][0-9A-F]"

# Scripts from here on, those of China, Japan and Korea, have no spaces between words and numbers.
_UNSPACED = "\u2e80-\U0010ffff"


def exact(shape: Shape) -> re.Pattern[str]:
    """Matches the data where it begins, with what may not stand beside it."""
    left, right = rf"(?<![^\W_{_UNSPACED}])", rf"(?![^\W_{_UNSPACED}])"
    if shape.left == "none":
        left = ""
    elif shape.left:
        left = f"(?<![{shape.left}])"
    else:
        left = f"(?:{left}|(?<={_ESCAPED_LINE_END})|(?<={_ENCODED_SIGN}))"
    if shape.right:
        right = "" if shape.right == "none" else f"(?![{shape.right}])"
    return re.compile(f"{left}(?:{shape.pattern}){right}")


def _loose(shape: Shape) -> str:
    pattern = _LOOKAROUND.sub("", shape.pattern)
    for name, content in _NAMED_GROUP.findall(pattern):
        pattern = pattern.replace(f"(?P<{name}>{content})", f"(?:{content})").replace(
            f"(?P={name})", f"(?:{content})"
        )
    left = f"(?:[^0-9A-Za-z]|{_ESCAPED_LINE_END}|{_ENCODED_SIGN})" if not shape.left else f"[^{shape.left}]"
    right = shape.right or "0-9A-Za-z"
    return f"{left}(?:{pattern})(?:[^{right}]|$)"


def candidates(shapes: Sequence[Shape]) -> Any:
    """An RE2 pattern over the prefilter's bytes that matches wherever one of the shapes can begin.

    A match begins one character before the data; two where that is a line end as JSON writes it, or three where it is
    a sign as URLs write it.
    """
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    together = "|".join(dict.fromkeys(_loose(shape) for shape in shapes))
    return re2.compile(together.encode("ascii"), options)


@cache
def reach_back(characters: str) -> re.Pattern[str]:
    """Matches up to and including the last character that is not one of the class."""
    return re.compile(f"(?s:.*)[^{characters}]")
