"""Members that travel in an HTTP message's path, query string, headers and status, for both REST protocols."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from botocore.model import OperationModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols.scalars import read_scalar, write_scalar
from coldframe.gateway.protocols.shapes import Shape

Values = dict[str, Any]
_LABEL = re.compile(r"\{([^}]+)\}")
_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)')


def path_pattern(request_uri: str) -> re.Pattern[str]:
    """Make the pattern of a requestUri's path; a greedy label takes slashes too."""
    parts = _LABEL.split(request_uri.partition("?")[0])
    text = "".join(
        re.escape(part) if at % 2 == 0 else ("(.+)" if part.endswith("+") else "([^/]+)")
        for at, part in enumerate(parts)
    )
    return re.compile(text + "/?")


def split_query(query: str) -> list[tuple[str, str]]:
    """Split a raw query string; ValueError when it is not UTF-8 or has too many fields."""
    return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=10_000) if query else []


def _header_items(text: str) -> list[str]:
    """Split a header list at its commas, outside of quoted items, and take the quotes off."""
    items = []
    at = 0
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None or match.end() == at:
            break
        item = match[1].strip()
        items.append(item[1:-1].replace('\\"', '"').replace("\\\\", "\\") if item.startswith('"') else item)
        at = match.end()
    return items


class RequestHead:
    """Reads the members of one operation's input that are bound to path, query string and headers."""

    def __init__(self, operation: OperationModel, bad_value: str) -> None:
        self._bad_value = bad_value
        self._says_number = operation.service_model.service_name == "s3"
        # Documented: how an object is encrypted is not to be said where it is read.
        reads = self._says_number and operation.name in {"GetObject", "HeadObject"}
        self._refused = ("x-amz-server-side-encryption",) if reads else ()
        self._labels: list[tuple[str, Callable[[str], Any]]] = []
        self._query: dict[str, tuple[str, Shape, Callable[[str], Any]]] = {}
        self._headers: list[tuple[str, str, Callable[[str], Any]]] = []
        self._prefixes: list[tuple[str, str]] = []
        self._rest: list[tuple[str, Shape]] = []
        uri = operation.http.get("requestUri", "/")
        self._path = path_pattern(uri)
        self._literals = {name for name, _ in split_query(uri.partition("?")[2])}
        self._order = [label.rstrip("+") for label in _LABEL.findall(uri.partition("?")[0])]
        by_label: dict[str, tuple[str, Callable[[str], Any]]] = {}
        for name, member in operation.input_shape.members.items() if operation.input_shape else ():
            wire = str(member.serialization.get("name", name))
            location = member.serialization.get("location")
            if location == "uri":
                by_label[wire] = (name, read_scalar(member))
            elif location == "querystring":
                self._bind_query(name, wire, member)
            elif location == "header":
                self._headers.append((name, wire.lower(), _header_reader(member)))
            elif location == "headers":
                self._prefixes.append((name, str(member.serialization.get("name", "")).lower()))
        self._labels = [by_label.get(label, ("", str)) for label in self._order]

    def _bind_query(self, name: str, wire: str, member: Shape) -> None:
        if member.type_name == "map":
            self._rest.append((name, member.value))
        else:
            item = member.member if member.type_name == "list" else member
            self._query[wire] = (name, member, read_scalar(item))

    def read(self, request: WireRequest) -> Values:
        """Read the bound members; a ServiceFault names the one that cannot be read."""
        out: Values = {}
        self._read_labels(out, request.path)
        if request.query and (self._query or self._rest):
            self._read_query(out, request.query)
        for header in self._refused:
            if header in request.headers:
                words = f"{header} header is not supported for this operation."
                members = {"ArgumentName": header, "ArgumentValue": request.headers[header]}
                raise ServiceFault(self._bad_value, words, status=400, **members)
        for name, header, scalar in self._headers:
            text = request.headers.get(header)
            if text is not None:
                out[name] = self._scalar(name, scalar, text)
        for name, prefix in self._prefixes:
            found = {
                key[len(prefix) :]: text for key, text in request.headers.items() if key.startswith(prefix)
            }
            if found:
                out[name] = found
        return out

    def _scalar(self, name: str, scalar: Callable[[str], Any], text: str) -> Any:
        try:
            return scalar(text)
        except (ValueError, msgspec.DecodeError, RecursionError) as error:
            raise self._bad(name) from error

    def _number(self, key: str, scalar: Callable[[str], Any], text: str) -> Any:
        try:
            return scalar(text)
        except ValueError as error:
            words = f"Provided {key} not an integer or within integer range"
            members = {"ArgumentName": key, "ArgumentValue": text}
            raise ServiceFault(self._bad_value, words, status=400, **members) from error

    def _bad(self, name: str) -> ServiceFault:
        return ServiceFault(self._bad_value, f"Invalid value for the parameter {name}", status=400)

    def _read_labels(self, out: Values, path: str) -> None:
        if not self._labels:
            return
        match = self._path.fullmatch(path)
        if match is None:
            raise self._bad("URI")
        for (name, scalar), raw in zip(self._labels, match.groups(), strict=True):
            if name:
                out[name] = self._scalar(name, _unquoted(scalar), raw)

    def _read_query(self, out: Values, query: str) -> None:
        try:
            pairs = split_query(query)
        except ValueError as error:
            raise self._bad("query string") from error
        others: dict[str, list[str]] = {}
        for key, text in pairs:
            bound = self._query.get(key)
            if bound is None:
                if key not in self._literals:
                    others.setdefault(key, []).append(text)
                continue
            name, member, scalar = bound
            if self._says_number and member.type_name in {"integer", "long"}:
                if text:  # S3 takes an empty one for none
                    out.setdefault(name, self._number(key, scalar, text))
                continue
            value = self._scalar(name, scalar, text)
            if member.type_name == "list":
                out.setdefault(name, []).append(value)
            else:
                out.setdefault(name, value)
        for name, value_shape in self._rest:
            if others:
                many = value_shape.type_name == "list"
                out[name] = {key: texts if many else texts[0] for key, texts in others.items()}


def _unquoted(scalar: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: scalar(unquote(text, errors="strict"))


def _header_reader(member: Shape) -> Callable[[str], Any]:
    if member.serialization.get("jsonvalue"):
        return lambda text: msgspec.json.decode(b64decode(text, validate=True))
    if member.type_name != "list":
        return read_scalar(member)
    item = read_scalar(member.member)
    if member.member.type_name == "timestamp":
        return lambda text: [item(part) for part in _timestamps(text)]
    return lambda text: [item(part) for part in _header_items(text)]


def _timestamps(text: str) -> list[str]:
    """Split a list of timestamps; one in RFC 822 form has a comma of its own."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) % 2 == 0 and all(part.isalpha() for part in parts[::2]):
        return [f"{day}, {rest}" for day, rest in zip(parts[::2], parts[1::2], strict=True)]
    return parts


class ResponseHead:
    """Writes the members of a result or fault that are bound to headers and to the status."""

    def __init__(self, shape: Shape | None) -> None:
        self._headers: list[tuple[str, str, Callable[[Any], str]]] = []
        self._prefixes: list[tuple[str, str]] = []
        self._status: str | None = None
        for name, member in shape.members.items() if shape is not None else ():
            location = member.serialization.get("location")
            wire = str(member.serialization.get("name", name))
            if location == "header":
                self._headers.append((name, wire, _header_writer(member)))
            elif location == "headers":
                self._prefixes.append((name, str(member.serialization.get("name", ""))))
            elif location == "statusCode":
                self._status = name

    def write(self, result: Mapping[str, Any], status: int) -> tuple[int, dict[str, str]]:
        """Give the status and the headers for a result; line breaks never reach a header."""
        headers = {
            wire: _one_line(text(value))
            for name, wire, text in self._headers
            if (value := result.get(name)) is not None
        }
        for name, prefix in self._prefixes:
            headers |= {
                prefix + key: _one_line(str(value))
                for key, value in (result.get(name) or {}).items()
                if value is not None
            }
        if self._status and result.get(self._status) is not None:
            status = int(result[self._status])
        return status, headers


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _header_writer(member: Shape) -> Callable[[Any], str]:
    if member.serialization.get("jsonvalue"):
        return lambda value: b64encode(msgspec.json.encode(value)).decode()
    if member.type_name != "list":
        return write_scalar(member, "rfc822")
    item = write_scalar(member.member, "rfc822")
    if member.member.type_name != "string":
        return lambda value: ", ".join([item(one) for one in value if one is not None])
    return lambda value: ", ".join([_quote(item(one)) for one in value if one is not None])


def _quote(text: str) -> str:
    if '"' not in text and "," not in text:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
