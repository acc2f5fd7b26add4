"""One HTTP exchange: read a request within its limits, have the application answer it, send the answer.

Speaks ASGI, because that is the interface of granian that hands on the path as it was sent (RSGI decodes it, and
drops header values that are not ASCII), and a signature covers exactly what was sent.
"""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from coldframe.core.wire import BodyStream, WireRequest, WireResponse
from coldframe.server.body_pipe import BodyPipe
from coldframe.server.body_room import BodyRoom, Lease, NoRoom
from coldframe.server.handler_threads import HandlerThreads
from coldframe.server.http1.head import text
from coldframe.server.served import (
    BROKEN_BODY,
    DROP_SECONDS,
    NO_ROOM,
    STALLED_BODY,
    STOPPING,
    Application,
    broken,
    check_headers,
    plain,
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LOG: Final = logging.getLogger(__name__)
_END: Final = object()


class ClientGone(Exception):
    """The client closed the connection, or sent a body whose framing is broken."""


class BodyTooLarge(Exception):
    """The body passes the limit of its request."""


class BodyStalled(Exception):
    """No byte of the body came for the time allowed."""


class Exchange:
    """The ASGI application that `Application` is served through; counts what is running, for a graceful stop."""

    def __init__(
        self,
        app: Application,
        handlers: HandlerThreads,
        streams: HandlerThreads,
        room: BodyRoom,
        *,
        stall_seconds: float,
    ) -> None:
        self._app = app
        self._handlers = handlers
        self._streams = streams
        self._stall_seconds = stall_seconds
        self._room = room
        # Who is behind a connection that came through a tunnel of our own, by the tunnel's address.
        self.behind: dict[tuple[str, int], str] = {}
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
            check_headers(response)
        except ClientGone:
            # Half a connection may still be open for the answer: a body with broken framing ends up here too.
            response = plain(400, BROKEN_BODY)
            _close_after(response, scope)
        except BodyStalled:
            response = plain(408, STALLED_BODY)
            _close_after(response, scope)
        except Exception:  # noqa: BLE001 - logged with its traceback, and answered
            response = broken(scope["method"], scope["path"])
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
            response = plain(503, STOPPING)
            _close_after(response, scope)
            return response
        request = self._wire_request(scope)
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
                response = plain(503, NO_ROOM)
                _close_after(response, scope)
                return response
            return await self._handle(request)

    def _wire_request(self, scope: Scope) -> WireRequest:
        client = scope["client"]
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), text(raw_value)
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        return WireRequest(
            method=scope["method"],
            path=text(scope["raw_path"]),
            query=text(scope["query_string"]),
            headers=headers,
            body=b"",
            secure=scope["scheme"] == "https",
            peer=self.behind.get((client[0], int(client[1])), client[0]),
        )

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
                await asyncio.wait({feeding}, timeout=DROP_SECONDS)
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


def _may_have_body(scope: Scope, request: WireRequest) -> bool:
    length = request.headers.get("content-length")
    if length is not None:
        return length != "0"
    return scope["http_version"] == "2" or "transfer-encoding" in request.headers


def _encoded(response: WireResponse) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode(), value.encode(errors="surrogateescape")) for name, value in response.headers.items()
    ]


def _close_after(response: WireResponse, scope: Scope) -> None:
    """Have the connection closed after this answer; HTTP/2 has no such header and resets the stream instead."""
    if scope["http_version"] != "2":
        response.headers["connection"] = "close"
