"""`coldframe keys`: private keys and secrets in the Linux kernel, one file a command."""

import argparse
import sys
from importlib import import_module

COMMANDS = {
    "add": "load a private key, or keep a secret, in the kernel",
    "show": "draw the keyrings, with the protection of each key",
    "search": "find a key by its name",
    "sign": "sign with a private key in the kernel",
    "verify": "check a signature",
    "decrypt": "decrypt with a private key in the kernel",
    "public": "print the public key of a key in the kernel",
    "remove": "destroy a key",
    "timeout": "let a key expire",
    "pseudo-key": "write or read the file by which ssh names a key in the kernel",
    "agent": "run an ssh-agent whose keys live in the kernel",
    "session": "start a shell, or a command, with a session keyring of its own",
    "doctor": "say what this kernel can do with keys, and what to do where it cannot",
}


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the commands, each with its own options."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in COMMANDS.items():
        module = _module(name)
        module.options(commands.add_parser(name, help=what, description=what.capitalize() + "."))


def run(chosen: argparse.Namespace) -> int:
    """Run the command that was chosen; returns 1, with a sentence on stderr, when the kernel or a file refuses."""
    from coldframe import keys
    from coldframe.keys.agent.door import SocketTaken
    from coldframe.keys.agent.running import NoSuchAgent

    try:
        return int(_module(chosen.command).run(chosen))
    except (
        keys.KeyringError,
        keys.KeyFileError,
        keys.KeyringNameUnknown,
        keys.NotAPseudoKey,
        keys.PaddingError,
        keys.PublicKeyUnknown,
        keys.UseNotAllowed,
        NoSuchAgent,
        SocketTaken,
        ChildProcessError,
    ) as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
    return 1


def _module(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a module
    return import_module(f"coldframe.cli.keys.{name.replace('-', '_')}")
