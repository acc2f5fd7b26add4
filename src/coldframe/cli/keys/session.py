"""`coldframe keys session`: a shell with a session keyring of its own; what is in it ends with the shell."""

import argparse
import os

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "words", metavar="COMMAND", nargs=argparse.REMAINDER, help="what to run (default: $SHELL)"
    )


def run(chosen: argparse.Namespace) -> int:
    """Join a new session, link the user's keyring into it, and become the command."""
    from coldframe.core import process
    from coldframe.keys.rings import start_session

    start_session(chosen_key.service())
    words = chosen.words[1:] if chosen.words[:1] == ["--"] else chosen.words
    words = words or [os.environ.get("SHELL", "/bin/sh")]
    program = process.find(words[0])
    if program is None:
        raise process.ProgramMissing(f"{words[0]} is not on this machine")
    process.become([program, *words[1:]], environment=dict(os.environ))
