"""`coldframe doctor`: which engines are here, at which version, and what each missing one costs."""

import argparse
import sys
from pathlib import Path

from coldframe import __version__
from coldframe.cli.data_option import data_option
from coldframe.core.sealed_master import NAME
from coldframe.engines import encrypted_folders
from coldframe.engines.catalog import engines, probe
from coldframe.engines.keyring import Kernel
from coldframe.server import kernel_secret_keys
from coldframe.server.files import NotSetUp, read_server
from coldframe.server.kernel_private_keys import private_keys
from coldframe.server.master_key import RUNGS, SENTENCES, rung_of

_WHERE = {
    "kernel": "kernel",
    "process": "server's process (the kernel has no parser for private keys: modprobe pkcs8_key_parser)",
}


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Print what is here; returns 1 when an engine is missing that something built needs."""
    print(f"coldframe {__version__}, Python {sys.version.split()[0]}")
    try:
        print(f"data      {chosen.data} (server: {read_server(chosen.data).endpoint})")
    except NotSetUp:
        print(f"data      {chosen.data} (no server has run with it yet)")
    print(f"master    {_master(chosen.data)}")
    print(f"secrets   {_secrets()}")
    where = private_keys().where
    print(f"kms       RSA keys are used in the {_WHERE[where]}; all other keys in the server's process")
    print(f"databases {_encryption(chosen.data)}")
    missing = 0
    for engine in engines():
        found = probe(engine)
        if found.version is not None:
            print(f"ok        {engine.title} {found.version}: {engine.does}")
            continue
        print(f"missing   {engine.title}: {engine.without}")
        if engine.packages:
            print(f"          install it: coldframe engines install {engine.name}")
        missing += not engine.tests
    return 1 if missing else 0


def _encryption(data_dir: Path) -> str:
    """Say whether databases can have encrypted storage here, and what to do where they cannot."""
    # Where it will be, while nothing is there.
    folder = next(each for each in (data_dir / "databases", data_dir, *data_dir.parents) if each.exists())
    found = encrypted_folders.obstacle(folder)
    if found is None:
        return "encrypted storage (StorageEncrypted): by the kernel, in folders of this file system"
    return f"no encrypted storage (StorageEncrypted): {found}\n          {found.hint}"


def _secrets() -> str:
    """Say where the secrets of access keys would live here, how many do, and whether more can."""
    rung = rung_of()
    told = f"{rung}: {kernel_secret_keys.SENTENCES[rung]}"
    if rung not in RUNGS:
        return told
    held, scarce = kernel_secret_keys.occupancy(Kernel())
    return f"{told}\n          {held} there now" + (f"; {scarce}" if scarce else "")


def _master(data_dir: Path) -> str:
    """Say where the master key would live here, and whether it lies sealed."""
    rung = rung_of()
    if (data_dir / NAME).exists():
        at_rest = "sealed"
    elif (data_dir / "master.key").exists():
        at_rest = "in clear; coldframe seal keeps it under a passphrase"
    else:
        at_rest = "nowhere yet; the first coldframe up makes it"
    return f"{rung}: {SENTENCES[rung]}\n          at rest {at_rest}"
