"""Where a body ends: the same wherever the network cuts it, and refused where its chunks are not well made."""

import pytest

from coldframe.server.http1.framing import framing
from coldframe.server.http1.head import Refusal

CHUNKS = b"5\r\nhello\r\n00A ;x=1\r\n, chunks!!\r\n1;y\r\n\r\r\n0\r\nX-Trailer: dropped\r\n\r\nGET /next"


def fed(pieces, length=None):
    found = framing(length)
    body, rest = b"", b""
    for piece in pieces:
        if found.ended:
            rest += piece
        else:
            body += found.feed(piece)
    return body, found.ended, found.rest + rest


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_however_they_are_cut(size):
    pieces = [CHUNKS[at : at + size] for at in range(0, len(CHUNKS), size)]
    assert fed(pieces) == (b"hello, chunks!!\r", True, b"GET /next")


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_length_however_it_is_cut(size):
    pieces = [b"hello and more"[at : at + size] for at in range(0, 14, size)]
    assert fed(pieces, 5) == (b"hello", True, b" and more")


def test_a_body_that_is_not_whole():
    assert fed([b"hel"], 5) == (b"hel", False, b"")
    assert fed([b"5\r\nhel"]) == (b"hel", False, b"")


@pytest.mark.parametrize("sent", [
    b"\r\n", b"g\r\n", b"-1\r\n", b"0x5\r\n", b"+5\r\n", b" 5\r\n", b"5\n", b"1" * 16 + b"\r\n", b"5\r\nhelloX", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\nZZ\r\n",
    b"5;a\x00\r\n", b"5" + b" " * 5000, b"0\r\n" + b"X: y\r\n" * 20_000,
])  # fmt: skip
def test_what_is_refused(sent):
    with pytest.raises(Refusal):
        fed([sent, b"\r\n" * 10])
