"""The command `coldframe`: finds the file of the command that was typed and runs it."""

import argparse
import os
import select
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from coldframe import __version__
from coldframe.core.process import ProgramFailed, ProgramMissing
from coldframe.core.refusals import sentence
from coldframe.server.files import NotSetUp

COMMANDS = {
    "up": "set up what is missing and serve until Ctrl-C",
    "env": "print export lines for the endpoint, the region and a key pair",
    "aws": "run the AWS CLI against this server",
    "tour": "walk through the stories the project exists for",
    "doctor": "say which engines are here, and what each missing one costs",
    "engines": "install an engine's system packages",
    "keys": "keep private keys in the Linux kernel, and use them there",
    "seal": "keep the master key under a passphrase, or in clear again",
    "backup": "copy the data directory consistently, while the server runs or not",
}

# 128 and the number of SIGINT, of SIGPIPE.
_INTERRUPTED = 130
_UNREAD = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 2 for words that mean nothing, as argparse does, and as shells say it 130
    after Ctrl-C and 141 when whoever read the output has gone.
    """
    _keep_numbers_of_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            return _command(words)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it can still be said that nobody takes it
    except (NotSetUp, ProgramMissing, ProgramFailed) as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as problem:
        unread = isinstance(problem, BrokenPipeError) and _nobody_reads()
        _drop_what_is_left()
        if unread:
            return _UNREAD
        print(f"coldframe: {sentence(problem)}", file=sys.stderr)
        return 1


def _command(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        print(_overview())
        return 0
    if words[0] in {"-V", "--version"}:
        print(f"coldframe {__version__}")
        return 0
    name = words[0]
    if name not in COMMANDS:
        print(f"coldframe: there is no command {name!r}\n\n{_overview()}", file=sys.stderr)
        return 2
    return _run(import_module(f"coldframe.cli.{name}"), name, words[1:])


def _run(module: ModuleType, name: str, words: list[str]) -> int:
    if name == "aws":
        return int(module.run(words))
    parser = argparse.ArgumentParser(prog=f"coldframe {name}", description=COMMANDS[name].capitalize() + ".")
    module.options(parser)
    return int(module.run(parser.parse_args(words)))


def _keep_numbers_of_streams() -> None:
    """Open what the shell closed (`>&-`): the next file of the server would be number 1 or 2 and take what programs print."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _drop_what_is_left() -> None:
    """Let the end of the interpreter not stumble over output that nothing takes."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nobody_reads() -> bool:
    """Tell whether it was the output that broke, and not another pipe or socket of the command."""
    if sys.stdout is None:
        return False
    waiting = select.poll()
    waiting.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in waiting.poll(0))


def _overview() -> str:
    lines = ["coldframe: a self-hosted cloud that answers the AWS API and does the work.", "", "commands:"]
    width = max(map(len, COMMANDS))
    lines += [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join([*lines, "", "coldframe COMMAND --help says more."])
