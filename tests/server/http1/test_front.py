"""The front over real sockets: more requests than threads, more connections than are allowed, pieces and leftovers."""

import contextlib
import http.client
import json
import select
import socket
import subprocess
import threading

import pytest

from coldframe.core.wire import WireResponse
from coldframe.server import listener as listener_module
from coldframe.server.http1.dialogue import Dialogue
from tests.server.echo import PATIENCE, Running, curl, read_all, until


@pytest.fixture(scope="module")
def running():
    server = Running(None, threads=2)
    yield server
    server.app.gate.set()
    server.stop()


@pytest.fixture
def server(running):
    running.app.handled.clear()
    running.app.gate.clear()
    return running


def test_quick_calls_are_answered_while_every_handler_is_busy(server):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(server.call("GET", "/waits")[2])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    until(lambda: server.app.handled.count("/waits") == 2)
    for _ in range(3):
        assert server.still_serves()
    assert server.app.handled.count("/waits") == 2
    server.app.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [b"waited"] * 6


def test_what_comes_while_a_request_is_handled_is_answered_after_it(server):
    with server.connect() as client:
        client.sendall(b"GET /waits HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: server.app.handled == ["/waits"])
        client.sendall(b"GET /inline HTTP/1.1\r\nHost: h\r\n\r\nPOST /last HTTP/1.1\r\nHost: h\r\nConten")
        assert server.still_serves()
        server.app.gate.set()
        got = b""
        while b"inline" not in got:
            got += client.recv(65536)
        client.sendall(b"t-Length: 3\r\nConnection: close\r\n\r\nabc")
        got += read_all(client)
    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert got.index(b"waited") < got.index(b"inline") < got.index(b'"abc"')


def test_a_client_that_has_said_all_it_wants_still_gets_its_answer(server):
    sent = b"GET /waits HTTP/1.1\r\nHost: h\r\n\r\n"
    threading.Timer(0.1, server.app.gate.set).start()
    assert server.exchange(sent, half_close=True).endswith(b"waited")


def test_a_request_in_single_bytes(server):
    sent = (
        b"POST /bytes HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
    )
    with server.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in sent:
            client.sendall(bytes([byte]))
        assert b'"abcde"' in read_all(client)


def test_a_large_answer_reaches_a_slow_reader_whole(server, monkeypatch):
    body = bytes(range(256)) * 12_000
    monkeypatch.setattr(
        server.app, "large_answer", lambda request: WireResponse(200, {}, body), raising=False
    )
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        client.sendall(
            b"GET /large_answer HTTP/1.1\r\nHost: h\r\n\r\nGET /inline HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        until(lambda: server.app.handled == ["/large_answer"])
        assert server.still_serves()
        got = b""
        while not got.endswith(b"inline"):
            piece = client.recv(30_000)
            assert piece
            got += piece
    assert got.partition(b"\r\n\r\n")[2].startswith(body)


def test_a_client_that_never_reads_is_cut(server, monkeypatch):
    monkeypatch.setattr(
        server.app, "large_answer", lambda request: WireResponse(200, {}, bytes(20_000_000)), raising=False
    )
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        client.sendall(b"GET /large_answer HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: server.app.handled == ["/large_answer"])
        gone = select.poll()
        gone.register(client, 0)
        assert gone.poll(PATIENCE * 1000)
    assert server.still_serves()


def test_http_1_0(server):
    old = server.exchange(b"GET /inline HTTP/1.0\r\n\r\n")
    assert old.endswith(b"inline")
    assert b"Connection: close" in old
    with server.connect() as client:
        for _ in range(2):
            client.sendall(b"GET /inline HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert answer.headers["connection"] == "keep-alive"
            assert answer.read() == b"inline"
    server.app.gate.set()
    streamed = server.exchange(b"GET /stream HTTP/1.0\r\n\r\n")
    assert streamed.endswith(b"\r\n\r\nonetwo")


def test_requests_behind_one_that_is_refused_are_not_served(server):
    got = server.exchange(
        b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1") == 1
    assert server.app.handled == []


@pytest.mark.parametrize("asked", ["streams", "body_limit"])
def test_a_failure_before_the_body_is_read_is_answered(server, monkeypatch, caplog, asked):
    def fails(request):
        raise RuntimeError("the inside")

    monkeypatch.setattr(server.app, asked, fails)
    status, headers, body = server.call("POST", "/b", b"abc")
    assert (status, headers["connection"], body) == (500, "close", b"Internal server error.\n")
    assert caplog.records[0].exc_info
    assert server.still_serves()


def test_something_unforeseen_costs_its_own_connection_and_no_other(server, monkeypatch, caplog):
    answer = Dialogue.answer

    def fails(dialogue, connection, request, response):
        if request.path.startswith("/unforeseen"):
            raise MemoryError
        answer(dialogue, connection, request, response)

    monkeypatch.setattr(Dialogue, "answer", fails)
    inline = server.app.inline
    monkeypatch.setattr(
        server.app,
        "inline",
        lambda request: WireResponse(200) if request.path == "/unforeseen/inline" else inline(request),
    )
    for path in (b"/unforeseen", b"/unforeseen/inline"):
        assert server.exchange(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n") == b""
    assert [record.exc_info[0] for record in caplog.records] == [MemoryError] * 2
    assert server.still_serves()


@curl
def test_http_2_without_tls_tells_who_calls(server):
    """Through a tunnel of the server's own, which must not lend its address to a client that policies refuse by theirs."""
    command = ["curl", "-sS", "-m", "5", "--http2-prior-knowledge", "--interface", "127.0.0.9"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}/who"], capture_output=True, check=True, text=True
    )
    assert json.loads(done.stdout)["peer"] == "127.0.0.9"


def test_connections_over_the_limit_wait_for_one_that_closes(monkeypatch):
    monkeypatch.setattr(listener_module, "_connections_allowed", lambda: 3)
    server = Running(None, stall_seconds=PATIENCE)
    try:
        with contextlib.ExitStack() as opened:
            clients = [opened.enter_context(server.connect()) for _ in range(4)]
            for client in clients:
                client.sendall(b"GET /inline HTTP/1.1\r\nHost: h\r\n\r\n")
            for client in clients[:3]:
                assert client.recv(1000).endswith(b"inline")
            clients[3].settimeout(0.2)
            with pytest.raises(TimeoutError):
                clients[3].recv(1000)
            clients[1].close()
            clients[3].settimeout(PATIENCE)
            assert clients[3].recv(1000).endswith(b"inline")
    finally:
        server.stop()
