"""No file or folder has a name under which anything could be put."""

from pathlib import Path

from tools.structure import tree

FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}


def check(root: Path) -> list[str]:
    """Look at the name of every Python file and of every folder it lies in."""
    return [
        tree.at(root, path, 1, f"{part!r}: name it for what it holds")
        for path in tree.python(root)
        for part in path.relative_to(root).with_suffix("").parts
        if part.removeprefix("test_").strip("_") in FORBIDDEN
    ]
