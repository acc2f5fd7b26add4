"""The only file that starts programs: without a shell, with a clean environment, never left behind."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

# Seconds that a program has to end by itself when it is asked to.
_PATIENCE = 5.0


class ProgramMissing(Exception):
    """A program that is needed is not on this machine."""


class ProgramFailed(Exception):
    """A program ended with an error; the text has its last lines."""


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
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it printed; raises ProgramMissing or ProgramFailed."""
    try:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            env=dict(environment) if environment is not None else None,
            cwd=folder,
            timeout=timeout,
            check=False,
            text=True,
            capture_output=True,
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
