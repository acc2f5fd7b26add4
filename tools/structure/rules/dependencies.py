"""Every package that coldframe needs to run has its reason in docs/decisions/0002-dependencies.md, and its version pinned."""

import re
import tomllib
from pathlib import Path

from tools.structure import tree

SOURCE = Path("pyproject.toml")
PAGE = Path("docs/decisions/0002-dependencies.md")
PINS = Path("constraints.txt")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_ROW = re.compile(r"^\| `([\w.-]+)`", re.MULTILINE)


def check(root: Path) -> list[str]:
    """Compare pyproject.toml with the page's table, both ways, and with constraints.txt."""
    source, page = root / SOURCE, root / PAGE
    content = tree.text(source)
    project = tomllib.loads(content).get("project", {})
    extras = project.get("optional-dependencies", {})
    runtime = [
        *project.get("dependencies", ()),
        *(item for key, all_ in extras.items() if key != "test" for item in all_),
    ]
    needed = {_name(item) for item in runtime}
    reasons = {name.lower() for name in _ROW.findall(tree.text(page))}
    pins = {
        _name(line) for line in tree.text(root / PINS).splitlines() if line.strip() and line[0] not in "#-"
    }
    problems = [
        tree.at(root, source, tree.line_of(content, f'"{name}'), f"{PAGE} does not say why {name} is needed")
        for name in sorted(needed - reasons)
    ]
    problems += [
        tree.at(root, page, tree.line_of(tree.text(page), f"`{name}`"), f"{name} is no dependency any more")
        for name in sorted(reasons - needed)
    ]
    everything = needed | {_name(item) for item in extras.get("test", ())}
    problems += [
        tree.at(root, root / PINS, 1, f"no version of {name} is pinned") for name in sorted(everything - pins)
    ]
    return problems


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found[0].lower().replace("_", "-").replace(".", "-") if found else ""
