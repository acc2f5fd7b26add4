"""Every field of core/config.py's Settings has a row in docs/settings.md, and no row is left of one that is gone."""

import re
from pathlib import Path

from tools.structure import tree

SOURCE = Path("src/coldframe/core/config.py")
PAGE = Path("docs/settings.md")
_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def check(root: Path) -> list[str]:
    """Compare the class and the page's table, both ways."""
    source, page = root / SOURCE, root / PAGE
    fields = tree.fields(source, "Settings")
    content = tree.text(page)
    rows = {match[1] for match in _ROW.finditer(content)}
    missing = [
        tree.at(root, source, line, f"{PAGE} has no row for the setting {name}")
        for name, line in fields.items()
        if name not in rows
    ]
    stale = [
        tree.at(root, page, tree.line_of(content, f"| `{name}` |"), f"there is no setting {name}")
        for name in sorted(rows - fields.keys())
    ]
    return missing + stale
