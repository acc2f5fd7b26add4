"""`coldframe keys remove KEY`: the key is destroyed, in every keyring at once."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Destroy the key; an agent and programs that used it get errors from now on."""
    key = chosen_key.key(chosen.key, any_type=True)
    described = key.describe()
    key.invalidate()
    print(f"{key.serial}  {described.type}: {described.description} is destroyed")
    return 0
