"""Where the statements of a policy document stand in its text, for the simulator's answers."""

import json
import re

_GAP = re.compile(r"[\s,:]*")
_decode = json.JSONDecoder().raw_decode

Place = dict[str, int]


def statement_positions(document: str) -> list[tuple[Place, Place]]:
    """Return where each statement begins and where it has ended, line and column from 1; the text is valid JSON.

    Both are the places behind a brace, the opening and the closing one, as AWS counts them.
    """
    spans: list[tuple[int, int]] = []
    at = _skip(document, document.index("{") + 1)
    while document[at] != "}":
        name, at = _decode(document, at)
        at = _skip(document, at)
        _, end = _decode(document, at)
        if name == "Statement":
            spans += _elements(document, at) if document[at] == "[" else [(at, end)]
        at = _skip(document, end)
    return [(_place(document, start + 1), _place(document, end)) for start, end in spans]


def _elements(text: str, at: int) -> list[tuple[int, int]]:
    """Return where the elements of the array at `at` begin and end."""
    spans = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _decode(text, at)
        spans.append((at, end))
        at = _skip(text, end)
    return spans


def _skip(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return at if found is None else found.end()


def _place(text: str, offset: int) -> Place:
    before = text[:offset]
    return {"Line": before.count("\n") + 1, "Column": offset - before.rfind("\n")}
