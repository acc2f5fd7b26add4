"""What the rules read: the files of a tree, their lines and their syntax."""

import ast
import subprocess
from functools import lru_cache
from pathlib import Path


def files(root: Path, *suffixes: str) -> list[Path]:
    """Return the files that git tracks or would track (outside of a checkout: all), sorted, by suffix if any is given."""
    found = _tracked(root) if (root / ".git").exists() else _all(root)
    return sorted(path for path in found if not suffixes or path.suffix in suffixes)


def python(root: Path, *folders: str) -> list[Path]:
    """Return the Python files of the folders (`src`, `tests`), or of the whole tree."""
    found = files(root, ".py")
    return [path for path in found if not folders or path.relative_to(root).parts[0] in folders]


def text(path: Path) -> str:
    """Return a file's text; bytes that are no UTF-8 become question marks."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


@lru_cache(maxsize=2048)
def _parsed(source: str, name: str) -> ast.Module:
    return ast.parse(source, name)


def syntax(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file; raises SyntaxError."""
    return _parsed(text(path), str(path))


def fields(path: Path, name: str) -> dict[str, int]:
    """Return the annotated fields of a class in a file, with their lines; none where there is no such class."""
    if not path.is_file():
        return {}
    return {
        item.target.id: item.lineno
        for node in syntax(path).body
        if isinstance(node, ast.ClassDef) and node.name == name
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def at(root: Path, path: Path, line: int, problem: str) -> str:
    """Return a problem as it is printed: `file:line: problem`."""
    return f"{path.relative_to(root)}:{line}: {problem}"


def line_of(content: str, word: str) -> int:
    """Return the first line, counted from 1, that has the word; 1 when none has."""
    return next((number for number, line in enumerate(content.splitlines(), 1) if word in line), 1)


def _tracked(root: Path) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return [root / name for name in done.stdout.split("\0") if name and (root / name).is_file()]


def _all(root: Path) -> list[Path]:
    return [
        path
        for path in root.rglob("*")
        if path.is_file()
        and not any(
            part.startswith(".") or part == "__pycache__" for part in path.relative_to(root).parts[:-1]
        )
    ]
