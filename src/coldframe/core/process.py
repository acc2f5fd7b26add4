"""The only file that starts programs: without a shell, with a clean environment, never left behind."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

# Seconds that a program has to end by itself when it is asked to.
_PATIENCE = 5.0


class ProgramMissing(Exception):
    """A program that is needed is not on this machine."""


class ProgramFailed(Exception):
    """A program ended with an error; the text has its last lines."""


class Account(NamedTuple):
    """A user of the system under which a program runs."""

    name: str
    user: int
    group: int


def find(name: str, *folders: Path) -> Path | None:
    """Return where program `name` is, looking in `folders` before PATH; None when it is nowhere."""
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)]))
    return Path(found) if found else None


def run(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float = 60,
    check: bool = True,
    given: str | None = None,
    account: Account | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it printed; raises ProgramMissing or ProgramFailed.

    `given` is its input, and `account` the user it runs as.
    """
    try:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            env=dict(environment) if environment is not None else None,
            cwd=folder,
            timeout=timeout,
            check=False,
            text=True,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            **_as(account),
        )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{arguments[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{arguments[0]} took longer than {timeout:g} s") from error
    if check and done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-10:])
        raise ProgramFailed(f"{arguments[0]} ended with {done.returncode}: {tail}")
    return done


def converse(
    arguments: Sequence[str | Path],
    *,
    said: bytes = b"",
    environment: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
    timeout: float | None = 60,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program, say something on its input, and return what it answers, whatever its exit code.

    The open files of `descriptors` are open in the program too, under the same numbers. Raises ProgramMissing, or
    ProgramFailed when it takes longer than `timeout` seconds; the program is ended then.
    """
    try:
        return subprocess.run(
            [str(argument) for argument in arguments],
            input=said,
            env=dict(environment) if environment is not None else None,
            pass_fds=descriptors,
            timeout=timeout,
            check=False,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{arguments[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{arguments[0]} took longer than {timeout:g} s") from error


def talk(
    arguments: Sequence[str | Path], *, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start a program that the caller talks to line by line, and ends; raises ProgramMissing."""
    try:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{arguments[0]} is not on this machine") from error


def pipe(
    first: Sequence[str | Path],
    second: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    account: Account | None = None,
) -> None:
    """Run two programs, what the first prints being the input of the second; raises ProgramMissing or ProgramFailed."""
    variables = dict(environment) if environment is not None else None
    try:
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(
                subprocess.Popen(
                    [str(word) for word in first],
                    env=variables,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    **_as(account),
                )
            )
            done = subprocess.run(
                [str(word) for word in second],
                env=variables,
                cwd=folder,
                stdin=source.stdout,
                text=True,
                capture_output=True,
                check=False,
                **_as(account),
            )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{error.filename} is not on this machine") from error
    # The second ends first when it refuses its input, which then ends the first by a signal: its words say more.
    for program, code in ((second[0], done.returncode), (first[0], source.returncode)):
        if code != 0:
            tail = "\n".join(done.stderr.splitlines()[-10:])
            raise ProgramFailed(f"{program} ended with {code}: {tail}")


def start(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: Path,
    account: Account | None = None,
    given: bytes = b"",
) -> int:
    """Start a program that outlives this process, in a session of its own, and return its process id.

    What it prints is appended to `output`; `given` (at most 64 KiB) is its input. Its end is seen by `running`.
    Raises ProgramMissing.
    """
    reading, writing = os.pipe()
    try:
        os.write(writing, given)
        os.close(writing)
        with output.open("ab") as printed:
            started = subprocess.Popen(
                [str(argument) for argument in arguments],
                env=dict(environment),
                cwd=folder,
                stdin=reading,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **_as(account),
            )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{arguments[0]} is not on this machine") from error
    finally:
        os.close(reading)
    # It is not ours to wait for: without this the object would complain when it goes that its program still runs.
    started.returncode = 0
    return started.pid


def birth(pid: int) -> str | None:
    """Return what tells a process from every other that had or will have its id; None when it does not run."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    words = fields.split()
    if words[0] in {"Z", "X"}:
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return f"{boot} {words[19]}"


def send(pid: int, born: str, number: signal.Signals) -> bool:
    """Send a signal to the process of an id and a birth, never to another that has its id since; tells whether it was there."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # What the handle stands for does not change any more.
        if birth(pid) != born:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def condition(pid: int) -> str:
    """Return what a process does, as the system says it in one letter (R, S, D, T, Z ...), K when it was killed; "" when it is gone.

    One that was killed runs no more, but while it waits for a disk that does not answer it is still there.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    said = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    waiting = int(said.get("SigPnd", "0"), 16) | int(said.get("ShdPnd", "0"), 16)
    return "K" if waiting >> (signal.SIGKILL - 1) & 1 else said.get("State", "")[:1]


def account_of(name: str) -> Account | None:
    """Return a user of the system by name; None when there is none."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def own_account() -> Account:
    """Return the user that this process runs as."""
    found = pwd.getpwuid(os.geteuid())
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


@contextlib.contextmanager
def alongside(
    arguments: Sequence[str | Path], *, descriptors: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside this one while the block lasts, and end it then; its output, of both kinds, is a pipe.

    The open files of `descriptors` are open in the program too. Raises ProgramMissing.
    """
    try:
        started = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
        )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{arguments[0]} is not on this machine") from error
    with started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.terminate()
                try:
                    started.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    started.kill()


def run_attached(arguments: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> int:
    """Run a program on this terminal (its input and output are ours) and return its exit code."""
    try:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            env=dict(environment) if environment is not None else None,
            check=False,
        )
    except FileNotFoundError as error:
        raise ProgramMissing(f"{arguments[0]} is not on this machine") from error
    return done.returncode


def become(arguments: Sequence[str | Path], *, environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by a program, so that signals and the exit code are its own; raises ProgramMissing."""
    words = [str(argument) for argument in arguments]
    try:
        os.execve(words[0], words, dict(environment))
    except FileNotFoundError as error:
        raise ProgramMissing(f"{words[0]} is not on this machine") from error


def _as(account: Account | None) -> dict[str, Any]:
    if account is None or account.user == os.geteuid():
        return {}
    return {"user": account.user, "group": account.group, "extra_groups": []}
