"""`coldframe up`: set up what is missing and serve until Ctrl-C."""

import argparse
from pathlib import Path

from coldframe.core.config import DEFAULT_PORT, DEFAULT_REGION, Settings, default_data_dir


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--data", type=Path, default=default_data_dir(), help="data directory (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port (default: %(default)s)")
    parser.add_argument("--tls-port", type=int, help="port for TLS (default: the port plus one)")
    parser.add_argument(
        "--region", default=DEFAULT_REGION, help="region of unsigned calls (default: %(default)s)"
    )
    parser.add_argument(
        "--store", default="", help="SQLAlchemy URL of a PostgreSQL store (default: SQLite in --data)"
    )
    parser.add_argument(
        "--prefilter", choices=["auto", "hyperscan", "re2"], default="auto", help="scanner engine"
    )
    parser.add_argument("--dev", action="store_true", help="accept any credentials; for test suites")


def run(chosen: argparse.Namespace) -> int:
    """Serve; returns 0 after Ctrl-C, 1 when the server cannot start."""
    from coldframe.server.run import serve

    return serve(
        Settings(
            data_dir=chosen.data.expanduser().absolute(),
            host=chosen.host,
            port=chosen.port,
            tls_port=chosen.tls_port
            if chosen.tls_port is not None
            else chosen.port + 1
            if chosen.port
            else 0,
            region=chosen.region,
            dev=chosen.dev,
            store_url=chosen.store,
            prefilter=chosen.prefilter,
        )
    )
