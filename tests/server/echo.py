"""A listener in a thread of its own, with an application that tells what it got, for the tests of this folder."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import queue
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireResponse
from coldframe.server.listener import Limits, serve

LIMIT = 100_000
MEGABYTE = 1_000_000
PATIENCE = 8.0


class Echo:
    """An application that tells what it got; paths choose what goes wrong."""

    def __init__(self):
        self.handled = []
        self.gate = threading.Event()
        self.closed = threading.Event()
        self.chunks_made = 0
        self.faults = queue.SimpleQueue()
        self.peak = 0

    def body_limit(self, request):
        assert request.body == b""
        return 60 * MEGABYTE if request.path == "/large" else LIMIT

    def streams(self, request):
        return request.path.startswith("/upload")

    def upload(self, request):
        got = hashlib.sha256()
        for chunk in request.stream.chunks:
            got.update(chunk)
            self.chunks_made += 1
        self.peak = resident("VmHWM")
        return WireResponse(200, {}, got.hexdigest().encode())

    def upload_refused(self, request):
        return WireResponse(403, {}, b"no")

    def upload_fault(self, request):
        try:
            for _ in request.stream.chunks:
                pass
        except ServiceFault as fault:
            self.faults.put(fault.code)
            raise
        return WireResponse(200, {}, b"")

    def too_large(self, request):
        return WireResponse(413, {"x-too": "large"}, request.path.encode())

    def inline(self, request):
        if request.path == "/inline":
            return WireResponse(200, {}, b"inline")
        if request.path == "/inline/raises":
            raise RuntimeError("the inside")
        return None

    def handle(self, request):
        self.handled.append(request.path)
        special = getattr(self, request.path.strip("/").replace("/", "_"), None)
        if callable(special):
            return special(request)
        told = {
            "method": request.method, "path": request.path, "query": request.query, "headers": request.headers,
            "body": request.body.decode("latin-1"), "secure": request.secure, "peer": request.peer,
        }  # fmt: skip
        return WireResponse(200, {"content-type": "application/json"}, json.dumps(told).encode())

    def large(self, request):
        self.peak = resident("VmHWM")
        return WireResponse(200, {}, str(len(request.body)).encode())

    def raises(self, request):
        raise RuntimeError("the inside")

    def splits(self, request):
        return WireResponse(200, {"x-a": "b\r\nset-cookie: c"}, b"")

    def head(self, request):
        return WireResponse(200, {"content-length": "1234", "x-name": "Grüße"}, b"")

    def waits(self, request):
        self.gate.wait(PATIENCE)
        return WireResponse(200, {}, b"waited")

    def stream(self, request):
        return WireResponse(200, {"x-stream": "yes"}, self._gated())

    def _gated(self):
        try:
            yield b""
            assert self.gate.wait(PATIENCE)
            yield b"one"
            yield b"two"
        finally:
            self.closed.set()

    def ticks(self, request):
        return WireResponse(200, {}, self._ticks())

    def _ticks(self):
        try:
            while not self.gate.wait(0.05):
                yield b""
        finally:
            self.closed.set()

    def flood(self, request):
        return WireResponse(200, {}, self._flood())

    def _flood(self):
        try:
            for _ in range(200):
                self.chunks_made += 1
                yield bytes(MEGABYTE)
        finally:
            self.closed.set()

    def breaks(self, request):
        return WireResponse(200, {}, self._breaks())

    def _breaks(self):
        yield b"one"
        raise RuntimeError("the inside")


class Running:
    """A listener in a thread of its own, and its application."""

    def __init__(self, certificate, **limits):
        self.app = Echo()
        self.ports = None
        self.error = None
        self.context = None
        self._limits = Limits(**{"stall_seconds": 0.8, "stop_seconds": 1.0, **limits})
        self._certificate = certificate
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        if self.error:
            self._thread.join()
            raise self.error
        self.port, self.tls_port = self.ports

    async def _serve(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await serve(
                self.app, ports=(0, 0), certificate=self._certificate, on_ready=self._on_ready, stop=self._stop,
                limits=self._limits,
            )  # fmt: skip
        except OSError as error:
            self.error = error
            self._ready.set()

    def _on_ready(self, *ports):
        self.ports = ports
        self._ready.set()

    def ask_to_stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self):
        if self._thread.is_alive():
            self.ask_to_stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def call(self, method, path, body=None, headers=None, **more):
        with contextlib.closing(self.client()) as client:
            client.request(method, path, body, headers or {}, **more)
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read()

    def client(self):
        if self.context is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return http.client.HTTPSConnection("localhost", self.tls_port, context=self.context, timeout=PATIENCE)

    def connect(self):
        if self.context is None:
            return socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        plain = socket.create_connection(("127.0.0.1", self.tls_port), PATIENCE)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def exchange(self, sent, *, half_close=False):
        """All that comes back until the server closes."""
        with self.connect() as client:
            client.sendall(sent)
            if half_close:
                with contextlib.suppress(OSError):  # the server may have closed already
                    client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def still_serves(self):
        return self.call("GET", "/inline")[2] == b"inline"


def read_all(client):
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            got += piece
    return got


def resident(name):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.01)


curl = pytest.mark.skipif(
    "HTTP2"
    not in (
        subprocess.run(["curl", "-V"], capture_output=True, text=True, check=False).stdout
        if shutil.which("curl")
        else ""
    ),
    reason="needs a curl that speaks HTTP/2",
)
