"""`coldframe keys public KEY`: the public key, worked out from what the kernel's public operation answers."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)
    parser.add_argument(
        "--format", choices=("openssh", "pem"), default="openssh", help="default: %(default)s"
    )
    parser.add_argument(
        "--comment", default="", help="comment behind an OpenSSH key (default: the key's name)"
    )


def run(chosen: argparse.Namespace) -> int:
    """Print it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = chosen_key.private_key(chosen.key)
    public = key.public_key()
    if chosen.format == "pem":
        print(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), end="")
        return 0
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    print(f"{line} {chosen.comment or key.describe().description}")
    return 0
