"""The MariaDB versions of this machine: the system's own, and roots that were unpacked beside it."""

import re
from collections.abc import Sequence
from pathlib import Path

from coldframe.core import process
from coldframe.engines.database import Version, VersionMissing

_NUMBER = re.compile(r"Ver (\d+)\.(\d+)\.(\d+)-MariaDB")
_SYSTEM = Path("/usr")


class Versions:
    """Finds versions below `roots` and in the system; looks once and again only for what it does not know."""

    def __init__(self, roots: Path) -> None:
        self._roots = roots
        self._known: dict[Path, Version] = {}

    def all(self) -> Sequence[Version]:
        """Return what is installed, oldest first."""
        found = [self._at(folder) for folder in (_SYSTEM, *sorted(self._roots.glob("mariadb-*")))]
        return sorted((version for version in found if version), key=lambda version: order(version.number))

    def get(self, wanted: str) -> Version:
        """Return the version of a full number or a major ("10.11"), the newest that fits; raises VersionMissing."""
        fitting = [version for version in self.all() if wanted in {version.number, version.major}]
        # The system's minor moves with its updates: an instance of that major goes on with what is there.
        major = ".".join(wanted.split(".")[:2])
        fitting = fitting or [version for version in self.all() if version.major == major]
        if not fitting:
            command = f"coldframe engines install mariadb-{major}"
            raise VersionMissing(f"MariaDB {wanted} is not on this machine", f"install it: {command}")
        return fitting[-1]

    def _at(self, folder: Path) -> Version | None:
        if folder not in self._known:
            server = program(folder, "mariadbd")
            said = process.run([server, "--no-defaults", "--version"], check=False).stdout if server else ""
            number = _NUMBER.search(said)
            if number is None:
                return None
            major = f"{number[1]}.{number[2]}"
            self._known[folder] = Version(f"{major}.{number[3]}", major, folder)
        return self._known[folder]


def order(number: str) -> tuple[int, ...]:
    """Return what version numbers are sorted by."""
    return tuple(int(part) for part in number.split("."))


def program(programs: Path, name: str) -> Path | None:
    """Return where a program of a version lies; None when it is not there."""
    for folder in ("run", "sbin", "bin"):
        found = programs / folder / name
        if found.exists():
            return found
    return None


def needed(version: Version, name: str) -> Path:
    """Return where a program of a version lies; raises VersionMissing, whose hint names what brings it."""
    found = program(version.programs, name)
    if found is None:
        raise VersionMissing(
            f"MariaDB {version.number} has no {name} on this machine",
            "install it: coldframe engines install mariadb",
        )
    return found


def share(version: Version) -> Path:
    """Return the folder of a version's messages, character sets and first tables, which newer ones have renamed."""
    root = _root(version)
    renamed = root / "share" / "mariadb"
    return renamed if renamed.is_dir() else root / "share" / "mysql"


def plugins(version: Version) -> Path:
    """Return the folder of a version's plugins (it need not exist)."""
    return _root(version) / "lib" / "mysql" / "plugin"


def _root(version: Version) -> Path:
    unpacked = version.programs / "usr"
    return unpacked if unpacked.is_dir() else version.programs
