"""No tracked file has a path of somebody's machine or the name of a host that serves packages."""

import re
from pathlib import Path

from tools.structure import tree

# Hosts by their registrable names; the dots are escaped, so this file does not contain what it looks for.
_HOSTS = (
    r"pypi\.(?:org|python)|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io/api|rubygems\.org|anaconda\.org"
)
_MACHINE = (
    r"/(?:home|Users)/(?!(?:user|alice|bob|jane|john|you|me)\b)[a-z][\w.-]*/|(?<![\w.}])/work/\w|/root/\.\w"
)
_FORBIDDEN = re.compile(rf"(?P<host>{_HOSTS})|(?P<path>{_MACHINE})")
_SUFFIXES = {".py", ".toml", ".md", ".txt", ".cfg", ".sh", ".json", ".yml", ".yaml", ".html", ""}


def check(root: Path) -> list[str]:
    """Search every text file, line by line."""
    problems = []
    for path in tree.files(root):
        if path.suffix not in _SUFFIXES:
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            found = _FORBIDDEN.search(line)
            if found is not None:
                what = "host that serves packages" if found["host"] else "path of one machine"
                problems.append(tree.at(root, path, number, f"{found[0]!r} is a {what}"))
    return problems
