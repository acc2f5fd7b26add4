"""Every command of the command line has its file, and its section in docs/cli.md with every option."""

import ast
import re
from pathlib import Path

from tools.structure import tree

FOLDER = Path("src/coldframe/cli")
PAGE = Path("docs/cli.md")
_SECTION = re.compile(r"^## `coldframe (\w+)[^`]*`$", re.MULTILINE)
# What the launcher of a checkout answers itself.
_OF_THE_LAUNCHER = {"test"}


def check(root: Path) -> list[str]:
    """Compare COMMANDS, the files beside it and the page's sections."""
    main, page = root / FOLDER / "main.py", root / PAGE
    content = tree.text(page)
    sections = _sections(content)
    problems = []
    named = commands(main)
    for name, line in named.items():
        sources = _sources(root, name)
        if not sources:
            problems.append(tree.at(root, main, line, f"the command {name} has no file cli/{name}.py"))
        if name not in sections:
            problems.append(tree.at(root, page, 1, f"there is no section '## `coldframe {name}`'"))
            continue
        for path in sources:
            for option, at in _options(path):
                if option not in sections[name]:
                    text = f"{PAGE} does not say what {option} of coldframe {name} does"
                    problems.append(tree.at(root, path, at, text))
    for name in sorted(sections.keys() - named.keys() - _OF_THE_LAUNCHER):
        line = tree.line_of(content, f"## `coldframe {name}")
        problems.append(tree.at(root, page, line, f"there is no command {name}"))
    return problems


def commands(main: Path) -> dict[str, int]:
    """Return the commands that COMMANDS names, with their lines."""
    if not main.is_file():
        return {}
    for node in tree.syntax(main).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id == "COMMANDS":
                return {
                    str(key.value): key.lineno for key in node.value.keys if isinstance(key, ast.Constant)
                }
    return {}


def _sources(root: Path, name: str) -> list[Path]:
    folder = root / FOLDER
    single = folder / f"{name}.py"
    return [single] if single.is_file() else sorted((folder / name).glob("*.py"))


def _options(path: Path) -> list[tuple[str, int]]:
    return [
        (str(node.args[0].value), node.lineno)
        for node in ast.walk(tree.syntax(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_argument"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and str(node.args[0].value).startswith("-")
    ]


def _sections(content: str) -> dict[str, str]:
    found = list(_SECTION.finditer(content))
    ends = [*(match.start() for match in found[1:]), len(content)]
    return {match[1]: content[match.end() : end] for match, end in zip(found, ends, strict=False)}
