"""The listener: one process serves an application over HTTP/1.1, HTTP/2 and h2c, plain and TLS.

HTTP/1.1 without TLS, which nearly every call is, has threads of its own (http1/front.py); granian serves the rest.
"""

import asyncio
import contextlib
import errno
import resource
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from coldframe.server.body_room import BodyRoom
from coldframe.server.certificate import ServerCertificate
from coldframe.server.exchange import Exchange
from coldframe.server.handler_threads import HandlerThreads
from coldframe.server.http1.front import Bounds, Front
from coldframe.server.http2_door import Http2Door
from coldframe.server.served import BODIES_BYTES, Application

# AWS takes 8 to 16 KiB of headers; session tokens make them long, so there is room to spare. HTTP/1 counts at most
# 100 header lines (fixed in hyper), which answers 431. It is also the most that is read of a body at once: a large
# upload costs half the time in pieces of this size as in pieces of 64 KiB.
_HEADER_BYTES: Final = 256 * 1024
_STREAM_THREADS: Final = 256
_BACKLOG: Final = 1024
_FEWEST_CONNECTIONS: Final = 128
_MOST_CONNECTIONS: Final = 4096
_START_SECONDS: Final = 10.0
_THREADS_END_SECONDS: Final = 1.0


class PortInUse(Exception):
    """Another program listens on the port; the message names it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many handlers run at once, and how long the listener is patient, in seconds."""

    threads: int = 32
    stall_seconds: float = 60.0
    stop_seconds: float = 5.0


async def serve(
    app: Application,
    *,
    host: str = "127.0.0.1",
    ports: tuple[int, int | None],
    certificate: ServerCertificate | None,
    on_ready: Callable[[int, int | None], None],
    stop: asyncio.Event,
    limits: Limits | None = None,
) -> None:
    """Serve until `stop` is set; then running requests have `stop_seconds` to end.

    `ports` are the plain and the TLS port (None: no TLS; 0: any free one); `on_ready` gets the ports listened on.
    Raises PortInUse before anything is served.
    """
    limits = limits or Limits()
    loop = asyncio.get_running_loop()
    before = _native_threads()
    handlers = HandlerThreads(loop, most=limits.threads, name="handler")
    streams = HandlerThreads(loop, most=_STREAM_THREADS, name="stream")
    room = BodyRoom(BODIES_BYTES)
    exchange = Exchange(app, handlers, streams, room, stall_seconds=limits.stall_seconds)
    sweeper = asyncio.create_task(exchange.cut_stalled_readers())
    try:
        async with contextlib.AsyncExitStack() as listening:
            servers: list[asyncio.Task[None]] = []

            async def listen(host: str, port: int, certificate: ServerCertificate | None) -> int:
                with contextlib.ExitStack() as claims:
                    bound = _claim(host, port, claims, shared=True).getsockname()[1]
                    server = _listening(exchange, limits, host, bound, certificate)
                    servers.append(await listening.enter_async_context(server))
                return int(bound)

            door = Http2Door(lambda: listen("127.0.0.1", 0, None), exchange.behind)
            listening.push_async_callback(door.close)
            plain = _claim(host, ports[0], listening, option="--port")
            plain.listen(_BACKLOG)
            bounds = Bounds(limits.threads, _connections_allowed(), limits.stall_seconds)
            front = Front(app, plain, room, streams, door.take, bounds)
            listening.push_async_callback(front.close, _THREADS_END_SECONDS)
            tls_port = None
            if certificate is not None and ports[1] is not None:
                tls_port = await listen(host, ports[1], certificate)
            front.start()
            on_ready(int(plain.getsockname()[1]), tls_port)
            await _until_stopped(stop, servers)
            await asyncio.gather(front.finish(limits.stop_seconds), exchange.finish(limits.stop_seconds))
    finally:
        sweeper.cancel()
        handlers.close()
        streams.close()
        await _until_ended(before)


async def _until_stopped(stop: asyncio.Event, servers: list[asyncio.Task[None]]) -> None:
    """Wait for the stop. Raises ConnectionError when a server ends of itself: nobody would be served any more."""
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({asked, *servers}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    if not stop.is_set():
        raise ConnectionError("The listener ended of itself.")


def _claim(
    host: str,
    port: int,
    claims: contextlib.ExitStack | contextlib.AsyncExitStack,
    *,
    shared: bool = False,
    option: str = "--tls-port",
) -> socket.socket:
    """Bind a port that nobody listens on (0: any): a socket that lives as long as `claims`.

    `shared` is for granian, which binds the port too and would share it with others: without the exclusive bind before
    it a second server would start, and take half of the calls.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    claim = claims.enter_context(socket.socket(family, socket.SOCK_STREAM))
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        claim.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {port} on {host} is in use by another program; choose another one with {option}."
            ) from error
        raise OSError(f"{host} port {port} cannot be listened on: {error.strerror}") from error
    if shared:
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return claim


@contextlib.asynccontextmanager
async def _listening(
    exchange: Exchange, limits: Limits, host: str, port: int, certificate: ServerCertificate | None
) -> AsyncIterator[asyncio.Task[None]]:
    server = _granian(exchange, limits, host, port, certificate)
    serving = asyncio.create_task(server.serve())
    try:
        await _until_connectable(host, port, serving)
        yield serving
    finally:
        server.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(serving, _START_SECONDS)


def _connections_allowed() -> int:
    """Connections kept open at once, idle ones included: granian takes no further one until one of them closes.

    A quarter of the open files of the process for each of the two ports leaves the other half to the services.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, files // 4))


def _granian(
    exchange: Exchange, limits: Limits, host: str, port: int, certificate: ServerCertificate | None
) -> Any:
    from granian.constants import Interfaces, SSLProtocols
    from granian.http import HTTP1Settings, HTTP2Settings
    from granian.server.embed import Server

    return Server(
        exchange,
        host,
        port,
        interface=Interfaces.ASGINL,
        websockets=False,
        runtime_blocking_threads=1,
        backlog=_BACKLOG,
        backpressure=_connections_allowed(),
        http1_settings=HTTP1Settings(
            max_buffer_size=_HEADER_BYTES, header_read_timeout=round(limits.stall_seconds * 1000)
        ),
        http2_settings=HTTP2Settings(max_headers_size=_HEADER_BYTES),
        log_enabled=False,
        # Its own configuration would close every log handler of the process.
        log_dictconfig={"incremental": True, "formatters": {}, "handlers": {}, "loggers": {}},
        ssl_cert=certificate.chain if certificate else None,
        ssl_key=certificate.key if certificate else None,
        ssl_protocol_min=SSLProtocols.tls12,
    )


async def _until_connectable(host: str, port: int, serving: asyncio.Task[None]) -> None:
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while True:
        if serving.done():
            await serving
            raise ConnectionError(f"The listener on {host} port {port} ended at once.")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except ConnectionRefusedError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return


def _native_threads() -> set[int]:
    """The threads of this process that Python does not know, by their ids; none where there is no /proc."""
    try:
        every = {int(task.name) for task in Path("/proc/self/task").iterdir()}
    except FileNotFoundError:
        return set()
    return every - {thread.native_id for thread in threading.enumerate()}


async def _until_ended(before: set[int]) -> None:
    """Wait for granian's own threads: one that still lives while the interpreter ends brings the process down."""
    deadline = asyncio.get_running_loop().time() + _THREADS_END_SECONDS
    while _native_threads() - before and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)
