"""The administrator's session: what is said when the server ends it."""

import socket

import pytest

from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.admin import Connection, Unreachable


def test_a_session_that_is_ended_tells_why():
    ours, theirs = socket.socketpair()
    said = b"".join(
        kind + wire.text(word)
        for kind, word in (
            (b"S", "FATAL"),
            (b"C", "57P01"),
            (b"M", "terminating connection due to administrator command"),
        )
    )
    with ours, theirs:
        theirs.sendall(wire.message(b"E", said + b"\0"))
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(
            Unreachable, match=r"ended .*session: terminating connection due to administrator"
        ):
            Connection(ours).query("SELECT 1")
