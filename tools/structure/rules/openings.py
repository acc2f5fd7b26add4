"""A Python file opens with a docstring whose first paragraph says what the file is."""

import ast
from pathlib import Path

from tools.structure import tree

_ENDS = (".", ":", "!", "?", ")", "`", '"')


def check(root: Path) -> list[str]:
    """Look at the first statement of every Python file; an empty file may stay empty."""
    problems = []
    for path in tree.python(root):
        if not tree.text(path).strip():
            continue
        opening = ast.get_docstring(tree.syntax(path))
        if opening is None:
            problems.append(tree.at(root, path, 1, "open the file with one sentence that says what it is"))
            continue
        first = opening.split("\n\n")[0].strip()
        if len(first.split()) < 3 or not first.endswith(_ENDS):
            problems.append(tree.at(root, path, 1, f"{first[:50]!r} is not a sentence"))
    return problems
