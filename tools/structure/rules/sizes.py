"""A Python file has at most 500 lines (a test 600), but for those in the list, each with its reason.

The list may only shrink: a file in it that has become short, or is gone, must be taken out.
"""

import tomllib
from pathlib import Path

from tools.structure import tree

CEILING, CEILING_OF_TESTS = 500, 600
LIST = Path("tools/structure/long_files.toml")


def check(root: Path) -> list[str]:
    """Compare every file's length with its ceiling and the list."""
    listed: dict[str, str] = tomllib.loads(tree.text(root / LIST)).get("reasons", {})
    content = tree.text(root / LIST)
    problems, long = [], set()
    for path in tree.python(root):
        name = path.relative_to(root).as_posix()
        ceiling = CEILING_OF_TESTS if name.startswith("tests/") else CEILING
        lines = len(tree.text(path).splitlines())
        if lines <= ceiling:
            continue
        long.add(name)
        if not listed.get(name, "").strip():
            text = f"has {lines} lines, over {ceiling}: split it by question, or give {LIST} a reason"
            problems.append(tree.at(root, path, lines, text))
    for name in sorted(listed.keys() - long):
        line = tree.line_of(content, name)
        problems.append(tree.at(root, root / LIST, line, f"{name} is not too long any more: take it out"))
    return problems
