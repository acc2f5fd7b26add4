"""One HTTP exchange: read a request within its limits, have the application answer it, send the answer.

Speaks ASGI, because that is the interface of granian that hands on the path as it was sent (RSGI decodes it, and
drops header values that are not ASCII), and a signature covers exactly what was sent.
"""

import asyncio
import io
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, Protocol

from coldframe.core.wire import BodyStream, WireRequest, WireResponse
from coldframe.server.body_pipe import BodyPipe
from coldframe.server.body_room import BodyRoom, Lease, NoRoom
from coldframe.server.handler_threads import HandlerThreads

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_BODIES_BYTES: Final = 256 * 1024 * 1024
_LOG: Final = logging.getLogger(__name__)
_END: Final = object()
# How long the rest of a refused body is taken in, so that a client that sends before it reads learns why.
_DROP_SECONDS: Final = 5.0
# What RFC 9110 bars from a header's value: control characters but the tab.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search


class Application(Protocol):
    """What is served. All but `handle` run on the event loop and must not wait."""

    def streams(self, request: WireRequest) -> bool:
        """Whether `handle` takes the body of this request as a stream, told from its line and headers alone."""

    def body_limit(self, request: WireRequest) -> int:
        """The bytes of body this request may have, from its line and headers alone (its body is empty yet)."""

    def too_large(self, request: WireRequest) -> WireResponse:
        """The answer to a request whose body is larger than its limit (413 or the service's own); no body is read."""

    def inline(self, request: WireRequest) -> WireResponse | None:
        """The answer, if the call neither waits nor writes; None has `handle` called in a thread."""

    def handle(self, request: WireRequest) -> WireResponse:
        """The answer; may block. A body that is an iterator is streamed, and is closed when the client goes away.

        Such an iterator yields at least once a second, `b""` when there is nothing to send: between two chunks is
        where a client that has gone is noticed.
        """


class ClientGone(Exception):
    """The client closed the connection, or sent a body whose framing is broken."""


class BodyTooLarge(Exception):
    """The body passes the limit of its request."""


class BodyStalled(Exception):
    """No byte of the body came for the time allowed."""


class Exchange:
    """The ASGI application that `Application` is served through; counts what is running, for a graceful stop."""

    def __init__(
        self, app: Application, handlers: HandlerThreads, streams: HandlerThreads, *, stall_seconds: float
    ) -> None:
        self._app = app
        self._handlers = handlers
        self._streams = streams
        self._stall_seconds = stall_seconds
        self._room = BodyRoom(_BODIES_BYTES)
        self._readers: dict[asyncio.Task[Any], float] = {}
        self._stalled: set[asyncio.Task[Any]] = set()
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return
        task = _current_task()
        self._running.add(task)
        try:
            await self._serve(scope, receive, send)
        finally:
            self._running.discard(task)

    async def finish(self, seconds: float) -> None:
        """Refuse new requests, end streams, give running requests that long to end, and abandon the rest."""
        self._stopping.set()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                _LOG.warning("%d requests did not end in %s seconds and were abandoned.", len(late), seconds)

    async def cut_stalled_readers(self) -> None:
        """Run for ever: cut requests whose body has stalled. One sweep is cheaper than a timer for every request."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._stall_seconds / 4)
            latest = loop.time() - self._stall_seconds
            for task, since in list(self._readers.items()):
                if since < latest:
                    self._stalled.add(task)
                    task.cancel()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
            _check_headers(response)
        except ClientGone:
            # Half a connection may still be open for the answer: a body with broken framing ends up here too.
            response = _plain(400, "The body of the request ended early or its framing is broken.")
            _close_after(response, scope)
        except BodyStalled:
            response = _plain(408, "The body of the request stopped arriving.")
            _close_after(response, scope)
        except Exception:  # noqa: BLE001 - logged with its traceback, and answered
            # The last line of defence: whatever broke, the caller learns nothing of the inside and the log does.
            _LOG.exception("A request failed: %s %s", scope["method"], scope["path"])
            response = _plain(500, "Internal server error.")
        body = response.body
        if isinstance(body, bytes):
            await send(
                {"type": "http.response.start", "status": response.status, "headers": _encoded(response)}
            )
            await send({"type": "http.response.body", "body": body})
        else:
            await self._stream(response, body, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> WireResponse:
        if self._stopping.is_set():
            response = _plain(503, "The server is stopping.")
            _close_after(response, scope)
            return response
        request = _wire_request(scope)
        if not _may_have_body(scope, request):
            return await self._handle(request)
        if self._app.streams(request):
            return await self._answer_streamed(scope, request, receive)
        with self._room.lease() as lease:
            try:
                request.body = await self._read(request, receive, lease)
            except BodyTooLarge:
                response = self._app.too_large(request)
                _close_after(response, scope)
                return response
            except NoRoom:
                response = _plain(503, "The server holds as many large requests as it can; try again.")
                _close_after(response, scope)
                return response
            return await self._handle(request)

    async def _handle(self, request: WireRequest) -> WireResponse:
        response_now = self._app.inline(request)
        if response_now is not None:
            return response_now
        answer: WireResponse = await self._handlers.run(self._app.handle, request)
        return answer

    async def _answer_streamed(self, scope: Scope, request: WireRequest, receive: Receive) -> WireResponse:
        """Have a thread handle the request while its body is still arriving."""
        loop = asyncio.get_running_loop()
        pipe = BodyPipe(loop)
        request.stream = BodyStream(pipe.chunks())

        def touched(waiting: bool) -> None:
            if waiting:
                self._readers[feeding] = loop.time()
            else:
                self._readers.pop(feeding, None)
                self._stalled.discard(feeding)

        feeding = asyncio.ensure_future(pipe.feed(receive, touched))
        try:
            # It takes as long as the client does, so it must not take a handler's place.
            response: WireResponse = await self._streams.run(self._app.handle, request)
            if not pipe.ended and (pipe.asked or "expect" not in request.headers):
                pipe.drop()
                await asyncio.wait({feeding}, timeout=_DROP_SECONDS)
        finally:
            feeding.cancel()
        if not pipe.ended:
            _close_after(response, scope)
        return response

    async def _read(self, request: WireRequest, receive: Receive, lease: Lease) -> bytes:
        limit = self._app.body_limit(request)
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise BodyTooLarge
        task = _current_task()
        time = asyncio.get_running_loop().time
        # A BytesIO hands its buffer over without a copy: a large body is in memory once.
        body = io.BytesIO()
        try:
            while True:
                self._readers[task] = time()
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGone
                body.write(message["body"])
                lease.hold(body.tell())
                if body.tell() > limit:
                    raise BodyTooLarge
                if not message["more_body"]:
                    return body.getvalue()
        except asyncio.CancelledError:
            if task in self._stalled:
                raise BodyStalled from None
            raise
        finally:
            self._readers.pop(task, None)
            self._stalled.discard(task)

    async def _stream(
        self, response: WireResponse, chunks: Iterator[bytes], receive: Receive, send: Send
    ) -> None:
        ended = asyncio.ensure_future(self._until_ended(receive))
        coming = self._streams.run(_next_chunk, chunks)
        try:
            await send(
                {"type": "http.response.start", "status": response.status, "headers": _encoded(response)}
            )
            # granian sends the headers with the first body message, and a client may wait for them.
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            while not ended.done():
                chunk = await coming
                if chunk is _END:
                    break
                # Made while this one is being sent.
                coming = self._streams.run(_next_chunk, chunks)
                if chunk and not ended.done():
                    sending = asyncio.ensure_future(
                        send({"type": "http.response.body", "body": chunk, "more_body": True})
                    )
                    await asyncio.wait({sending, ended}, return_when=asyncio.FIRST_COMPLETED)
                    if not sending.done():
                        sending.cancel()
                        break
                    sending.result()
        except Exception:
            # The status line is out: all that is left to tell the client is a body that breaks off.
            _LOG.exception("A streamed answer failed")
            raise
        finally:
            ended.cancel()
            # An iterator that is being asked cannot be closed; what it still gives or raises nobody needs.
            await asyncio.gather(coming, return_exceptions=True)
            await self._streams.run(_close, chunks)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_ended(self, receive: Receive) -> None:
        """Wait for the client to go away or the server to stop."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        gone = asyncio.ensure_future(_until_disconnected(receive))
        try:
            await asyncio.wait({stopping, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            gone.cancel()


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next_chunk(chunks: Iterator[bytes]) -> object:
    return next(chunks, _END)


def _close(chunks: Iterator[bytes]) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


def _wire_request(scope: Scope) -> WireRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), _text(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return WireRequest(
        method=scope["method"],
        path=_text(scope["raw_path"]),
        query=_text(scope["query_string"]),
        headers=headers,
        body=b"",
        secure=scope["scheme"] == "https",
        peer=scope["client"][0],
    )


def _text(raw: bytes) -> str:
    """UTF-8 if it is, else Latin-1, which every byte is: clients send either."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _may_have_body(scope: Scope, request: WireRequest) -> bool:
    length = request.headers.get("content-length")
    if length is not None:
        return length != "0"
    return scope["http_version"] == "2" or "transfer-encoding" in request.headers


def _encoded(response: WireResponse) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in response.headers.items()]


def _check_headers(response: WireResponse) -> None:
    """A value with a line break in it would be headers, or an answer, of somebody else's making."""
    for name, value in response.headers.items():
        if _CONTROL(value):
            raise ValueError(f"The answer's header {name} holds a control character.")


def _close_after(response: WireResponse, scope: Scope) -> None:
    """Have the connection closed after this answer; HTTP/2 has no such header and resets the stream instead."""
    if scope["http_version"] != "2":
        response.headers["connection"] = "close"


def _plain(status: int, text: str) -> WireResponse:
    return WireResponse(status, {"content-type": "text/plain"}, text.encode() + b"\n")
