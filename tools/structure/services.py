"""The services of a tree as their files describe them: folder, service.toml, the operations built and AWS's own."""

import ast
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.loaders import Loader

from tools.structure import tree

FOLDER = Path("src/coldframe/services")


@dataclass(frozen=True, slots=True)
class Handler:
    """A public function in a service's operations folder: its AWS operation, or None when AWS has none."""

    function: str
    operation: str | None
    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Service:
    """One service folder."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def manifest_path(self) -> Path:
        """Where its service.toml is."""
        return self.folder / "service.toml"

    @property
    def operations(self) -> tuple[str, ...]:
        """All operations that AWS's model has, sorted."""
        return model_operations(self.manifest["model"])

    @property
    def full_name(self) -> str:
        """AWS's name of the service."""
        return str(_model(self.manifest["model"])["metadata"]["serviceFullName"])

    def handlers(self) -> list[Handler]:
        """Return the public functions of operations/, by file and line; nothing is imported."""
        known = {xform_name(name): name for name in self.operations}
        return [
            Handler(node.name, known.get(node.name), path, node.lineno)
            for path in sorted((self.folder / "operations").glob("*.py"))
            for node in tree.syntax(path).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        ]

    def built(self) -> set[str]:
        """Return the operations that have a function."""
        return {handler.operation for handler in self.handlers() if handler.operation is not None}

    def remark(self, operation: str) -> str | None:
        """Return why an operation is not built: its own remark, else the first pattern's that covers it."""
        remarks: dict[str, str] = self.manifest.get("remarks", {})
        if operation in remarks:
            return remarks[operation]
        return next(
            (said for name, said in remarks.items() if "*" in name and fnmatchcase(operation, name)), None
        )


def services(root: Path) -> list[Service]:
    """Return the services whose service.toml can be read and names a model of AWS; other rules report the rest."""
    found = []
    for path in sorted((root / FOLDER).glob("*/service.toml")):
        try:
            manifest = tomllib.loads(tree.text(path))
        except tomllib.TOMLDecodeError:
            continue
        if manifest.get("model") in model_names():
            found.append(Service(path.parent, manifest))
    return found


@cache
def model_names() -> frozenset[str]:
    """Return the names of AWS's service models."""
    return frozenset(Loader().list_available_services("service-2"))


@cache
def model_operations(model: str) -> tuple[str, ...]:
    """Return the names of a model's operations, sorted."""
    return tuple(sorted(_model(model)["operations"]))


@cache
def _model(name: str) -> dict[str, Any]:
    return dict(Loader().load_service_model(name, "service-2"))
