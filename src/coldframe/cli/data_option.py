"""The option `--data`: which data directory a command means."""

import argparse
from pathlib import Path

from coldframe.core.config import default_data_dir


def data_option(parser: argparse.ArgumentParser, text: str = "data directory (default: %(default)s)") -> None:
    """Declare the option."""
    parser.add_argument("--data", type=directory, default=default_data_dir(), metavar="DIR", help=text)


def directory(text: str) -> Path:
    """Return the directory that was typed; raises ArgumentTypeError for none, which would be the one we are in.

    That is what a script gives whose variable is not set, and a server would fill and lock up its working directory.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name of the data directory is empty")
    return Path(text).expanduser()
