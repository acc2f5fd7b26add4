"""`coldframe keys verify KEY SIGNATURE FILE`: is this signature the key's?"""

import argparse
import base64
import binascii
import sys

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)
    parser.add_argument("signature", metavar="SIGNATURE", help="file with the signature, in bytes or base64")
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="what was signed (default: the input)"
    )
    parser.add_argument("--hash", default="sha256", help="the hash that was used (default: %(default)s)")
    parser.add_argument("--padding", choices=("pkcs1", "pss"), default="pkcs1", help="default: %(default)s")


def run(chosen: argparse.Namespace) -> int:
    """Say whether it is; returns 1 when it is not."""
    key = chosen_key.private_key(chosen.key)
    signature = chosen_key.content(chosen.signature)
    if len(signature) != (key.bits + 7) // 8:
        try:
            signature = base64.b64decode(signature.strip(), validate=True)
        except binascii.Error:
            signature = b""
    if key.verify(chosen_key.content(chosen.file), signature, chosen.hash, scheme=chosen.padding):
        print("the signature is the key's")
        return 0
    print(
        "coldframe: the signature is not this key's, or not of this content, hash and padding",
        file=sys.stderr,
    )
    return 1
