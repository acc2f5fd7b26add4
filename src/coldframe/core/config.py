"""What an operator may set: where the data lies, which ports, which store."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_PORT = 4566
DEFAULT_REGION = "us-east-1"


def default_data_dir() -> Path:
    """Return `$XDG_DATA_HOME/coldframe`, or the XDG default under the home folder."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(os.environ.get("COLDFRAME_DATA") or Path(base) / "coldframe")


def default_cache_dir() -> Path:
    """Return `$XDG_CACHE_HOME/coldframe`, or the XDG default under the home folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coldframe"


def address(scheme: str, host: str, port: int) -> str:
    """Return the URL of a port: `http://[::1]:4566` for an address of IPv6."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's settings; docs/settings.md says where each comes from."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls_port: int | None = None
    region: str = DEFAULT_REGION
    dev: bool = False
    store_url: str = ""
    prefilter: Literal["auto", "hyperscan", "re2"] = "auto"
    cache_dir: Path | None = None
    passphrase_file: Path | None = None
    local_storage: Path | None = None
    untorn_storage: bool = False
    deliver_to: tuple[str, ...] = ()
    mail_relay: str = ""

    @property
    def database_url(self) -> str:
        """Return the SQLAlchemy URL of the store: the embedded SQLite file unless another is set."""
        return self.store_url or f"sqlite:///{self.data_dir / 'coldframe.sqlite3'}"

    @property
    def cache(self) -> Path:
        """Return where things lie that can be made again, such as compiled pattern databases."""
        return self.cache_dir or default_cache_dir()

    @property
    def endpoint(self) -> str:
        """Return the address that clients use."""
        return address("http", self.host, self.port)
