"""Messages of PostgreSQL's frontend and backend protocol, version 3, as bytes."""

import struct
from collections.abc import Iterator, Mapping

Row = tuple[str | None, ...]

PROTOCOL = 196608
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102

AUTH_OK, AUTH_CLEARTEXT, AUTH_SASL, AUTH_SASL_CONTINUE, AUTH_SASL_FINAL = 0, 3, 10, 11, 12


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Return a message: its kind, its length (which counts itself), its body."""
    return kind + struct.pack("!I", len(body) + 4) + body


def text(value: str) -> bytes:
    """Return a string as the protocol has it: UTF-8 with a closing zero."""
    return value.encode() + b"\0"


def startup(parameters: Mapping[str, str]) -> bytes:
    """Return the packet that opens a session."""
    body = b"".join(text(name) + text(value) for name, value in parameters.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, PROTOCOL) + body


def cancel(key: bytes) -> bytes:
    """Return the packet that asks to end what the session of a key does."""
    return struct.pack("!II", len(key) + 8, CANCEL_REQUEST) + key


def parameters(body: bytes) -> dict[str, str]:
    """Return the parameters of a startup packet's body, without its version."""
    words = body.split(b"\0")
    return {words[at].decode(): words[at + 1].decode() for at in range(0, len(words) - 1, 2) if words[at]}


def authentication(kind: int, body: bytes = b"") -> bytes:
    """Return what a server says while a client signs in."""
    return message(b"R", struct.pack("!I", kind) + body)


def error(severity: str, code: str, what: str, kind: bytes = b"E") -> bytes:
    """Return an ErrorResponse (or a NoticeResponse) with the fields that every client wants."""
    fields = b"S" + text(severity) + b"V" + text(severity) + b"C" + text(code) + b"M" + text(what)
    return message(kind, fields + b"\0")


def fields(body: bytes) -> dict[str, str]:
    """Return the fields of an ErrorResponse by their letter: C is the SQLSTATE, M the message."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def row(body: bytes) -> Row:
    """Return the columns of a DataRow in text format."""
    (count,) = struct.unpack_from("!H", body)
    at = 2
    found: list[str | None] = []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        if size < 0:
            found.append(None)
            continue
        found.append(body[at : at + size].decode(errors="replace"))
        at += size
    return tuple(found)


class Reader:
    """Cuts a stream of bytes into messages; keeps what is not whole yet."""

    def __init__(self) -> None:
        self.pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take bytes that arrived and give each whole message's kind and body."""
        self.pending += data
        while len(self.pending) >= 5:
            size = int.from_bytes(self.pending[1:5], "big") + 1
            if len(self.pending) < size:
                return
            kind, body = bytes(self.pending[:1]), bytes(self.pending[5:size])
            del self.pending[:size]
            yield kind, body


def literal(value: str) -> str:
    """Return a string as a constant of SQL, whatever it holds."""
    quoted = "'" + value.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def identifier(name: str) -> str:
    """Return a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
