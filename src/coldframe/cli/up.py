"""`coldframe up`: set up what is missing and serve until Ctrl-C."""

import argparse
import gc
import ipaddress
import re
import sys
from pathlib import Path

from coldframe.cli.data_option import data_option, directory
from coldframe.core.config import DEFAULT_PORT, DEFAULT_REGION, Settings

MOST_PORTS = 65535
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help="port (default: %(default)s)")
    parser.add_argument("--tls-port", type=port, help="port for TLS (default: the port plus one; 0: none)")
    parser.add_argument(
        "--region",
        type=region,
        default=DEFAULT_REGION,
        help="region of unsigned calls (default: %(default)s)",
    )
    parser.add_argument(
        "--store", default="", help="SQLAlchemy URL of a PostgreSQL store (default: SQLite in --data)"
    )
    parser.add_argument(
        "--prefilter", choices=["auto", "hyperscan", "re2"], default="auto", help="scanner engine"
    )
    parser.add_argument(
        "--local-storage",
        type=local_storage,
        metavar="DIR",
        help="fast directory for temporary tables of `d` instance classes",
    )
    parser.add_argument(
        "--untorn-storage",
        action="store_true",
        help="trust storage that reports untorn page writes (Optimized Writes)",
    )
    parser.add_argument(
        "--deliver-to",
        action="append",
        type=receiver,
        default=[],
        metavar="HOST",
        help="host or network that SNS may deliver to over HTTP, beside this machine; may be repeated",
    )
    parser.add_argument("--mail-relay", type=relay, metavar="HOST:PORT", help="SMTP relay for mail of SNS")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        help="passphrase of a sealed master key (default: ask on the terminal)",
    )
    parser.add_argument("--dev", action="store_true", help="accept any credentials; for test suites")


def run(chosen: argparse.Namespace) -> int:
    """Serve; returns 0 after Ctrl-C, 1 when the server cannot start."""
    tls_port = _tls_port(chosen.port) if chosen.tls_port is None else chosen.tls_port
    if tls_port == chosen.port != 0:
        print(f"coldframe: HTTP and TLS cannot both have port {tls_port}", file=sys.stderr)
        return 2
    # Of what is imported from here on nearly all stays: looking for garbage among it is time lost.
    gc.disable()
    from coldframe.console.app import Console
    from coldframe.server.run import serve

    return serve(
        Settings(
            data_dir=chosen.data.expanduser().absolute(),
            host=chosen.host,
            port=chosen.port,
            tls_port=tls_port,
            region=chosen.region,
            dev=chosen.dev,
            store_url=chosen.store,
            prefilter=chosen.prefilter,
            passphrase_file=chosen.passphrase_file,
            local_storage=chosen.local_storage,
            untorn_storage=chosen.untorn_storage,
            deliver_to=tuple(chosen.deliver_to),
            mail_relay=chosen.mail_relay or "",
        ),
        Console,
    )


def port(text: str) -> int:
    """Return the port that was typed; raises ArgumentTypeError unless it is a number from 0 to 65535."""
    if not text.isascii() or not text.isdigit() or int(text) > MOST_PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {MOST_PORTS}")
    return int(text)


def relay(text: str) -> str:
    """Return the relay that was typed; raises ArgumentTypeError unless it is a host and a port."""
    host, _, number = text.rpartition(":")
    if not host:
        raise argparse.ArgumentTypeError(f"{text!r} is no relay: HOST:PORT, such as 127.0.0.1:25")
    port(number)
    return text


def region(text: str) -> str:
    """Return the region that was typed; raises ArgumentTypeError for what no client could sign for."""
    if not _REGION.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no region: a name such as {DEFAULT_REGION}")
    return text


def local_storage(text: str) -> Path:
    """Return the directory that was typed; raises ArgumentTypeError unless it is there: a mount that is missing is seen now."""
    found = directory(text).absolute()
    if not found.is_dir():
        raise argparse.ArgumentTypeError(f"{found} is no directory; make it, or mount what is to be there")
    return found


def receiver(text: str) -> str:
    """Return the host or network that was typed; raises ArgumentTypeError for what is neither."""
    try:
        ipaddress.ip_network(text)
    except ValueError as problem:
        if "/" in text or not _HOST.fullmatch(text):
            raise argparse.ArgumentTypeError(
                f"{text!r} is no host and no network: hooks.example.org, 10.1.2.3 or 10.1.0.0/16 ({problem})"
            ) from problem
    return text.lower()


def _tls_port(plain: int) -> int:
    """Return the port after the plain one; 0, which is none, where that is free to choose, or the last."""
    return plain + 1 if 0 < plain < MOST_PORTS else 0
