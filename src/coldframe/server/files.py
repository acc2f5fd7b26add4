"""What a server leaves in its data directory for the command line: its address and the root key pair."""

from pathlib import Path
from typing import TypeVar

import msgspec

from coldframe.core import durable
from coldframe.core.struct_types import whole

SERVER = "server.json"
"""Written by every server that is ready, so that it tells that one has served here."""

_File = TypeVar("_File")


class NotSetUp(Exception):
    """There is no server's data where it was looked for."""


class ServerFile(msgspec.Struct, frozen=True):
    """`server.json`: how to reach the server whose data directory this is."""

    endpoint: str
    tls_endpoint: str
    certificate: str
    region: str
    dev: bool
    pid: int


class RootCredentials(msgspec.Struct, frozen=True):
    """`root-credentials.json`: the management account's root key pair, readable by its owner alone."""

    account: str
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        """Show which key it is, never the secret."""
        return f"RootCredentials({self.account}, {self.access_key_id})"


def read_server(data_dir: Path) -> ServerFile:
    """Return the address of the server that last used a data directory; raises NotSetUp."""
    return _read(data_dir, SERVER, ServerFile)


def read_root(data_dir: Path) -> RootCredentials:
    """Return the root key pair of a data directory; raises NotSetUp."""
    return _read(data_dir, "root-credentials.json", RootCredentials)


def write(data_dir: Path, content: ServerFile | RootCredentials) -> None:
    """Write one of the files durably and readable by its owner alone."""
    name = SERVER if isinstance(content, ServerFile) else "root-credentials.json"
    durable.write(data_dir / name, msgspec.json.format(msgspec.json.encode(content), indent=2))


def _read(data_dir: Path, name: str, kind: type[_File]) -> _File:
    try:
        return msgspec.json.decode((data_dir / name).read_bytes(), type=whole(kind))
    except FileNotFoundError as error:
        raise NotSetUp(
            f"no server has run with the data directory {data_dir}; start one: coldframe up"
        ) from error
    except msgspec.MsgspecError as error:
        # What the decoder says may quote the file, which can hold the root key pair.
        again = "start the server again" if kind is ServerFile else "restore it from a backup"
        raise NotSetUp(f"{data_dir / name} is damaged; {again}") from error
