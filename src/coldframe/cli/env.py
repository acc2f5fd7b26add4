"""`coldframe env`: the export lines that point every AWS client of a shell at this server."""

import argparse
import shlex
from pathlib import Path

from coldframe.cli.data_option import data_option
from coldframe.server.files import NotSetUp, read_root, read_server


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser)
    parser.add_argument("--tls", action="store_true", help="use the TLS port and its certificate")


def run(chosen: argparse.Namespace) -> int:
    """Print the lines, for `eval "$(coldframe env)"`."""
    for name, value in variables(chosen.data, tls=chosen.tls).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def variables(data_dir: Path, *, tls: bool = False) -> dict[str, str]:
    """Return the environment of a client of the server on `data_dir`; raises NotSetUp.

    AWS_DISABLE_HOST_PREFIX_INJECTION keeps clients from putting `stream-` and the like before an address, which is
    no name that anything resolves. AWS_EC2_METADATA_DISABLED keeps a client without credentials from waiting for a
    machine's metadata service.
    """
    server, root = read_server(data_dir), read_root(data_dir)
    if tls and not server.tls_endpoint:
        # Without an address clients would go to AWS.
        raise NotSetUp(f"the server of {data_dir} has no port for TLS; start it with --tls-port")
    found = {
        "AWS_ENDPOINT_URL": server.tls_endpoint if tls else server.endpoint,
        "AWS_REGION": server.region,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if tls:
        found["AWS_CA_BUNDLE"] = server.certificate
        found["NODE_EXTRA_CA_CERTS"] = server.certificate
    return found
