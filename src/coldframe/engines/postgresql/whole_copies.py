"""Whole copies of instances for a backup of everything: data, the log with the slots that keep it, and what is remembered."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import admin, base_copy, layout, programs
from coldframe.engines.postgresql.instances import Instances

# What was noted of the slots of a source before its followers were copied; gone when its own copy has them.
_SLOTS = "slots"
_OF_PROCESSES = {"s", _SLOTS, "start.log"}
_BEGIN = re.compile(r"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)")
_SEGMENT = re.compile(r"[0-9A-F]{24}")


class PostgreSQLWholeCopies:
    """The engine's whole copies."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    @contextlib.contextmanager
    def retain(self, spec: InstanceSpec, folder: Path) -> Iterator[None]:
        """Note where the slots of a running instance are, and keep what they kept then until the block ends.

        A follower that is copied later is further than its slot as it is noted, never behind it: nothing is skipped.
        """
        if layout.running(spec) is None:
            yield
            return
        with admin.connected(layout.socket(spec), timeout=3600) as connection:
            rows = connection.query(
                "SELECT slot_name, slot_type FROM pg_replication_slots WHERE NOT temporary AND restart_lsn IS NOT NULL"
                " AND (slot_type = 'physical' OR confirmed_flush_lsn IS NOT NULL) ORDER BY slot_name"
            )
            session = connection.value("SELECT pg_backend_pid()")
            for number, (name, kind) in enumerate(rows):
                # It is gone with this session, whatever becomes of us.
                same = f"coldframe_kept_{session}_{number}"
                connection.query(f"SELECT pg_copy_{kind}_replication_slot('{name}', '{same}', true)")
                noted = folder / _SLOTS / str(name)
                noted.mkdir(mode=0o700, parents=True)
                shutil.copyfile(layout.data(spec) / "pg_replslot" / str(name) / "state", noted / "state")
            yield

    def take(self, spec: InstanceSpec, folder: Path) -> None:
        """Copy an instance into an empty folder, running or stopped, so that it can be started there as it was."""
        running = layout.running(spec) is not None
        left = _OF_PROCESSES | ({"data"} if running else set())
        for path in sorted(spec.folder.iterdir()):
            if path.name not in left:
                programs.copy(path, folder / path.name)
        if running:
            slots = folder / _SLOTS
            slots.mkdir(mode=0o700, exist_ok=True)
            base_copy.take(spec, folder / "data", slots=slots)
        else:
            for data in folder.glob("data*"):
                for name in ("postmaster.pid", "postmaster.opts"):
                    (data / name).unlink(missing_ok=True)
                _without_links(data)
        shutil.rmtree(folder / _SLOTS, ignore_errors=True)
        known = layout.read_state(folder)
        # Its process is none of the copy's.
        known.pid, known.birth, known.at = 0, "", str(spec.folder)
        layout.write_state(folder, known, durable=True)

    def finish(self, spec: InstanceSpec, folder: Path) -> None:
        """Do nothing: the copy has the log that makes it consistent, which its first start replays."""

    def check(self, name: str, folder: Path) -> None:
        """Look whether a copy of a running instance has all of the log that it needs, without a gap; raises DatabaseError."""
        data = folder / "data"
        if (folder / _SLOTS).exists():
            raise DatabaseError(f"the copy of {name} was not finished")
        if not (data / "backup_label").exists():
            # As it lay: what a crash left is mended by its first start, as the instance's own would be.
            return
        begin = _BEGIN.search((data / "backup_label").read_text(encoding="utf-8"))
        segments = sorted(path.name for path in (data / "pg_wal").iterdir() if _SEGMENT.fullmatch(path.name))
        if begin is None or begin[1] not in segments:
            raise DatabaseError(f"the copy of {name} lacks the log that it begins with")
        needed = segments[segments.index(begin[1]) :]
        size = (data / "pg_wal" / needed[0]).stat().st_size
        for path in (data / "pg_wal" / segment for segment in needed):
            # Segments are as long as each other, and their length is a power of two.
            if path.stat().st_size != size or size & (size - 1):
                raise DatabaseError(f"{path.relative_to(folder)} of {name} is cut off")
        numbers = [_number(segment, size) for segment in needed if segment[:8] == begin[1][:8]]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise DatabaseError(f"the log of {name} has a gap in its copy")

    def adopt(self, spec: InstanceSpec) -> None:
        """Give the files of a copy that was brought here to the user that instances run as."""
        # Whoever follows it may be started first, and is let through to its socket.
        layout.prepare(spec)
        here = (layout.data(spec), layout.logs(spec) / "error")
        programs.own(*(path for path in here if path.exists()))


def _without_links(data: Path) -> None:
    """Put folders in the place of links to scratch storage, which is another instance's."""
    for place in (data / "pg_tblspc").glob("*"):
        if place.is_symlink():
            place.unlink()
            place.mkdir(mode=0o700)
            programs.own(place)


def _number(segment: str, size: int) -> int:
    """Return which segment of its timeline one is."""
    return int(segment[8:16], 16) * (2**32 // size) + int(segment[16:], 16)
