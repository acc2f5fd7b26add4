"""The head of a request: bytes to method, target, headers and framing; what RFC 9112 leaves doubtful is refused."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

# Header lines that a request may have; each costs memory and time whatever its size.
_MOST_LINES: Final = 100
_LONGEST_CACHED: Final = 64
_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])").fullmatch
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
# What RFC 9110 bars from a value. Lines are split at CR LF, so a CR or LF that is left stands alone: an old trick.
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_LENGTH: Final = re.compile(r"[0-9]{1,18}").fullmatch


class Refusal(Exception):
    """The request is answered with this status and sentence, and its connection is closed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Head(NamedTuple):
    """A request's line and headers: names in lower case, lines of one name joined by commas.

    `length` is the body's in bytes; None: it is chunked. `keeps`: the client would use the connection again.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    length: int | None
    keeps: bool
    old: bool


def parse(raw: bytes) -> Head:
    """Read a head without its final empty line. Raises Refusal 400 and 431."""
    lines = raw.split(b"\r\n")
    first = _LINE(lines[0])
    if first is None:
        raise Refusal(400, "The request line is malformed.")
    if len(lines) > _MOST_LINES + 1:
        raise Refusal(431, f"The request has more than {_MOST_LINES} header lines.")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        raw_name, colon, raw_value = line.partition(b":")
        name = _name(raw_name) if len(raw_name) <= _LONGEST_CACHED else _lower(raw_name)
        if not name or not colon or _CONTROL(raw_value):
            raise Refusal(400, "A header line is malformed.")
        value = text(raw_value.strip(b" \t"))
        if name in headers:
            if name == "content-length":
                raise Refusal(400, "The request has two lengths.")
            value = f"{headers[name]},{value}"
        headers[name] = value
    old = first[3] == b"0"
    path, query = _target(first[2])
    return Head(
        first[1].decode("ascii"),
        path,
        query,
        headers,
        _framing(headers, old=old),
        _keeps(headers, old=old),
        old,
    )


def text(raw: bytes) -> str:
    """UTF-8 if it is, else Latin-1, which every byte is: clients send either."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _lower(raw: bytes) -> str:
    """Return the name in lower case; empty when it is none."""
    return raw.decode("ascii").lower() if _NAME(raw) else ""


_name = lru_cache(maxsize=1024)(_lower)


def _target(raw: bytes) -> tuple[str, str]:
    """Return path and query as they were sent; of a target in absolute form, what stands behind the host."""
    if raw[:1] not in {b"/", b"*"}:
        scheme, found, rest = raw.partition(b"://")
        if found and scheme.lower() in {b"http", b"https"}:
            raw = rest[len(re.split(rb"[/?#]", rest, maxsplit=1)[0]) :]
            raw = raw if raw.startswith(b"/") else b"/" + raw
    path, _, query = raw.partition(b"#")[0].partition(b"?")
    return text(path), text(query)


def _framing(headers: dict[str, str], *, old: bool) -> int | None:
    coding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if coding is None:
        if length is None:
            return 0
        if not _LENGTH(length):
            raise Refusal(400, "The length of the body is no number.")
        return int(length)
    if length is not None or old:
        raise Refusal(400, "The request says in two ways how long its body is.")
    if coding.lower() != "chunked":
        raise Refusal(400, "Of transfer codings only chunked is taken.")
    return None


def _keeps(headers: dict[str, str], *, old: bool) -> bool:
    stated = headers.get("connection")
    if stated is None:
        return not old
    words = {word.strip().lower() for word in stated.split(",")}
    return "close" not in words and (not old or "keep-alive" in words)
