"""`coldframe seal`: keep the master key under a passphrase, or in clear again."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from coldframe.cli.data_option import data_option

if TYPE_CHECKING:
    from coldframe.core.sealed_master import SealedMaster


_NOTHING = bytes(32)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser)
    parser.add_argument("--passphrase-file", type=Path, help="read the passphrase from a file, do not ask")
    parser.add_argument("--open", action="store_true", help="keep the master key in clear again")


def run(chosen: argparse.Namespace) -> int:
    """Seal or open the master key; returns 1 when it could not."""
    from coldframe.core import durable
    from coldframe.core.refusals import sentence
    from coldframe.core.seal import SealBroken, load_master_key
    from coldframe.core.sealed_master import NAME, open_master, read_sealed, seal_master, write_sealed

    plain, sealed = chosen.data / "master.key", chosen.data / NAME
    try:
        held = read_sealed(sealed)
        if chosen.open:
            if held is None:
                return _refuse(f"{sealed} is not there: the master key is not sealed")
            opened = open_master(held, _passphrase(chosen, again=False))
            if plain.exists() and load_master_key(plain) not in (opened, _NOTHING):
                return _refuse_another(plain)
            durable.write(plain, opened)
            sealed.unlink()
            durable.sync_folder(chosen.data)
            print(f"the master key is in clear again: {plain}")
            return 0
        if held is not None:
            return _sealed_before(chosen, plain, held)
        if not plain.exists():
            return _refuse(f"{chosen.data} is no data directory: it has no master.key")
        made = seal_master(load_master_key(plain), _passphrase(chosen, again=True))
        write_sealed(sealed, made)
        _erase(plain)
    except (SealBroken, OSError, ValueError) as problem:
        return _refuse(sentence(problem))
    print(f"the master key is sealed: {sealed}\nWithout its passphrase nothing in {chosen.data} can be read.")
    return 0


def _sealed_before(chosen: argparse.Namespace, plain: Path, held: "SealedMaster") -> int:
    """End what a crash left half done: the key in clear beside the sealed one."""
    from coldframe.core.seal import extracted, load_master_key
    from coldframe.core.sealed_master import check_of

    if not plain.exists():
        return _refuse(f"{chosen.data}: the master key is sealed already")
    left = load_master_key(plain)
    # An end between the two steps of erasing leaves the file without the key.
    if left != _NOTHING and check_of(extracted(left)) != held.check:
        return _refuse_another(plain)
    _erase(plain)
    print(f"the master key is sealed: {plain} was left over and is erased")
    return 0


def _passphrase(chosen: argparse.Namespace, *, again: bool) -> bytes:
    if chosen.passphrase_file is not None:
        found: bytes = chosen.passphrase_file.read_bytes().rstrip(b"\r\n")
    elif not sys.stdin.isatty():
        raise ValueError(
            "the passphrase is asked on a terminal, and this is none; give it by --passphrase-file"
        )
    else:
        found = getpass.getpass("Passphrase: ").encode()
        if again and getpass.getpass("The same again: ").encode() != found:
            raise ValueError("the two passphrases differ")
    if not found:
        raise ValueError("the passphrase is empty")
    return found


def _erase(path: Path) -> None:
    """Overwrite the key before its file goes, which is the best that a file system lets us do."""
    from coldframe.core.durable import sync_folder

    with path.open("r+b", buffering=0) as file:
        file.write(_NOTHING)
        os.fsync(file.fileno())
    path.unlink()
    sync_folder(path.parent)


def _refuse_another(plain: Path) -> int:
    return _refuse(f"{plain} is another key than the sealed one; take away the one that does not belong here")


def _refuse(problem: str) -> int:
    print(f"coldframe: {problem}", file=sys.stderr)
    return 1
