"""`coldframe keys decrypt KEY FILE`: a message that was encrypted with the public key."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="the encrypted message (default: the input)"
    )
    parser.add_argument("--padding", choices=("oaep", "pkcs1"), default="oaep", help="default: %(default)s")
    parser.add_argument(
        "--hash", default="sha256", help="OAEP's hash (default: %(default)s; openssl's is sha1)"
    )
    parser.add_argument(
        "--output", default="-", metavar="PATH", help="where the message goes (default: the output)"
    )


def run(chosen: argparse.Namespace) -> int:
    """Decrypt."""
    from coldframe import keys

    key = chosen_key.private_key(chosen.key, keys.EVERYTHING)
    message = key.decrypt(chosen_key.content(chosen.file), scheme=chosen.padding, hash_name=chosen.hash)
    chosen_key.give(message, chosen.output, text=False)
    return 0
