"""A service's functions are operations of AWS's model, and every operation that is not built says why.

An operation without a function needs a remark in service.toml's `[remarks]`, under its own name or under a pattern
with `*` ("*ServerCertificate*"); the caller reads it in the 501. A remark for what is built, a pattern that covers
nothing, and a word that is no operation are errors, so that the table can be believed.
"""

import ast
from fnmatch import fnmatchcase
from pathlib import Path

from tools.structure import tree
from tools.structure.services import Service, services

_LISTS = ("reads", "quick", "unsigned")


def check(root: Path) -> list[str]:
    """Compare the functions, service.toml and the model of every service."""
    problems: list[str] = []
    for service in services(root):
        problems += _functions(root, service)
        problems += _names(root, service)
        problems += _remarks(root, service)
        problems += _calls(root, service)
    return problems


def _functions(root: Path, service: Service) -> list[str]:
    problems: list[str] = []
    seen: dict[str, str] = {}
    for handler in service.handlers():
        if handler.operation is None:
            text = f"{handler.function} is no operation of {service.manifest['model']}; begin its name with _"
            problems.append(tree.at(root, handler.path, handler.line, text))
        elif handler.operation in seen:
            text = f"{handler.function} is there twice; the other is in {seen[handler.operation]}"
            problems.append(tree.at(root, handler.path, handler.line, text))
        else:
            seen[handler.operation] = handler.path.name
    return problems


def _names(root: Path, service: Service) -> list[str]:
    permissions = service.manifest.get("permissions", {})
    named = [name for key in _LISTS for name in service.manifest.get(key, ())]
    named += [
        *permissions.get("none", ()),
        *permissions.get("actions", {}),
        *permissions.get("resources", {}),
    ]
    return [
        _said(root, service, name, f"AWS's model has no operation {name}")
        for name in sorted(set(named) - set(service.operations))
    ]


def _remarks(root: Path, service: Service) -> list[str]:
    built, remarks = service.built(), service.manifest.get("remarks", {})
    missing = [name for name in service.operations if name not in built]
    problems = []
    for name in remarks:
        if "*" in name:
            if not any(fnmatchcase(operation, name) for operation in missing):
                problems.append(
                    _said(root, service, name, f"the remark {name} covers nothing that is not built")
                )
        elif name in built:
            problems.append(_said(root, service, name, f"{name} is built: remove the remark that it is not"))
        elif name not in service.operations:
            problems.append(_said(root, service, name, f"AWS's model has no operation {name}"))
    silent = [name for name in missing if not service.remark(name)]
    if silent:
        text = f"[remarks] must say why these are not built: {', '.join(silent)}"
        problems.append(_said(root, service, "[remarks]", text))
    return problems


def _calls(root: Path, service: Service) -> list[str]:
    """`call.client("x")` wants x in service.toml's calls, so that who calls whom can be read in one place."""
    allowed = service.manifest.get("calls", [])
    problems = []
    for path in sorted(service.folder.rglob("*.py")):
        for node in ast.walk(tree.syntax(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "client"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and node.args[0].value not in allowed
            ):
                text = f"calls {node.args[0].value!r}, which service.toml's calls do not name"
                problems.append(tree.at(root, path, node.lineno, text))
    return problems


def _said(root: Path, service: Service, word: str, problem: str) -> str:
    path = service.manifest_path
    return tree.at(root, path, tree.line_of(tree.text(path), word), problem)
