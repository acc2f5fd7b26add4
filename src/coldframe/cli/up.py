"""`coldframe up`: set up what is missing and serve until Ctrl-C."""

import argparse
import gc
from pathlib import Path

from coldframe.core.config import DEFAULT_PORT, DEFAULT_REGION, Settings, default_data_dir

MOST_PORTS = 65535


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--data", type=Path, default=default_data_dir(), help="data directory (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help="port (default: %(default)s)")
    parser.add_argument("--tls-port", type=port, help="port for TLS (default: the port plus one)")
    parser.add_argument(
        "--region", default=DEFAULT_REGION, help="region of unsigned calls (default: %(default)s)"
    )
    parser.add_argument(
        "--store", default="", help="SQLAlchemy URL of a PostgreSQL store (default: SQLite in --data)"
    )
    parser.add_argument(
        "--prefilter", choices=["auto", "hyperscan", "re2"], default="auto", help="scanner engine"
    )
    parser.add_argument(
        "--local-storage", type=Path, help="fast directory for temporary tables of `d` instance classes"
    )
    parser.add_argument(
        "--untorn-storage",
        action="store_true",
        help="trust storage that reports untorn page writes (Optimized Writes)",
    )
    parser.add_argument(
        "--deliver-to",
        action="append",
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
    # Of what is imported from here on nearly all stays: looking for garbage among it is time lost.
    gc.disable()
    from coldframe.console.app import Console
    from coldframe.server.run import serve

    return serve(
        Settings(
            data_dir=chosen.data.expanduser().absolute(),
            host=chosen.host,
            port=chosen.port,
            tls_port=_tls_port(chosen.port) if chosen.tls_port is None else chosen.tls_port,
            region=chosen.region,
            dev=chosen.dev,
            store_url=chosen.store,
            prefilter=chosen.prefilter,
            passphrase_file=chosen.passphrase_file,
            local_storage=chosen.local_storage.expanduser().absolute() if chosen.local_storage else None,
            untorn_storage=chosen.untorn_storage,
            deliver_to=tuple(each.lower() for each in chosen.deliver_to),
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


def _tls_port(plain: int) -> int:
    """Return the port after the plain one; any free one where that is free to choose too, or the last."""
    return plain + 1 if 0 < plain < MOST_PORTS else 0
