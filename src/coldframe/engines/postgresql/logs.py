"""The logs of an instance that its users may read: what the server says, and what checks of upgrades have said."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from coldframe.engines import log_lines
from coldframe.engines.database import DatabaseError, InstanceSpec, LogFile
from coldframe.engines.log_lines import Form
from coldframe.engines.log_reading import Source, note, rename
from coldframe.engines.postgresql import configuration, layout

# What upgrades say, beside what the server does.
_UPGRADE = "pg_upgrade"
_NOTED = "iam-db-auth-error"
# Two changes of a folder within a tick of the kernel's clock have one time (nanoseconds).
_SETTLED = 10**9


def files(spec: InstanceSpec) -> Sequence[LogFile]:
    """Return the logs that there are, by name."""
    root = layout.logs(spec)
    found = [(file.relative_to(root), file.stat()) for file in root.rglob("*") if file.is_file()]
    return [LogFile(str(name), about.st_size, about.st_mtime) for name, about in sorted(found)]


def add(spec: InstanceSpec, name: str, text: str) -> None:
    """Add a log of our own."""
    # The folder is the instance's, which must not lead us elsewhere.
    path = layout.logs(spec) / name
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o640), "w", encoding="utf-8") as file:
        file.write(text)


def read(spec: InstanceSpec, name: str, offset: int, length: int) -> bytes:
    """Return a piece of a log; raises DatabaseError when there is none of that name."""
    if name not in {known.name for known in files(spec)}:
        raise DatabaseError(f"{spec.name} has no log {name!r}", "see which there are in log_files")
    with (layout.logs(spec) / name).open("rb") as file:
        file.seek(offset)
        return file.read(length)


class PostgreSQLLogs:
    """The LogUpkeep of PostgreSQL; it reads a folder again when that has changed."""

    def __init__(self) -> None:
        self._found: dict[tuple[Path, str], tuple[int, Form, list[Source]]] = {}

    def sources(self, spec: InstanceSpec, kind: str) -> Sequence[Source]:
        """Return where the log postgresql or upgrade is written; none for another kind."""
        if kind == _NOTED:
            path = _noted(spec)
            return [Source(each, log_lines.noted()) for each in (path, *path.parent.glob(f"{path.name}.*"))]
        if kind not in {"postgresql", "upgrade"}:
            return []
        if kind == "upgrade":
            form = log_lines.plain()
        else:
            said = configuration.logging(spec)
            form = log_lines.postgresql(said["log_line_prefix"], said["log_timezone"])
        folder = layout.logs(spec) / "error"
        try:
            changed = folder.lstat().st_mtime_ns
            known = self._found.get((folder, kind))
            if known is not None and known[:2] == (changed, form):
                return known[2]
            names = sorted(path.name for path in folder.iterdir())
        except FileNotFoundError:
            self._found.pop((folder, kind), None)
            return []
        found = [
            Source(folder / name, form) for name in names if name.startswith(_UPGRADE) == (kind == "upgrade")
        ]
        if time.time_ns() - changed > _SETTLED:
            self._found[folder, kind] = (changed, form, found)
        return found

    def note(self, spec: InstanceSpec, at: float, text: str) -> None:
        """Add a line to the log that is ours."""
        note(_noted(spec), at, text)

    def rotate(self, spec: InstanceSpec, stamp: str) -> None:
        """Begin a new file of the log that is ours; the server itself does so with its own every hour."""
        rename(_noted(spec), stamp)


def _noted(spec: InstanceSpec) -> Path:
    return layout.logs(spec) / _NOTED / f"{_NOTED}.log"
