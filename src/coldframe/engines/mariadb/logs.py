"""The logs of an instance that its users may read: error, slow queries, and all queries."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from coldframe.engines import log_lines
from coldframe.engines.database import DatabaseError, InstanceSpec, LogFile
from coldframe.engines.log_reading import Source, note, rename
from coldframe.engines.mariadb.client import Client
from coldframe.engines.mariadb.places import Place

# What upgrades say, beside what the server does.
_ADDED = "mariadb-upgrade.log"
_NOTED = "iam-db-auth-error"
_MOST = 16 * 1024 * 1024


def _paths(spec: InstanceSpec) -> dict[str, Path]:
    place = Place(spec)
    added = sorted(place.error_log.parent.glob(f"{_ADDED}*"))
    queries = (*rotated(place.general_log), *rotated(place.slow_log))
    paths = (place.error_log, *queries, *added)
    return {str(path.relative_to(place.logs)): path for path in paths}


def add(spec: InstanceSpec, name: str, text: str) -> None:
    """Add a log; the folder of error logs is ours."""
    path = Place(spec).logs / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def files(spec: InstanceSpec) -> Sequence[LogFile]:
    """Return the logs that there are, by name."""
    found = []
    for name, path in sorted(_paths(spec).items()):
        if path.is_file() and not path.is_symlink():
            about = path.stat()
            found.append(LogFile(name, about.st_size, about.st_mtime))
    return found


def read(spec: InstanceSpec, name: str, offset: int, length: int) -> bytes:
    """Return a piece of a log; raises DatabaseError when there is none of that name."""
    path = _paths(spec).get(name)
    try:
        # Not through a link: the database writes in that folder, and we may read more than it may.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW) if path else -1
    except OSError:
        descriptor = -1
    if descriptor < 0:
        known = ", ".join(log.name for log in files(spec)) or "none"
        raise DatabaseError(f"{spec.name} has no log {name}", f"there are: {known}")
    with os.fdopen(descriptor, "rb") as file:
        file.seek(offset)
        return file.read(min(length, _MOST))


class MariaDBLogs:
    """The LogUpkeep of MariaDB; `session` begins a session of the administrator."""

    def __init__(self, session: Callable[[InstanceSpec], AbstractContextManager[Client]]) -> None:
        self._session = session

    def sources(self, spec: InstanceSpec, kind: str) -> Sequence[Source]:
        """Return where the log error, general or slowquery is written; none for another kind."""
        place = Place(spec)
        paths = {"error": place.error_log, "general": place.general_log, "slowquery": place.slow_log}
        if kind == _NOTED:
            return [Source(path, log_lines.noted()) for path in rotated(_noted(place))]
        if kind not in paths:
            return []
        form = log_lines.mariadb(kind)
        found = [Source(path, form) for path in rotated(paths[kind])]
        if kind == "error":
            plain = log_lines.plain()
            found += [Source(path, plain) for path in sorted(place.error_log.parent.glob(f"{_ADDED}*"))]
        return found

    def note(self, spec: InstanceSpec, at: float, text: str) -> None:
        """Add a line to the log that is ours."""
        note(_noted(Place(spec)), at, text)

    def rotate(self, spec: InstanceSpec, stamp: str) -> None:
        """Begin new files for queries; the error log is the output of the process, and stays one."""
        place = Place(spec)
        begun = False
        rename(_noted(place), stamp)
        for path in (place.general_log, place.slow_log):
            begun |= rename(path, stamp)
        if begun:
            with self._session(spec) as client:
                client.query("FLUSH NO_WRITE_TO_BINLOG GENERAL LOGS, SLOW LOGS")


def _noted(place: Place) -> Path:
    return place.logs / _NOTED / f"{_NOTED}.log"


def rotated(path: Path) -> list[Path]:
    """Return a log and the files that it was before, by name."""
    return [path, *sorted(path.parent.glob(f"{path.name}.*"))]


def tail(path: Path, lines: int = 10) -> str:
    """Return the last lines of a log for an error's text."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "(it wrote no log)"
    return "\n".join(text.splitlines()[-lines:])
