"""`coldframe keys timeout KEY TIME`: the kernel destroys the key when the time is over."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)
    parser.add_argument(
        "time", type=chosen_key.duration, metavar="TIME", help="90, 15m, 8h, 7d; 0 takes the timeout away"
    )


def run(chosen: argparse.Namespace) -> int:
    """Set the time, counted from now."""
    key = chosen_key.key(chosen.key, any_type=True)
    key.expire_in(chosen.time)
    print(f"{key.serial}  {f'expires in {chosen.time} s' if chosen.time else 'does not expire'}")
    return 0
