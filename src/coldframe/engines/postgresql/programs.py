"""Which PostgreSQL programs are on this machine, and how they run: as an unprivileged user, in a session of their own."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from coldframe.core import process
from coldframe.engines.accounts import NoAccount, let_through, service_account
from coldframe.engines.database import DatabaseError, Version, VersionMissing

SYSTEM = Path("/usr/lib/postgresql")

# Debian's packages keep their own places below the folder they are unpacked in.
_UNPACKED = "postgresql-*/usr/lib/postgresql/*/bin"

_NUMBER = re.compile(r"(\d+)\.(\d+)")


class Versions:
    """Finds versions in the system and below `roots`, where others are unpacked; asks each program once."""

    def __init__(self, roots: Path) -> None:
        self._roots = roots
        self._known: dict[Path, Version] = {}

    def all(self) -> list[Version]:
        """Return what is installed, oldest first."""
        unpacked = (*self._roots.glob("postgresql-*/native/bin"), *self._roots.glob(_UNPACKED))
        folders = [*unpacked, *SYSTEM.glob("*/bin")]
        found = [self._at(folder) for folder in sorted(folders) if os.access(folder / "postgres", os.X_OK)]
        return sorted(found, key=lambda version: [int(part) for part in version.number.split(".")])

    def get(self, wanted: str) -> Version:
        """Return the version of a full number or a major, the newest that fits; raises VersionMissing."""
        known = self.all()
        major = wanted.partition(".")[0]
        fitting = [version for version in known if wanted in {version.number, version.major}]
        # The system's minor moves with its updates: an instance of that major goes on with what is there.
        fitting = fitting or [version for version in known if version.major == major]
        if not fitting:
            here = ", ".join(version.number for version in known) or "none"
            raise VersionMissing(
                f"PostgreSQL {wanted} is not on this machine; here: {here}",
                f"install it: coldframe engines install postgresql-{major}",
            )
        return fitting[-1]

    def _at(self, folder: Path) -> Version:
        if folder not in self._known:
            said = process.run([folder / "postgres", "--version"]).stdout
            match = _NUMBER.search(said)
            if match is None:
                raise DatabaseError(f"{folder / 'postgres'} does not say its version")
            self._known[folder] = Version(match[0], match[1], folder)
        return self._known[folder]


def client(name: str) -> tuple[Path, int]:
    """Return the newest of a client program (pg_dump, psql) and its major version; raises DatabaseError."""
    found = [
        (folder / name, int(folder.parent.name))
        for folder in SYSTEM.glob("*/bin")
        if (folder / name).exists()
    ]
    if not found:
        raise DatabaseError(f"{name} is not on this machine", "run: coldframe engines install postgresql")
    return max(found, key=lambda each: each[1])


def account() -> process.Account:
    """Return the user that instances run as; raises DatabaseError when root cannot make it."""
    try:
        return service_account()
    except NoAccount as problem:
        raise DatabaseError(
            "PostgreSQL does not run as root, and there is no other user", str(problem)
        ) from problem


def run(arguments: Sequence[str | Path], *, folder: Path, timeout: float = 120) -> str:
    """Run a program to its end in `folder` as the unprivileged user and return what it printed; raises DatabaseError."""
    who = let_in(arguments, folder)
    try:
        return process.run(
            arguments, folder=folder, environment=ENVIRONMENT, account=who, timeout=timeout
        ).stdout
    except (process.ProgramFailed, process.ProgramMissing) as problem:
        raise DatabaseError(str(problem)) from problem


def start(
    arguments: Sequence[str | Path], *, folder: Path, output: Path, reaches: Sequence[Path] = ()
) -> int:
    """Start a program that outlives us, in `folder`, and return its process id; raises DatabaseError.

    It may pass the folders that lead to those that it `reaches`.
    """
    who = let_in(arguments, folder, *reaches)
    try:
        return process.start(arguments, environment=ENVIRONMENT, folder=folder, output=output, account=who)
    except process.ProgramMissing as problem:
        raise DatabaseError(str(problem)) from problem


def copy(folder: Path, target: Path) -> None:
    """Copy a folder with everything in it, sharing blocks where the file system can; raises DatabaseError."""
    try:
        process.run(["cp", "-a", "--reflink=auto", folder, target], timeout=3600)
    except (process.ProgramFailed, process.ProgramMissing) as problem:
        raise DatabaseError(
            f"the files could not be copied: {problem}", "see that there is space on the disk"
        ) from problem


def own(*paths: Path) -> None:
    """Give files and folders, and what is in them, to the unprivileged user."""
    who = account()
    if who.user == os.geteuid():
        return
    for path in paths:
        os.chown(path, who.user, who.group, follow_symlinks=False)
        if path.is_dir() and not path.is_symlink():
            for folder, folders, files in os.walk(path):
                for name in (*folders, *files):
                    os.chown(Path(folder) / name, who.user, who.group, follow_symlinks=False)


def let_in(arguments: Sequence[str | Path], *folders: Path) -> process.Account:
    """Let the unprivileged user pass the folders that lead to a program and to those that it works in; returns it."""
    who = account()
    for folder in (Path(arguments[0]).parent, *folders):
        let_through(who, folder)
    return who


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
