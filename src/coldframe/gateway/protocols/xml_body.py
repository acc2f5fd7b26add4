"""XML documents of a shape: text into Python values (entities refused) and values into text."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from coldframe.core.faults import ServiceFault
from coldframe.gateway.protocols.protocol import MAX_DEPTH
from coldframe.gateway.protocols.scalars import read_scalar, write_scalar
from coldframe.gateway.protocols.shapes import Later, Shape

Write = Callable[[str, Any], str]
Read = Callable[[Element], Any]
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\r": "&#xD;",
        "\n": "&#xA;",
        "\x85": "&#x85;",
        "\u2028": "&#x2028;",
    }
    | {chr(code): "\ufffd" for code in (*range(32), 0xFFFE, 0xFFFF) if code not in {9, 10, 13}}
)
_SPECIAL = re.compile('[&<>"\r\n\x85\u2028\ufffe\uffff\x00-\x08\x0b\x0c\x0e-\x1f]')


def escape(text: str) -> str:
    """Write text so that an XML parser reads back the same; what XML cannot hold becomes U+FFFD."""
    return text if _SPECIAL.search(text) is None else text.translate(_ESCAPES)


def parse_document(body: bytes, code: str = "MalformedXML") -> Element:
    """Read a document; entities, external references, deep nesting and bad XML are the fault MalformedXML."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise malformed(code) from error
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node]
        if not level:
            return root
    raise malformed(code)


def malformed(code: str = "MalformedXML") -> ServiceFault:
    """Make the fault for a document that is no XML or not of the shape."""
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceFault(code, text, status=400)


class XmlBodies:
    """The XML documents of one service; writers and readers are made once per shape."""

    content_type = "text/xml"
    time_format = "iso8601"

    def __init__(self) -> None:
        self._writers: dict[str, Write] = {}
        self._readers: dict[str, Read] = {}

    @staticmethod
    def member_name(name: str, member: Shape) -> str:
        """Name a member's element; a flattened list may be named by its items."""
        traits = member.serialization
        if member.type_name == "list" and traits.get("flattened") and "name" in member.member.serialization:
            return str(member.member.serialization["name"])
        return str(traits.get("name", name))

    def write(self, shape: Shape) -> Write:
        """Make the function that writes `<tag>value</tag>`."""
        kind = shape.type_name
        space = _namespace(shape)
        if kind == "structure":
            return self._named(shape)
        if kind == "list":
            return self._list(shape, space)
        if kind == "map":
            return self._map(shape, space)
        text = write_scalar(shape, self.time_format)
        if kind in {"string", "character"}:
            return lambda tag, value: f"<{tag}{space}>{escape(str(value))}</{tag}>"
        return lambda tag, value: f"<{tag}{space}>{text(value)}</{tag}>"

    def _named(self, shape: Shape) -> Write:
        key = f"{shape.name} {_namespace(shape)}"
        if key in self._writers:
            return self._writers[key]
        later = self._writers[key] = Later()
        later.function = self._writers[key] = self.structure(shape)
        return self._writers[key]

    def structure(self, shape: Shape, members: Mapping[str, Shape] | None = None, space: str = "") -> Write:
        """Make the writer of a structure, or of some members of it."""
        content = self.content(shape.members if members is None else members)
        space = space or _namespace(shape)
        attributes = [
            (name, member.serialization.get("name", name))
            for name, member in shape.members.items()
            if member.serialization.get("xmlAttribute")
        ]

        def write(tag: str, value: Mapping[str, Any]) -> str:
            extra = "".join(
                f' {wire}="{escape(str(value[name]))}"'
                for name, wire in attributes
                if value.get(name) is not None
            )
            return f"<{tag}{space}{extra}>{content(value)}</{tag}>"

        return write

    def content(self, members: Mapping[str, Shape]) -> Callable[[Mapping[str, Any]], str]:
        """Make the function that writes the elements inside a structure."""
        plan = [
            (name, self.member_name(name, member), self.write(member))
            for name, member in members.items()
            if not member.serialization.get("xmlAttribute")
        ]

        def write(value: Mapping[str, Any]) -> str:
            get = value.get
            return "".join([emit(tag, item) for name, tag, emit in plan if (item := get(name)) is not None])

        return write

    def _list(self, shape: Shape, space: str) -> Write:
        item = self.write(shape.member)
        if shape.serialization.get("flattened"):
            return lambda tag, value: "".join([item(tag, one) for one in value if one is not None])
        inner = str(shape.member.serialization.get("name", "member"))

        def write(tag: str, value: Iterable[Any]) -> str:
            return f"<{tag}{space}>{''.join([item(inner, one) for one in value if one is not None])}</{tag}>"

        return write

    def _map(self, shape: Shape, space: str) -> Write:
        key_tag = shape.key.serialization.get("name", "key")
        value_tag = shape.value.serialization.get("name", "value")
        key, item = self.write(shape.key), self.write(shape.value)

        def pairs(tag: str, value: Mapping[str, Any]) -> str:
            return "".join(
                [
                    f"<{tag}>{key(key_tag, k)}{item(value_tag, v)}</{tag}>"
                    for k, v in value.items()
                    if v is not None
                ]
            )

        if shape.serialization.get("flattened"):
            return pairs
        return lambda tag, value: f"<{tag}{space}>{pairs('entry', value)}</{tag}>"

    def read(self, shape: Shape) -> Read:
        """Make the function that reads an element; it raises ValueError."""
        kind = shape.type_name
        if kind == "structure":
            return self._read_named(shape)
        if kind == "list":
            item, inner = self.read(shape.member), shape.member.serialization.get("name", "member")
            return lambda node: [item(child) for child in node if _tag(child) in {inner, "member"}]
        if kind == "map":
            pair = self._read_pair(shape)
            return lambda node: dict(pair(child) for child in node)
        scalar = read_scalar(shape)
        return lambda node: scalar(node.text or "")

    def _read_pair(self, shape: Shape) -> Callable[[Element], tuple[str, Any]]:
        names = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        item = self.read(shape.value)

        def read(node: Element) -> tuple[str, Any]:
            found = {_tag(child): child for child in node}
            if not found.keys() >= set(names):
                raise ValueError("an entry of a map lacks its key or value")
            return found[names[0]].text or "", item(found[names[1]])

        return read

    def _read_named(self, shape: Shape) -> Read:
        if shape.name in self._readers:
            return self._readers[shape.name]
        later = self._readers[shape.name] = Later()
        later.function = self._readers[shape.name] = self.read_structure(shape.members)
        return self._readers[shape.name]

    def read_structure(self, members: Mapping[str, Shape]) -> Read:
        """Make the function that reads a structure's members from an element's children and attributes."""
        plan = {
            self.member_name(name, member): self._member(name, member) for name, member in members.items()
        }
        attributes = {
            member.serialization.get("name", name).rsplit(":", 1)[-1]: name
            for name, member in members.items()
            if member.serialization.get("xmlAttribute")
        }

        def read(node: Element) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for child in node:
                step = plan.get(_tag(child))
                if step is not None:
                    step(out, child)
            for key, value in node.attrib.items() if attributes else ():
                if key.rsplit("}", 1)[-1] in attributes:
                    out[attributes[key.rsplit("}", 1)[-1]]] = value
            return out

        return read

    def _member(self, name: str, member: Shape) -> Callable[[dict[str, Any], Element], None]:
        if not member.serialization.get("flattened"):
            read = self.read(member)
            return lambda out, node: out.__setitem__(name, read(node))
        if member.type_name == "list":
            item = self.read(member.member)
            return lambda out, node: out.setdefault(name, []).append(item(node))
        pair = self._read_pair(member)
        return lambda out, node: out.setdefault(name, {}).update([pair(node)])


def _tag(node: Element) -> str:
    return str(node.tag).rsplit("}", 1)[-1]


def _namespace(shape: Shape) -> str:
    space = shape.serialization.get("xmlNamespace")
    if not space:
        return ""
    uri, prefix = (space, None) if isinstance(space, str) else (space["uri"], space.get("prefix"))
    return f' xmlns{":" + prefix if prefix else ""}="{escape(uri)}"'
