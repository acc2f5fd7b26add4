"""The README's table says of each of the eighteen systems whether it works, partly works, or is not there yet."""

import re
from pathlib import Path

from tools.structure import tree

PAGE = Path("README.md")
SYSTEMS = range(1, 19)
_ROW = re.compile(r"^\| *(\d+) *\|(.*)\|\s*$")
_STATE = re.compile(r"works|not yet|partly(?::| \().+")


def check(root: Path) -> list[str]:
    """Look at the numbered rows: each system once, in order, with one of the three states in its last column."""
    page = root / PAGE
    problems, seen = [], []
    for line, content in enumerate(tree.text(page).splitlines(), 1):
        row = _ROW.match(content)
        if row is None:
            continue
        seen.append(int(row[1]))
        state = row[2].rsplit("|", 1)[-1].strip()
        if not _STATE.fullmatch(state):
            text = f"row {row[1]} says {state!r}; it is 'works', 'partly (what is there)' or 'not yet'"
            problems.append(tree.at(root, page, line, text))
    if seen != list(SYSTEMS):
        missing = sorted(set(SYSTEMS) - set(seen))
        text = f"the rows are {seen}, not 1 to 18" + (f"; {missing} are missing" if missing else "")
        problems.append(tree.at(root, page, 1, text))
    return problems
