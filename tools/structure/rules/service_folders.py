"""A service folder has the shape that all of them have, and is in the visible list of server/services.py."""

import re
import tomllib
from pathlib import Path

from tools.structure import tree
from tools.structure.services import FOLDER, model_names

LIST = Path("src/coldframe/server/services.py")
NEEDED = ("__init__.py", "service.toml", "operations/__init__.py")
MANIFEST = Path("src/coldframe/core/service.py")
_NAMED = re.compile(r'"coldframe\.services\.(\w+)"')


def check(root: Path) -> list[str]:
    """Compare every folder with the shape, and the folders with the list, both ways."""
    folders = {
        path.parent.name: path.parent
        for path in tree.files(root)
        if path.parent.parent == root / FOLDER and path.name in {"__init__.py", "service.toml"}
    }
    listed = set(_NAMED.findall(tree.text(root / LIST)))
    problems = [problem for folder in folders.values() for problem in _folder(root, folder)]
    problems += [
        tree.at(root, root / LIST, 1, f"the service {name} has a folder but is not in SERVICES")
        for name in sorted(folders.keys() - listed)
    ]
    content = tree.text(root / LIST)
    for name in sorted(listed - folders.keys()):
        line = tree.line_of(content, f"services.{name}")
        problems.append(tree.at(root, root / LIST, line, f"SERVICES has {name}, which has no folder"))
    return problems


def _folder(root: Path, folder: Path) -> list[str]:
    problems = [
        tree.at(root, folder / name, 1, "every service folder has this file")
        for name in NEEDED
        if not (folder / name).is_file()
    ]
    for path in tree.files(root):
        if folder not in path.parents:
            continue
        if path.suffix not in {".py", ".toml", ".txt", ".lark", ".json"}:
            problems.append(tree.at(root, path, 1, "a service folder has code and data tables only"))
        inside = path.parent
        if inside != folder and path.suffix == ".py" and not (inside / "__init__.py").is_file():
            problems.append(tree.at(root, path, 1, "its folder has no __init__.py that says what it holds"))
    return problems + _manifest(root, folder / "service.toml")


def _manifest(root: Path, path: Path) -> list[str]:
    if not path.is_file():
        return []
    content = tree.text(path)
    try:
        manifest = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        return [tree.at(root, path, 1, f"this is no TOML: {error}")]
    problems = [
        tree.at(root, path, tree.line_of(content, key), f"a service.toml has no {key!r}")
        for key in sorted(manifest.keys() - tree.fields(root / MANIFEST, "Manifest").keys())
    ]
    if manifest.get("model") not in model_names():
        line = tree.line_of(content, "model")
        problems.append(tree.at(root, path, line, f"AWS has no service model {manifest.get('model')!r}"))
    return problems
