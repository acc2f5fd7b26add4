"""The head of a request: what is read of it, and what is refused because two readers could take it for two things."""

import pytest

from coldframe.server.http1.head import Refusal, parse

LINE = b"POST /p HTTP/1.1\r\n"


def test_a_usual_head():
    head = parse(b"PUT /a%2Fb?x=%20&y HTTP/1.1\r\nHost: H:1\r\nX-Two:1\r\nx-two: \t 2 \r\nContent-Length: 12")
    assert head.method == "PUT"
    assert (head.path, head.query) == ("/a%2Fb", "x=%20&y")
    assert head.headers == {"host": "H:1", "x-two": "1,2", "content-length": "12"}
    assert (head.length, head.keeps, head.old) == (12, True, False)


@pytest.mark.parametrize(("target", "path", "query"), [
    (b"/", "/", ""), (b"*", "*", ""), (b"//a//b?", "//a//b", ""), (b"/a?b?c", "/a", "b?c"), (b"/a#f?q", "/a", ""),
    (b"http://other:80/p?q", "/p", "q"), (b"HTTPS://other", "/", ""), (b"http://other?q", "/", "q"),
    (b"host:443", "host:443", ""), ("/Grüße".encode(), "/Grüße", ""), (b"/\xff", "/ÿ", ""),
])  # fmt: skip
def test_targets(target, path, query):
    head = parse(b"GET " + target + b" HTTP/1.1\r\nHost: h")
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize(("version", "connection", "keeps"), [
    (b"1.1", None, True), (b"1.1", b"close", False), (b"1.1", b"Upgrade, CLOSE", False), (b"1.1", b"keep-alive", True),
    (b"1.0", None, False), (b"1.0", b"Keep-Alive", True),
])  # fmt: skip
def test_whether_the_connection_is_kept(version, connection, keeps):
    stated = b"\r\nConnection: " + connection if connection else b""
    assert parse(b"GET / HTTP/" + version + b"\r\nHost: h" + stated).keeps is keeps


@pytest.mark.parametrize("raw", [
    b"", b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b"GET / HTTP/2.0", b"GET / http/1.1", b"G(T / HTTP/1.1", b"GET /\x01 HTTP/1.1",
    b"GET / HTTP/1.1\nHost: h", LINE + b"Host: h\nX: y", LINE + b"Host: h\rX: y", LINE + b"X: a\x00b", LINE + b"X : y", LINE + b" X: y", LINE + b"X", LINE + b": y",
    LINE + b"X\x00: y", LINE + b"Host: h\r\n folded: y", LINE + b"\xe9: y",
    LINE + b"Content-Length: 1\r\nContent-Length: 1", LINE + b"Content-Length: 1, 1", LINE + b"Content-Length: +1", LINE + b"Content-Length: 0x1",
    LINE + b"Content-Length: -1", LINE + b"Content-Length:", LINE + "Content-Length: ١".encode(), LINE + b"Content-Length: 1e3", LINE + b"Content-Length: " + b"9" * 19,
    LINE + b"Content-Length: 1\r\nTransfer-Encoding: chunked", LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 1",
    LINE + b"Transfer-Encoding: gzip, chunked", LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", LINE + b"Transfer-Encoding: xchunked",
    LINE + b"Transfer-Encoding: \x0bchunked", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
])  # fmt: skip
def test_what_is_refused(raw):
    with pytest.raises(Refusal) as refused:
        parse(raw)
    assert refused.value.status == 400


def test_more_lines_than_are_taken():
    parse(b"\r\n".join([b"GET / HTTP/1.1", *(b"X-%d: a" % number for number in range(100))]))
    with pytest.raises(Refusal) as refused:
        parse(b"\r\n".join([b"GET / HTTP/1.1", *(b"X-%d: a" % number for number in range(101))]))
    assert refused.value.status == 431


def test_a_long_name_is_taken():
    assert parse(LINE + b"X" * 5000 + b": y").headers == {"x" * 5000: "y"}
