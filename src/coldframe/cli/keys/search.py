"""`coldframe keys search NAME`: the serial number of a key that this session can use."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", metavar="NAME", help="the key's name")
    parser.add_argument(
        "--type", choices=chosen_key.TYPES, default="asymmetric", help="its type (default: %(default)s)"
    )
    parser.add_argument("--keyring", metavar="KEYRING", help="look only in this one and those below it")


def run(chosen: argparse.Namespace) -> int:
    """Print serial, type, name and protection."""
    from coldframe import keys
    from coldframe.engines.keyring import KeyNotFound

    service = chosen_key.service()
    if chosen.keyring:
        serial = keys.named(chosen.keyring, service).search(chosen.type, chosen.name).serial
    else:
        try:
            serial = keys.found(chosen.name, chosen.type, service)
        except KeyNotFound as problem:
            raise chosen_key.named(problem, chosen.name) from problem
    key = keys.Key(serial, service)
    print(f"{serial}  {chosen.type}: {chosen.name}  {key.protection.value}")
    return 0
