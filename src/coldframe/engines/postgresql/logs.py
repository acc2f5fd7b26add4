"""The logs of an instance that its users may read: what the server says, and what checks of upgrades have said."""

import os
from collections.abc import Sequence

from coldframe.engines import log_lines
from coldframe.engines.database import DatabaseError, InstanceSpec, LogFile
from coldframe.engines.log_reading import Source
from coldframe.engines.postgresql import configuration, layout

# What upgrades say, beside what the server does.
_UPGRADE = "pg_upgrade"


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
    """The LogUpkeep of PostgreSQL."""

    def sources(self, spec: InstanceSpec, kind: str) -> Sequence[Source]:
        """Return where the log postgresql or upgrade is written; none for another kind."""
        if kind not in {"postgresql", "upgrade"}:
            return []
        if kind == "upgrade":
            form = log_lines.plain()
        else:
            said = configuration.logging(spec)
            form = log_lines.postgresql(said["log_line_prefix"], said["log_timezone"])
        try:
            with os.scandir(layout.logs(spec) / "error") as found:
                names = sorted(each.name for each in found)
        except FileNotFoundError:
            return []
        folder = layout.logs(spec) / "error"
        return [
            Source(folder / name, form) for name in names if name.startswith(_UPGRADE) == (kind == "upgrade")
        ]

    def rotate(self, spec: InstanceSpec, stamp: str) -> None:
        """Do nothing: the server itself begins a new file every hour."""
