"""One instance's processes: started in a mode, stopped, reloaded, restarted; nobody is asked what should be."""

import contextlib
import shutil
import signal
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from coldframe.core import process
from coldframe.engines.database import DatabaseError, InstanceSpec, Running, Version
from coldframe.engines.postgresql import configuration, layout, programs
from coldframe.engines.postgresql.admin import Connection
from coldframe.engines.postgresql.layout import Mode, State
from coldframe.engines.postgresql.waiting import until

# Recovery after a crash reads what was written since the last checkpoint (max_wal_size).
_START_SECONDS = 300.0
_STOP_SECONDS = 120.0
_QUIT_SECONDS = 5.0
_GRACE_SECONDS = 2.0
_KILL_SECONDS = 30.0
_ORPHAN_SECONDS = 30.0


class Cluster:
    """The server process of an instance and its children."""

    def __init__(self, spec: InstanceSpec, version: Version) -> None:
        self.spec = spec
        self._version = version

    def start(self, mode: Mode, extra: Mapping[str, str] | None = None) -> Running:
        """Start it in a mode and return when it accepts connections; raises DatabaseError with the end of its log.

        `extra` settings hold until the next start or reload.
        """
        spec = self.spec
        found = layout.running(spec)
        if found is None:
            layout.prepare(spec)
            known = layout.state(spec)
            configuration.write(spec, known, mode, extra or {})
            self._link_scratch()
            self._await_orphans()
            layout.output(spec).write_bytes(b"")
            words: list[str | Path] = [self._version.programs / "postgres", "-D", layout.data(spec)]
            pid = programs.start(
                words, folder=spec.folder, output=layout.output(spec), reaches=self._reaches(known)
            )
            known.pid, known.birth, known.wanted, known.mode = pid, process.birth(pid) or "", True, mode
            known.at = str(spec.folder)
            layout.remember(spec, known)
            found = Running(pid, layout.socket(spec))
        self._await(found)
        return found

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it and return when none of its processes runs any more; raises DatabaseError."""
        known = layout.state(self.spec)
        found = layout.running(self.spec, known)
        known.wanted = False
        layout.remember(self.spec, known)
        if found is None:
            self._kill()
            return
        # One that is stopped would hear of nothing but its end.
        if process.condition(found.pid) not in {"T", "t"}:
            process.send(found.pid, known.birth, signal.SIGQUIT if at_once else signal.SIGINT)
            patience = _QUIT_SECONDS if at_once else _STOP_SECONDS
            until(lambda: process.birth(found.pid) != known.birth, patience)
        # It first: it would start others in the place of its children.
        process.send(found.pid, known.birth, signal.SIGKILL)
        self._kill()

    def _kill(self) -> None:
        """End what is left of a server, whatever it does, and return when none of it runs any more; raises DatabaseError.

        The children of a killed server notice it by themselves, but for those that are stopped or wait for a disk, and they
        must not write under a successor.
        """
        data = layout.data(self.spec)
        grace = time.monotonic() + _GRACE_SECONDS

        def ended() -> bool:
            left = {each: process.condition(each) for each in _working_in(data, "postgres")}
            late = time.monotonic() > grace
            for each, how in left.items():
                # The others have a last word to log.
                if how in {"T", "t"} or late:
                    process.send(each, process.birth(each) or "", signal.SIGKILL)
            # One that was killed and is still there waits for a disk that does not answer, and will not run again.
            return all(how == "" or (late and how == "K") for how in left.values())

        if not until(ended, _KILL_SECONDS):
            left = _working_in(data, "postgres")
            raise DatabaseError(f"processes of {self.spec.name} do not end: {left}", "end them")

    def restart(self, mode: Mode) -> None:
        """Stop it and start it in another mode."""
        self.stop()
        self.start(mode)

    def reload(self, mode: Mode, connection: Connection) -> None:
        """Write the configuration of a mode and return when every new session has it."""
        spec = self.spec
        before = connection.value("SELECT pg_conf_load_time()")
        configuration.write(spec, layout.state(spec), mode)
        connection.query("SELECT pg_reload_conf()")
        layout.change(spec, lambda known: setattr(known, "mode", mode), durable=False)

        # The server process reads the settings, tells its children, and reads who is let in, before it takes the next
        # connection: when a child has been told, who comes from now on finds all of it.
        def told() -> bool:
            return connection.value("SELECT pg_conf_load_time()") != before

        if not until(told, 30, every=0.0005):
            raise DatabaseError("the database did not read its configuration again", tail(spec))

    def _await_orphans(self) -> None:
        """Return when no process of an earlier start is left that may still write: a killed server's children go by themselves.

        After that its lock files stand for nobody, whoever may have its process id by now: after a restart of the machine
        another program, before that a dead server whose end nobody has asked for.
        """
        data = layout.data(self.spec)
        socket = layout.socket(self.spec)
        locks = [
            lock
            for lock in (data / "postmaster.pid", socket.with_name(f"{socket.name}.lock"))
            if lock.exists()
        ]
        if not locks:
            return
        if not until(lambda: not _working_in(data), _ORPHAN_SECONDS):
            raise DatabaseError(
                f"processes of an earlier start of {self.spec.name} are still there: {_working_in(data)}",
                "end them",
            )
        for lock in locks:
            lock.unlink(missing_ok=True)

    def _await(self, found: Running) -> None:
        spec = self.spec
        born = process.birth(found.pid)
        said = layout.data(spec) / "postmaster.pid"

        def ready() -> bool:
            if process.birth(found.pid) != born or born is None:
                return True
            with contextlib.suppress(FileNotFoundError):
                lines = said.read_text(encoding="utf-8").splitlines()
                return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(found.pid)
            return False

        if not until(ready, _START_SECONDS):
            raise DatabaseError(f"{spec.name} did not start within {_START_SECONDS:g} s: {tail(spec)}")
        if born is None or process.birth(found.pid) != born:
            raise DatabaseError(
                f"{spec.name} did not start: {tail(spec)}", f"its log is in {layout.logs(spec)}"
            )

    def _reaches(self, known: State) -> Sequence[Path]:
        """Return the folders outside of its own that the instance needs."""
        found = [layout.socket_folder(known.source.folder)] if known.source is not None else []
        # A source that is deleted is waited for by nobody.
        found = [each for each in found if each.exists()]
        return [*found, *([self.spec.scratch] if self.spec.scratch is not None else [])]

    def _link_scratch(self) -> None:
        """Let temporary tables lie on the scratch storage, or in the data directory when there is none.

        Their tablespace is a folder in every data directory, the same in all copies; a link in its place leads to the
        scratch storage of this one. What was there is of no use after a start.
        """
        spec = self.spec
        for place in (layout.data(spec) / "pg_tblspc").iterdir():
            if place.is_symlink():
                place.unlink()
            elif spec.scratch is not None:
                shutil.rmtree(place)
            home = place
            if spec.scratch is not None:
                home = spec.scratch / f"{spec.name}-{spec.serial}"
                shutil.rmtree(home, ignore_errors=True)
                place.symlink_to(home)
            (home / self._catalog()).mkdir(parents=True, exist_ok=True, mode=0o700)
            programs.own(place, home)

    def _catalog(self) -> str:
        """Return the name that this version's files have in a tablespace."""
        control = (layout.data(self.spec) / "global" / "pg_control").read_bytes()
        # pg_control begins with an identifier of eight bytes and its own version; the catalog's version follows.
        return f"PG_{self._version.major}_{struct.unpack_from('=QII', control)[2]}"


def tail(spec: InstanceSpec, lines: int = 12) -> str:
    """Return the last lines of what went wrong: what was said before the log was open, or the errors of the log."""
    said = [line for line in _lines(layout.output(spec)) if "log output" not in line]
    if not said:
        files = sorted((layout.logs(spec) / "error").glob("*"), key=lambda file: file.stat().st_mtime)
        logged = [line for file in files[-1:] for line in _lines(file)][-50:]
        said = [
            line for line in logged if any(word in line for word in ("ERROR:", "FATAL:", "PANIC:"))
        ] or logged
    return "\n".join(said[-lines:])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _working_in(data: Path, program: str = "") -> list[int]:
    """Return the processes (of a program's name) whose folder is a data directory, which is so for all of PostgreSQL's."""
    found = []
    here = data.resolve()
    for process_folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process_folder / "cwd").readlink() != here:
                continue
            if not program or (process_folder / "comm").read_text(encoding="utf-8").strip() == program:
                found.append(int(process_folder.name))
    return found
