"""The process of an endpoint: listens, gives up its rights, and serves until it is told to stop.

It is told on its input where to listen (engines/endpoint_process.py: Boot). All that needs root, if it is root, is done
before the rights are given up: certificates are read, sockets bound, and every module imported, since the folder that
this code lies in may be closed to the user that it becomes.
"""

import asyncio
import concurrent.futures.thread  # noqa: F401  (imported now, while this code can still be read)
import encodings.idna  # noqa: F401
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import msgspec

from coldframe.engines import endpoint_control, endpoint_descriptors, endpoint_loop
from coldframe.engines.endpoint_channel import BACKLOG, accept
from coldframe.engines.endpoint_process import Boot
from coldframe.engines.postgresql.endpoint.gate import Gate
from coldframe.engines.postgresql.endpoint.login import ALPN, doors
from coldframe.engines.postgresql.endpoint.side import Side


def main() -> None:
    """Read what to do from the input and do it."""
    boot = msgspec.json.decode(sys.stdin.buffer.read(), type=Boot)
    context = None
    if boot.certificate and boot.key:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(boot.certificate, boot.key)
        context.set_alpn_protocols([ALPN])
    listener = socket.socket(socket.AF_INET6 if ":" in boot.address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((boot.address, boot.port))
    except OSError as problem:
        sys.exit(f"nothing can listen at {boot.address}:{boot.port}: {problem.strerror}")
    listener.listen(BACKLOG)
    listener.setblocking(False)
    control = endpoint_control.bind(Path(boot.folder))
    endpoint_descriptors.raise_limit()
    if os.geteuid() == 0 and boot.user != 0:
        os.setgroups([])
        os.setresgid(boot.group, boot.group, boot.group)
        os.setresuid(boot.user, boot.user, boot.user)
    os.umask(0o077)
    endpoint_loop.run(_serve(boot, context, listener, control))


async def _serve(
    boot: Boot, context: ssl.SSLContext | None, listener: socket.socket, control: socket.socket
) -> None:
    through = doors(
        context,
        require_tls=boot.require_tls,
        sign_in=Path(boot.sign_in) if boot.sign_in else None,
        end_point=bytes.fromhex(boot.end_point) if boot.end_point else None,
    )
    gate = Gate(through, [Path(target) for target in boot.targets])
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    accept(listener, lambda sock: gate.accept(Side(sock)))
    told = await endpoint_control.serve(control, gate, stopped.set)
    await stopped.wait()
    loop.remove_reader(listener.fileno())
    listener.close()
    told.close()
    await gate.cut()
    gate.databases.close()


if __name__ == "__main__":
    main()
