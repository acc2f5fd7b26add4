"""`coldframe keys pseudo-key`: the file by which a patched ssh names a key in the kernel; it holds nothing secret."""

import argparse
import sys
from pathlib import Path

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    chosen_key.key_option(parser)
    parser.add_argument("path", metavar="PATH", nargs="?", help="the file to write")
    parser.add_argument("--comment", default="", help="comment of the public key (default: none)")
    parser.add_argument(
        "--read",
        action="store_true",
        help="KEY is such a file: say what it names and whether that key is here",
    )


def run(chosen: argparse.Namespace) -> int:
    """Write the file, or read one; returns 1 when the key that it names is not here."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from coldframe import keys
    from coldframe.keys import pseudo_key

    if chosen.read:
        return _read(Path(chosen.key))
    if not chosen.path:
        print("coldframe: say where to write the file: coldframe keys pseudo-key KEY PATH", file=sys.stderr)
        return 2
    key = chosen_key.private_key(chosen.key)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    name = key.describe().description
    pseudo_key.save(keys.PseudoKey(name, public, chosen.comment), Path(chosen.path))
    print(
        f"{chosen.path}  names the key {name}; a patched ssh signs with it in the kernel (ssh -i {chosen.path})"
    )
    return 0


def _read(path: Path) -> int:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from coldframe import keys
    from coldframe.keys import pseudo_key

    named = pseudo_key.read(path.read_text(encoding="utf-8", errors="replace"))
    print(f"{named.public} {named.comment}".rstrip())
    try:
        key = chosen_key.private_key(named.description)
    except keys.KeyringError:
        print(
            f"coldframe: the key {named.description!r} that {path} names is not in the keyrings of this session: add it "
            f"(coldframe keys add FILE {named.description}), or go to the session that has it",
            file=sys.stderr,
        )
        return 1
    here = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    if here != named.public:
        print(
            f"coldframe: the kernel's key {named.description!r} is another one than {path} was written for",
            file=sys.stderr,
        )
        return 1
    print(f"{key.serial}  {named.description}: {key.protection.value}")
    return 0
