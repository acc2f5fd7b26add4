"""`coldframe keys sign KEY FILE`: a signature, made in the kernel."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="what to sign (default: the input)"
    )
    parser.add_argument(
        "--hash", default="sha256", help="sha224, sha256, sha384, sha512, sha3_256 ... (default: %(default)s)"
    )
    parser.add_argument("--padding", choices=("pkcs1", "pss"), default="pkcs1", help="default: %(default)s")
    parser.add_argument(
        "--output",
        default="",
        metavar="PATH",
        help="write the bytes there (- for the output) instead of base64",
    )


def run(chosen: argparse.Namespace) -> int:
    """Sign and print the signature."""
    from coldframe import keys

    key = chosen_key.private_key(chosen.key, keys.EVERYTHING)
    signature = key.sign(chosen_key.content(chosen.file), chosen.hash, scheme=chosen.padding)
    chosen_key.give(signature, chosen.output, text=True)
    return 0
