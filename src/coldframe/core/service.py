"""A service: its AWS model, its service.toml, and the functions in its operations folder."""

import inspect
import pkgutil
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module, resources
from types import ModuleType
from typing import Any

import msgspec
from botocore import xform_name
from botocore.model import ServiceModel

from coldframe.core import models
from coldframe.core.records import Record
from coldframe.core.struct_types import whole

Handler = Callable[..., Any]

_READING = ("Describe", "Get", "List", "Filter", "Head", "Test", "Lookup", "Search", "Simulate", "BatchGet")


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a service words the errors that every service has: the code for invalid input and for a denial."""

    validation: str | None = None
    denied: str | None = None


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which action and resources an operation needs: ARN templates over the request's members."""

    prefix: str | None = None
    actions: dict[str, str] = {}
    resources: dict[str, str | list[str]] = {}
    none: list[str] = []


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What service.toml says.

    `unsigned` operations are open to everybody; a service that is `anonymous` lets unsigned calls through to its
    policies, which decide.
    """

    model: str
    scope: str = "region"
    engines: list[str] = []
    calls: list[str] = []
    offers: list[str] = []
    reads: list[str] = []
    quick: list[str] = []
    unsigned: list[str] = []
    anonymous: bool = False
    remarks: dict[str, str] = {}
    faults: Faults = Faults()
    permissions: Permissions = Permissions()


class ServiceBroken(Exception):
    """A service folder contradicts AWS's model: the text names the file and the word."""


class Service:
    """One AWS service as this installation serves it; `package` is the dotted name of its folder."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.name = package.rpartition(".")[2]
        text = resources.files(package).joinpath("service.toml").read_text(encoding="utf-8")
        self._modules: dict[str, ModuleType | None] = {}
        self.manifest = msgspec.toml.decode(text, type=whole(Manifest))

    @cached_property
    def model(self) -> ServiceModel:
        """The AWS model of the service."""
        return models.load(self.manifest.model)

    @cached_property
    def namespace(self) -> str:
        """What actions of policies and ARNs call the service."""
        return self.manifest.permissions.prefix or self.model.signing_name

    @cached_property
    def records(self) -> list[type[Record]]:
        """The record types that the service keeps."""
        module = self.module("records")
        if module is None:
            return []
        return [
            item
            for item in vars(module).values()
            if isinstance(item, type)
            and issubclass(item, Record)
            and item.__module__.startswith(self.package)
        ]

    @cached_property
    def handlers(self) -> dict[str, Handler]:
        """Operation name to function; raises ServiceBroken for a public function that is no operation."""
        operations = {xform_name(name): name for name in self.model.operation_names}
        found: dict[str, Handler] = {}
        package = import_module(f"{self.package}.operations")
        for info in pkgutil.iter_modules(package.__path__):
            module = import_module(f"{package.__name__}.{info.name}")
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if name.startswith("_") or function.__module__ != module.__name__:
                    continue
                if name not in operations:
                    raise ServiceBroken(f"{module.__name__}.{name} is no operation of {self.manifest.model}")
                if operations[name] in found:
                    raise ServiceBroken(f"{module.__name__}.{name} is there twice")
                found[operations[name]] = function
        return found

    def module(self, name: str) -> ModuleType | None:
        """Return the module `name` of the folder, or None when the folder has no such file."""
        if name not in self._modules:
            self._modules[name] = import_module(f"{self.package}.{name}") if name in self._files else None
        return self._modules[name]

    def remark(self, operation: str) -> str:
        """Return what service.toml says of an operation that is not built: under its name, else a pattern with `*`."""
        remarks = self.manifest.remarks
        return remarks.get(operation) or next(
            (said for name, said in remarks.items() if "*" in name and fnmatchcase(operation, name)), ""
        )

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(info.name for info in pkgutil.iter_modules(import_module(self.package).__path__))

    def only_reads(self, operation: str) -> bool:
        """Tell whether `operation` never writes records, so that it needs no place among the writers."""
        return operation in self.manifest.reads or operation.startswith(_READING)
