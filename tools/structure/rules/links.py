"""Links between the pages of the repository lead to files that are there."""

import re
from pathlib import Path

from tools.structure import tree

_LINK = re.compile(r"\[[^\]]*\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")


def check(root: Path) -> list[str]:
    """Follow every relative link of every page."""
    return [
        tree.at(root, page, number, f"the link leads nowhere: {target}")
        for page in tree.files(root, ".md")
        for number, line in enumerate(tree.text(page).splitlines(), 1)
        for target in _LINK.findall(line)
        if not (page.parent / target).exists()
    ]
