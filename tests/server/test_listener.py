"""The listener over real sockets: what it hands on, its limits, streams, broken clients, errors, a graceful stop."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import logging
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coldframe.server.certificate import ensure_certificate
from coldframe.server.listener import PortInUse, serve
from tests.server.echo import LIMIT, MEGABYTE, PATIENCE, Echo, Running, curl, read_all, resident, until


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return ensure_certificate(tmp_path_factory.mktemp("tls"), "us-east-1", datetime.now(UTC))


@pytest.fixture(scope="module")
def listener(certificate):
    running = Running(certificate)
    yield running
    running.app.gate.set()
    running.stop()


both_doors = pytest.mark.parametrize("server", ["plain", "tls"], indirect=True)


@pytest.fixture
def server(listener, certificate, request):
    """The listener, met without TLS, or by TLS, behind which another server reads HTTP/1.1."""
    tls = getattr(request, "param", "plain") == "tls"
    listener.context = ssl.create_default_context(cafile=certificate.authority) if tls else None
    app = listener.app
    app.handled.clear()
    app.gate.clear()
    app.closed.clear()
    app.chunks_made = 0
    return listener


@both_doors
def test_the_target_is_handed_on_as_it_was_sent(server):
    target = "/a%2Fb/../c%20d//e+%C3%A9%zz?x=%2F&y=a+b&X"
    told = json.loads(server.call("GET", target)[2])
    assert f"{told['path']}?{told['query']}" == target
    assert (told["secure"], told["peer"]) == (server.context is not None, "127.0.0.1")


@both_doors
def test_headers_are_handed_on_in_full(server):
    sent = "GET /h HTTP/1.1\r\nHost: Mixed.Case:1\r\nX-Utf: Gr\u00fc\u00dfe\r\nX-Two: 1\r\nx-two:  2 \r\nConnection: close\r\n"
    got = server.exchange(sent.encode() + b"X-Latin: \xe9\xff\r\n\r\n")
    headers = json.loads(got.partition(b"\r\n\r\n")[2])["headers"]
    assert headers["host"] == "Mixed.Case:1"
    assert headers["x-utf"] == "Grüße"
    assert headers["x-latin"] == "éÿ"
    assert headers["x-two"] == "1,2"


def test_tls(server, certificate):
    context = ssl.create_default_context(cafile=certificate.authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = http.client.HTTPSConnection("localhost", server.tls_port, context=context, timeout=PATIENCE)
    with contextlib.closing(client):
        client.request("GET", "/t")
        assert json.loads(client.getresponse().read())["secure"] is True


@curl
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("secure", [True, False])
def test_versions_of_http(server, certificate, version, secure):
    if secure:
        more = ["--cacert", certificate.authority, version, f"https://localhost:{server.tls_port}/v%2F?q"]
    else:
        plain = version.replace("--http2", "--http2-prior-knowledge")
        more = [plain, f"http://localhost:{server.port}/v%2F?q"]
    command = [
        "curl",
        "-sS",
        "-m",
        "5",
        "-w",
        "\n%{http_version}",
        "-H",
        "X-A: é",
        "-d",
        "abc",
        *map(str, more),
    ]
    got = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    told, _, spoken = got.rpartition("\n")
    told = json.loads(told)
    assert spoken == version.removeprefix("--http")
    assert (told["path"], told["query"], told["body"]) == ("/v%2F", "q", "abc")
    assert told["headers"]["host"].startswith("localhost:")
    assert told["headers"]["x-a"] == "é"


@pytest.mark.parametrize("chunked", [False, True])
def test_body_up_to_its_limit(server, chunked):
    def send(size):
        body = bytes(size)
        pieces = (body[at : at + 30_000] for at in range(0, size, 30_000))
        return server.call("POST", "/b", pieces if chunked else body, encode_chunked=chunked)

    assert len(json.loads(send(LIMIT)[2])["body"]) == LIMIT
    assert server.app.handled == ["/b"]
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client may still be sending
        status, headers, body = send(LIMIT + 1)
        assert (status, headers["x-too"], headers["connection"], body) == (413, "large", "close", b"/b")
    assert server.app.handled == ["/b"]
    assert server.still_serves()


@both_doors
def test_a_declared_length_over_the_limit_is_refused_before_it_is_sent(server):
    got = server.exchange(b"PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413 ")
    assert server.app.handled == []


@both_doors
def test_expect_100_continue(server):
    with server.connect() as client:
        head = b"PUT /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: "
        client.sendall(head + b"3\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert b'"abc"' in read_all(client)
    assert server.exchange(head + b"999999\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_a_large_body_is_in_memory_once(server):
    size = 50 * MEGABYTE
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # starts the high-water mark anew
    piece = bytes(64 * 1024)
    pieces = (piece[: min(len(piece), size - at)] for at in range(0, size, len(piece)))
    assert server.call("PUT", "/large", pieces, {"Content-Length": str(size)})[2] == str(size).encode()
    # A second copy would make it two sizes and more; what else this process does meanwhile is a fraction of one.
    assert server.app.peak - before < 1.9 * size


@pytest.mark.parametrize("headers", [
    b"".join(b"X-%d: a\r\n" % number for number in range(5000)),
    b"X-A: " + b"a" * 300_000 + b"\r\n",
    b"".join(b"X-%d: %s\r\n" % (number, b"a" * 5000) for number in range(60)),
])  # fmt: skip
def test_header_floods(server, headers):
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        got = server.exchange(b"GET /inline HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n")
        assert got.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")) or not got
    assert server.still_serves()


CHUNKED = b"POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("sent", [
    CHUNKED + b"5\r\nabcde\r\nZZ\r\n",
    CHUNKED + b"5\r\nabcde\r\n",
    CHUNKED + b"5\r\nabcdeXX0\r\n\r\n",
    CHUNKED + b"fffffffffffffffffffff\r\n",
    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabcde",
    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    b"GET /b c HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\x16\x03\x01\x00\xa5junk\r\n\r\n",
    b"GET /b HTTP/9.9\r\n\r\n",
])  # fmt: skip
def test_broken_requests(server, sent):
    got = server.exchange(sent, half_close=True)
    assert got.startswith(b"HTTP/1.1 400 ") or not got
    assert server.app.handled == []
    assert server.still_serves()


@both_doors
def test_a_streamed_body_is_never_in_memory_whole(server):
    body = bytes(range(256)) * 4096 * 60
    before = resident("VmHWM")
    assert server.call("PUT", "/upload", body)[2].decode() == hashlib.sha256(body).hexdigest()
    assert server.app.chunks_made > 10
    assert server.app.peak - before < len(body) / 2


@both_doors
def test_a_refused_stream_is_told_why(server):
    status, _, body = server.call("PUT", "/upload/refused", bytes(3 * MEGABYTE))
    assert (status, body) == (403, b"no")
    assert server.still_serves()


@both_doors
def test_a_client_that_asks_first_sends_no_refused_body(server):
    sent = (
        b"PUT /upload/refused HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = server.exchange(sent)
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"100 Continue" not in answer


def test_a_streamed_body_that_breaks_off_raises_in_the_handler(server):
    server.exchange(
        b"PUT /upload/fault HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\nabc", half_close=True
    )
    assert server.app.faults.get(timeout=PATIENCE) == "IncompleteBody"
    assert server.still_serves()


@both_doors
def test_a_streamed_body_that_stalls_raises_in_the_handler(server):
    with server.connect() as client:
        client.sendall(b"PUT /upload/fault HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\nabc")
        read_all(client)
    assert server.app.faults.get(timeout=PATIENCE) == "RequestTimeout"
    assert server.still_serves()


@both_doors
def test_a_stalled_body_is_cut(server):
    started = time.monotonic()
    got = server.exchange(b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabcde")
    assert got.startswith(b"HTTP/1.1 408 ")
    assert 0.8 <= time.monotonic() - started < 4
    assert server.app.handled == []


@both_doors
def test_a_slow_body_that_keeps_coming_is_not_cut(server):
    with server.connect() as client:
        client.sendall(b"POST /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\n")
        for byte in b"abcde":
            time.sleep(0.3)
            client.sendall(bytes([byte]))
        assert b'"abcde"' in read_all(client)


def test_idle_connections_do_not_shut_others_out_and_are_closed_in_time(server):
    with contextlib.ExitStack() as idle:
        clients = [idle.enter_context(server.connect()) for _ in range(200)]
        for client in clients[:100]:
            client.sendall(b"GET /inline HTTP/1.1\r\nHost: h\r\n\r\n")
        assert server.still_serves()
        assert read_all(clients[0]).endswith(b"inline")  # ends because the server closes
        clients[150].sendall(b"GET /inl")
        assert read_all(clients[150]) == b""


@both_doors
def test_pipelined_requests_are_answered_in_order(server):
    got = server.exchange(
        b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"
        b"GET /inline HTTP/1.1\r\nHost: h\r\n\r\nGET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    )
    assert got.count(b"HTTP/1.1 200 OK") == 4
    assert got.index(b'"/1"') < got.index(b'"/2"') < got.index(b"inline") < got.index(b'"/4"')


@both_doors
def test_head_and_headers_of_the_answer(server):
    status, headers, body = server.call("HEAD", "/head")
    assert (status, headers["content-length"], body) == (200, "1234", b"")
    assert headers["x-name"].encode("latin-1").decode() == "Grüße"


@pytest.mark.parametrize("path", ["/raises", "/inline/raises", "/splits"])
def test_a_failure_tells_nothing_of_the_inside(server, caplog, path):
    with caplog.at_level(logging.ERROR):
        status, headers, body = server.call("GET", path)
    assert (status, body, headers["set-cookie"]) == (500, b"Internal server error.\n", None)
    assert caplog.records[0].exc_info
    assert server.still_serves()


@both_doors
def test_a_stream_sends_its_headers_first(server):
    with contextlib.closing(server.client()) as client:
        client.request("GET", "/stream")
        answer = client.getresponse()
        assert answer.headers["x-stream"] == "yes"
        server.app.gate.set()
        assert answer.read() == b"onetwo"
    assert server.app.closed.wait(PATIENCE)


@both_doors
def test_a_stream_is_closed_when_the_client_goes(server):
    with server.connect() as client:
        client.sendall(b"GET /ticks HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert not server.app.closed.wait(0.2)
    assert server.app.closed.wait(1.0)


@both_doors
def test_a_slow_reader_holds_the_stream_back(server):
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(b"GET /flood HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        until(lambda: server.app.chunks_made > 3)
        time.sleep(0.3)
        assert server.app.chunks_made < 50
    assert server.app.closed.wait(2.0)


@both_doors
def test_a_stream_that_fails_does_not_look_complete(server, caplog):
    with pytest.raises(http.client.IncompleteRead):
        server.call("GET", "/breaks")
    assert any(record.exc_info for record in caplog.records)
    assert server.still_serves()


def test_slow_handlers_do_not_hold_up_the_rest(server):
    threads = [threading.Thread(target=server.call, args=("GET", "/waits")) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: server.app.handled.count("/waits") == 5)
    assert server.call("GET", "/quick")[0] == 200
    server.app.gate.set()
    for thread in threads:
        thread.join()


def test_a_port_in_use_is_named(server):
    async def second():
        await serve(
            Echo(), ports=(server.port, None), certificate=None, on_ready=pytest.fail, stop=asyncio.Event()
        )

    with pytest.raises(PortInUse, match=f"Port {server.port} on 127.0.0.1 is in use"):
        asyncio.run(second())


def test_stopping_lets_running_requests_end():
    running = Running(None, stop_seconds=5.0)
    assert running.tls_port is None
    answers = []
    caller = threading.Thread(target=lambda: answers.append(running.call("GET", "/waits")))
    caller.start()
    until(lambda: running.app.handled == ["/waits"])
    running.ask_to_stop()
    until(lambda: running.call("GET", "/inline")[0] == 503)
    running.app.gate.set()
    caller.join(PATIENCE)
    running.stop()
    assert answers[0][2] == b"waited"
    with pytest.raises(ConnectionRefusedError):
        running.connect()


def test_stopping_does_not_wait_for_ever_and_ends_streams():
    running = Running(None, stop_seconds=0.3)
    with running.connect() as stuck, running.connect() as tail:
        stuck.sendall(b"GET /waits HTTP/1.1\r\nHost: h\r\n\r\n")
        tail.sendall(b"GET /ticks HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: sorted(running.app.handled) == ["/ticks", "/waits"])
        tail.recv(1000)
        started = time.monotonic()
        running.stop()
        assert time.monotonic() - started < 3
        assert running.app.closed.is_set()
        assert read_all(tail) == b"0\r\n\r\n"
    running.app.gate.set()
