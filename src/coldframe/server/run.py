"""`coldframe up` from inside: assembles a server, serves it, and takes it down again."""

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from coldframe.core.config import Settings, address
from coldframe.core.refusals import sentence
from coldframe.core.seal import SealBroken
from coldframe.core.store import StoreError
from coldframe.identity import bootstrap
from coldframe.server import files
from coldframe.server.application import Application, Pages
from coldframe.server.assembly import Assembly, assemble
from coldframe.server.certificate import ensure_certificate
from coldframe.server.control import Control
from coldframe.server.listener import PortInUse
from coldframe.server.listener import serve as listen

LOG = logging.getLogger("coldframe.server")


def serve(settings: Settings, pages: Callable[[Assembly], Pages] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code, and says on stderr why a start failed.

    `pages` makes the web pages that are served beside the API.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    _prepare_process()
    try:
        with assemble(settings) as assembly:
            asyncio.run(_serve(settings, assembly, pages(assembly) if pages else None))
    except (StoreError, PortInUse, SealBroken, OSError) as problem:
        LOG.debug("the server ended", exc_info=True)
        print(f"coldframe: {sentence(problem)}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _prepare_process() -> None:
    """Let one process serve many connections, and let a waiting append have its turn beside busy readers soon."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.setswitchinterval(0.0005)


def _collect_garbage_rarely() -> None:
    """Keep the collector of cycles from walking the modules and the log store's memory table again and again.

    With the interpreter's defaults a full collection held up every request for 60 to 110 ms once a second.
    """
    gc.freeze()
    gc.set_threshold(5000, 20, 100)
    gc.enable()


async def _serve(settings: Settings, assembly: Assembly, pages: Pages | None) -> None:
    certificate = (
        ensure_certificate(settings.data_dir / "tls", settings.region, assembly.installation.clock.now())
        if settings.tls_port
        else None
    )
    bootstrap.set_up(
        assembly.installation, lambda *made: files.write(settings.data_dir, files.RootCredentials(*made))
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def ready(port: int, tls_port: int | None) -> None:
        _collect_garbage_rarely()
        endpoint = address("http", settings.host, port)
        files.write(
            settings.data_dir,
            files.ServerFile(
                endpoint=endpoint,
                tls_endpoint=f"https://localhost:{tls_port}" if tls_port else "",
                certificate=str(certificate.authority) if certificate else "",
                region=settings.region,
                dev=settings.dev,
                pid=os.getpid(),
            ),
        )
        if settings.dev:
            LOG.warning("dev mode: any credentials are accepted; do not put data here that matters")
        print(f"ready {endpoint}", flush=True)  # noqa: T201

    control = Control(lambda: _health(assembly), assembly.reset if settings.dev else None)
    await listen(
        Application(assembly.gateway, control, pages),
        host=settings.host,
        ports=(settings.port, settings.tls_port),
        certificate=certificate,
        on_ready=ready,
        stop=stop,
    )


def _health(assembly: Assembly) -> dict[str, Any]:
    return {
        "status": "ok",
        "services": dict.fromkeys(sorted(assembly.services), "available"),
        "engines": assembly.engines(),
    }
