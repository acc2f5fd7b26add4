"""Which key a command means, which kernel it speaks to, and the bytes that it reads and writes."""

import argparse
import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coldframe.engines.keyring import KeyNotFound
    from coldframe.keys import AsymmetricKey, Key, KeyService, Policy
    from coldframe.keys.loading import Converter

TYPES = ("asymmetric", "user", "logon", "keyring")


def service() -> "KeyService":
    """Return the key service that commands speak to: the kernel's."""
    from coldframe.keys import Kernel

    return Kernel()


def converter() -> "Converter":
    """Return what turns a file into a key of the kernel: a process of its own."""
    from coldframe.keys.loading import in_child

    return in_child


def key_option(parser: argparse.ArgumentParser) -> None:
    """Declare the key that is meant."""
    parser.add_argument("key", metavar="KEY", help="the key's name, or its serial number")


def key(name: str, *, any_type: bool = False) -> "Key":
    """Find a key by serial or name, asymmetric before other types; raises KeyNotFound."""
    from coldframe.engines.keyring import KeyNotFound
    from coldframe.keys import Key, found

    speaking = service()
    if name.isascii() and name.isdigit():
        try:
            speaking.describe(int(name))
        except KeyNotFound as error:
            raise named(error, name) from error
        return Key(int(name), speaking)
    problem: KeyNotFound | None = None
    for kind in TYPES if any_type else TYPES[:1]:
        try:
            return Key(found(name, kind, speaking), speaking)
        except KeyNotFound as error:
            problem = problem or error
    assert problem is not None
    raise named(problem, name) from problem


def named(problem: "KeyNotFound", name: str) -> "KeyNotFound":
    """Say which key it is that is not there."""
    return type(problem)(problem.errno, f"{problem.operation} {name!r}", problem.hint)


def private_key(name: str, policy: "Policy | None" = None) -> "AsymmetricKey":
    """Find an asymmetric key, to be used under a policy; raises KeyNotFound."""
    from coldframe.keys import AsymmetricKey

    chosen = key(name)
    return AsymmetricKey(chosen.serial, chosen.service, policy)


def content(name: str) -> bytes:
    """Read a file, or the input for `-`."""
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def give(data: bytes, output: str, *, text: bool) -> None:
    """Write bytes to a file, or to the output: as they are, or as base64 when the output is to be `text`."""
    if output and output != "-":
        Path(output).write_bytes(data)
    elif text and not output:
        print(base64.b64encode(data).decode())
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def duration(text: str) -> int:
    """Read a time such as 90, 90s, 15m, 8h, 7d, and return whole seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not (number.isascii() and number.isdigit()) or int(number) * units[unit] > 0x7FFFFFFF:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 90, 90s, 15m, 8h or 7d (0: no end)")
    return int(number) * units[unit]
