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

from coldframe.core import process
from coldframe.engines import endpoint_control, endpoint_descriptors, endpoint_loop
from coldframe.engines.endpoint_channel import BACKLOG, accept
from coldframe.engines.endpoint_process import Boot
from coldframe.engines.mariadb.endpoint.channel import Channel
from coldframe.engines.mariadb.endpoint.gate import Gate
from coldframe.engines.mariadb.endpoint.login import Login


def main() -> None:
    """Run the endpoint that the input describes."""
    boot = msgspec.json.decode(sys.stdin.buffer.read(), type=Boot)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((boot.address, boot.port))
    except OSError as problem:
        sys.exit(f"nothing can listen at {boot.address}:{boot.port}: {problem.strerror}")
    listener.listen(BACKLOG)
    listener.setblocking(False)
    control = endpoint_control.bind(Path(boot.folder))
    context = None
    if boot.certificate and boot.key:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(boot.certificate, boot.key)
    endpoint_descriptors.raise_limit()
    _give_up(boot)
    endpoint_loop.run(_serve(boot, listener, control, context))


def _give_up(boot: Boot) -> None:
    if os.geteuid() == 0 and boot.user != 0:
        os.setgroups([])
        os.setresgid(boot.group, boot.group, boot.group)
        os.setresuid(boot.user, boot.user, boot.user)


async def _serve(
    boot: Boot, listener: socket.socket, control: socket.socket, context: ssl.SSLContext | None
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    gate = Gate([Path(target) for target in boot.targets], process.own_account().name, boot.reserved)
    login = Login(gate, context, Path(boot.sign_in) if boot.sign_in else None, require_tls=boot.require_tls)
    welcoming: set[asyncio.Task[None]] = set()

    def take(sock: socket.socket) -> None:
        task = loop.create_task(login.welcome(Channel(sock)))
        welcoming.add(task)
        task.add_done_callback(welcoming.discard)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    accept(listener, take)
    server = await endpoint_control.serve(control, gate, stop.set)
    await stop.wait()
    loop.remove_reader(listener.fileno())
    listener.close()
    server.close()
    await gate.cut()
    gate.databases.close()
    for task in welcoming:
        task.cancel()


if __name__ == "__main__":
    main()
