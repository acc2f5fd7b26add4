"""The client/server protocol as far as both the SQL client and the endpoint speak it: packets, the handshake, OK and ERR."""

import hashlib
import struct
from typing import NamedTuple

# Capabilities (the first 32 bits are in the handshake and its answer alike).
LONG_PASSWORD = 1
FOUND_ROWS = 1 << 1
LONG_FLAG = 1 << 2
CONNECT_WITH_DB = 1 << 3
COMPRESS = 1 << 5
LOCAL_FILES = 1 << 7
PROTOCOL_41 = 1 << 9
TLS = 1 << 11
TRANSACTIONS = 1 << 13
SECURE_CONNECTION = 1 << 15
MULTI_STATEMENTS = 1 << 16
MULTI_RESULTS = 1 << 17
PS_MULTI_RESULTS = 1 << 18
PLUGIN_AUTH = 1 << 19
CONNECT_ATTRS = 1 << 20
LENENC_AUTH = 1 << 21
EXPIRED_PASSWORDS = 1 << 22
SESSION_TRACK = 1 << 23
DEPRECATE_EOF = 1 << 24
ZSTD = 1 << 26
VERIFY_CERTIFICATE = 1 << 30
REMEMBER_OPTIONS = 1 << 31

# Server status.
IN_TRANSACTION = 0x0001
MORE_RESULTS = 0x0008
CURSOR_EXISTS = 0x0040
LAST_ROW_SENT = 0x0080
STATE_CHANGED = 0x4000

NATIVE = b"mysql_native_password"
CLEAR = b"mysql_clear_password"


class Greeting(NamedTuple):
    """What a server says first; `thread` is the id of the connection."""

    version: bytes
    thread: int
    salt: bytes
    capabilities: int
    charset: int
    status: int
    extended: int
    plugin: bytes


class Answer(NamedTuple):
    """What a client answers: who it is, and its proof of the password."""

    capabilities: int
    packet_limit: int
    charset: int
    extended: int
    user: bytes
    proof: bytes
    database: bytes
    plugin: bytes
    attributes: bytes


class Ok(NamedTuple):
    """An OK packet; `changes` are the session's tracked changes, as (kind, data)."""

    rows: int
    insert_id: int
    status: int
    warnings: int
    info: bytes
    changes: list[tuple[int, bytes]]


def framed(payload: bytes, sequence: int) -> bytes:
    """Return a payload of less than 16 MiB as a packet."""
    return struct.pack("<I", len(payload) | (sequence & 255) << 24) + payload


def number(data: bytes, at: int) -> tuple[int, int]:
    """Read a length-encoded integer; returns it and where the next field begins."""
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    if first == 0xFC:
        return int.from_bytes(data[at + 1 : at + 3], "little"), at + 3
    if first == 0xFD:
        return int.from_bytes(data[at + 1 : at + 4], "little"), at + 4
    return int.from_bytes(data[at + 1 : at + 9], "little"), at + 9


def encoded(value: int) -> bytes:
    """Write a length-encoded integer."""
    if value < 0xFB:
        return bytes((value,))
    if value < 1 << 16:
        return b"\xfc" + value.to_bytes(2, "little")
    if value < 1 << 24:
        return b"\xfd" + value.to_bytes(3, "little")
    return b"\xfe" + value.to_bytes(8, "little")


def text(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a length-encoded string; returns it and where the next field begins."""
    length, begin = number(data, at)
    return data[begin : begin + length], begin + length


def counted(value: bytes) -> bytes:
    """Write a length-encoded string."""
    return encoded(len(value)) + value


def _until_zero(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\0", at)
    end = len(data) if end < 0 else end
    return data[at:end], end + 1


def read_greeting(payload: bytes) -> Greeting:
    """Parse the server's first packet."""
    version, at = _until_zero(payload, 1)
    thread = int.from_bytes(payload[at : at + 4], "little")
    salt = payload[at + 4 : at + 12]
    at += 13
    low, charset, status, high, length = struct.unpack_from("<HBHHB", payload, at)
    extended = int.from_bytes(payload[at + 14 : at + 18], "little")
    at += 18
    salt += payload[at : at + max(12, length - 9)]
    plugin = _until_zero(payload, at + max(13, length - 8))[0]
    return Greeting(version, thread, salt[:20], low | high << 16, charset, status, extended, plugin)


def write_greeting(greeting: Greeting) -> bytes:
    """Write a server's first packet."""
    return b"".join(
        (
            b"\x0a",
            greeting.version,
            b"\0",
            greeting.thread.to_bytes(4, "little"),
            greeting.salt[:8],
            b"\0",
            struct.pack(
                "<HBHHB",
                greeting.capabilities & 0xFFFF,
                greeting.charset,
                greeting.status,
                greeting.capabilities >> 16,
                21,
            ),
            bytes(6),
            greeting.extended.to_bytes(4, "little"),
            greeting.salt[8:20],
            b"\0",
            greeting.plugin,
            b"\0",
        )
    )


def read_answer(payload: bytes) -> Answer:
    """Parse a client's answer to the handshake."""
    capabilities, limit, charset = struct.unpack_from("<IIB", payload)
    extended = int.from_bytes(payload[28:32], "little")
    user, at = _until_zero(payload, 32)
    proof, at = _proof(payload, at, capabilities)
    database = plugin = attributes = b""
    if capabilities & CONNECT_WITH_DB and at < len(payload):
        database, at = _until_zero(payload, at)
    if capabilities & PLUGIN_AUTH and at < len(payload):
        plugin, at = _until_zero(payload, at)
    if capabilities & CONNECT_ATTRS and at < len(payload):
        attributes, at = text(payload, at)
    return Answer(capabilities, limit, charset, extended, user, proof, database, plugin, attributes)


def _proof(payload: bytes, at: int, capabilities: int) -> tuple[bytes, int]:
    if capabilities & LENENC_AUTH:
        return text(payload, at)
    if capabilities & SECURE_CONNECTION:
        length = payload[at]
        return payload[at + 1 : at + 1 + length], at + 1 + length
    return _until_zero(payload, at)


def write_answer(answer: Answer) -> bytes:
    """Write a client's answer to the handshake."""
    capabilities = answer.capabilities | SECURE_CONNECTION
    parts = [
        struct.pack("<IIB", capabilities, answer.packet_limit, answer.charset),
        bytes(19),
        answer.extended.to_bytes(4, "little"),
        answer.user,
        b"\0",
        counted(answer.proof) if capabilities & LENENC_AUTH else bytes((len(answer.proof),)) + answer.proof,
    ]
    if capabilities & CONNECT_WITH_DB:
        parts += [answer.database, b"\0"]
    if capabilities & PLUGIN_AUTH:
        parts += [answer.plugin, b"\0"]
    if capabilities & CONNECT_ATTRS:
        parts.append(counted(answer.attributes))
    return b"".join(parts)


def read_ok(payload: bytes, capabilities: int) -> Ok:
    """Parse an OK packet (also one that stands in for EOF)."""
    rows, at = number(payload, 1)
    insert_id, at = number(payload, at)
    status, warnings = struct.unpack_from("<HH", payload, at)
    at += 4
    if not capabilities & SESSION_TRACK:
        return Ok(rows, insert_id, status, warnings, payload[at:], [])
    info, changes = b"", []
    if at < len(payload):
        info, at = text(payload, at)
    if status & STATE_CHANGED and at < len(payload):
        tracked, _ = text(payload, at)
        inner = 0
        while inner < len(tracked):
            data, after = text(tracked, inner + 1)
            changes.append((tracked[inner], data))
            inner = after
    return Ok(rows, insert_id, status, warnings, info, changes)


def write_ok(ok: Ok, *, first: int = 0) -> bytes:
    """Write an OK packet for a client that does not follow session state."""
    head = bytes((first,)) + encoded(ok.rows) + encoded(ok.insert_id)
    info = counted(ok.info) if ok.info else b""
    return head + struct.pack("<HH", ok.status & ~STATE_CHANGED, ok.warnings) + info


def error(code: int, state: str, message: str) -> bytes:
    """Write an ERR packet's payload."""
    return b"\xff" + struct.pack("<H", code) + b"#" + state.encode() + message.encode()


def read_error(payload: bytes) -> tuple[int, str]:
    """Return number and text of an ERR packet."""
    code = int.from_bytes(payload[1:3], "little")
    words = payload[9:] if payload[3:4] == b"#" else payload[3:]
    return code, words.decode("utf-8", "replace")


def xor(one: bytes, other: bytes) -> bytes:
    """Combine two digests of the same length."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def half(password: str) -> bytes:
    """Return the first digest of a password: what a client needs to prove it."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()


def stored(half_hash: bytes) -> bytes:
    """Return the digest that the server stores, from the first one."""
    return hashlib.sha1(half_hash, usedforsecurity=False).digest()


def prove(half_hash: bytes, salt: bytes) -> bytes:
    """Return the proof of mysql_native_password; an empty one for no password."""
    if not half_hash:
        return b""
    mixed = hashlib.sha1(salt + stored(half_hash), usedforsecurity=False).digest()
    return xor(half_hash, mixed)


def unwrap(proof: bytes, salt: bytes, stored_hash: bytes) -> bytes | None:
    """Return the first digest out of a client's proof; None when it proves another password."""
    if len(proof) != 20 or len(stored_hash) != 20:
        return None
    half_hash = xor(proof, hashlib.sha1(salt + stored_hash, usedforsecurity=False).digest())
    return half_hash if stored(half_hash) == stored_hash else None


def account_hash(password: str) -> str:
    """Return a password as accounts of mysql_native_password store it: a star and 40 hexadecimal digits."""
    return "*" + stored(half(password)).hex().upper()
