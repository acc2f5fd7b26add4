"""Reads multipart/form-data as it arrives: the fields before the file, then the bytes of the file. Source: RFC 7578."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from coldframe.core.faults import ServiceFault

MOST_FIELD_BYTES = 20 * 1024
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE).search
_PARAMETER = re.compile(r';\s*(name|filename)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))', re.IGNORECASE).finditer


@dataclass(slots=True)
class Form:
    """A form: its fields by lower-case name in their order, the name and type of its file, and the file's bytes."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    content_type: str = ""
    file: Iterator[bytes] = field(default_factory=lambda: iter(()))


def read_form(content_type: str, chunks: Iterator[bytes]) -> Form:
    """Read up to the file, which `file` gives as it arrives; what follows it is ignored, as at AWS.

    Raises MalformedPOSTRequest, MaxPostPreDataLengthExceeded, and InvalidArgument where there is no file.
    """
    found = _BOUNDARY(content_type)
    if found is None:
        raise malformed()
    source = _Source(chunks, b"\r\n--" + (found[1] or found[2]).encode())
    source.skip_preamble()
    form = Form()
    size = 0
    while True:
        headers = source.headers()
        if headers is None:
            raise ServiceFault(
                "InvalidArgument", "POST requires exactly one file upload per request.", status=400
            )
        names = {
            each[1].lower(): re.sub(r"\\(.)", r"\1", each[2]) if each[2] is not None else each[3]
            for each in _PARAMETER(headers.get("content-disposition", ""))
        }
        name = names.get("name", "").lower()
        if name == "file":
            form.filename = names.get("filename", "")
            form.content_type = headers.get("content-type", "")
            form.file = source.content()
            return form
        data = b""
        for piece in source.content():
            data += piece
            if size + len(data) > MOST_FIELD_BYTES:
                raise _too_long()
        size += len(name) + len(data)
        form.fields[name] = _text(data)


def malformed() -> ServiceFault:
    """Return the fault of a body that is no form."""
    text = "The body of your POST request is not well-formed multipart/form-data."
    return ServiceFault("MalformedPOSTRequest", text, status=400)


class _Source:
    """The bytes of a form that arrive in pieces."""

    def __init__(self, chunks: Iterator[bytes], delimiter: bytes) -> None:
        self._chunks = chunks
        self._delimiter = delimiter
        # As if a line had ended before the form began: the first delimiter is found like every other.
        self._held = b"\r\n"

    def skip_preamble(self) -> None:
        """Go to the first part."""
        size = 0
        for piece in self.content():
            size += len(piece)
            if size > MOST_FIELD_BYTES:
                raise malformed()

    def headers(self) -> dict[str, str] | None:
        """Give the headers of the part that begins here, by lower-case name; None at the end of the form."""
        while len(self._held) < 2:
            self._more()
        if self._held.startswith(b"--"):
            return None
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > MOST_FIELD_BYTES:
                raise malformed()
            self._more()
        lines, self._held = self._held[:end], self._held[end + 4 :]
        found = {}
        for line in _text(lines).split("\r\n"):
            name, _, value = line.partition(":")
            found[name.strip().lower()] = value.strip()
        return found

    def content(self) -> Iterator[bytes]:
        """Give the bytes up to the next delimiter, and leave what follows it."""
        # What may be the beginning of a delimiter is held back.
        keep = len(self._delimiter) - 1
        while (end := self._held.find(self._delimiter)) < 0:
            if len(self._held) > keep:
                piece, self._held = self._held[:-keep], self._held[-keep:]
                yield piece
            self._more()
        piece, self._held = self._held[:end], self._held[end + len(self._delimiter) :]
        if piece:
            yield piece

    def _more(self) -> None:
        more = next(self._chunks, None)
        if more is None:
            raise malformed()
        self._held += more


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise malformed() from None


def _too_long() -> ServiceFault:
    text = "Your POST request fields preceding the upload file were too large."
    return ServiceFault(
        "MaxPostPreDataLengthExceeded", text, status=400, MaxPostPreDataLengthBytes=str(MOST_FIELD_BYTES)
    )
