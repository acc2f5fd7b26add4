"""The command `coldframe`: finds the file of the command that was typed and runs it."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from coldframe import __version__
from coldframe.core.process import ProgramFailed, ProgramMissing
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for words that mean nothing, as argparse does)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
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
    module = import_module(f"coldframe.cli.{name}")
    try:
        return _run(module, name, words[1:])
    except (NotSetUp, ProgramMissing, ProgramFailed) as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1


def _run(module: ModuleType, name: str, words: list[str]) -> int:
    if name == "aws":
        return int(module.run(words))
    parser = argparse.ArgumentParser(prog=f"coldframe {name}", description=COMMANDS[name].capitalize() + ".")
    module.options(parser)
    return int(module.run(parser.parse_args(words)))


def _overview() -> str:
    lines = ["coldframe: a self-hosted cloud that answers the AWS API and does the work.", "", "commands:"]
    width = max(map(len, COMMANDS))
    lines += [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join([*lines, "", "coldframe COMMAND --help says more."])
