"""Lines whose format is known, as Lambda, flow logs of VPCs and Route 53 write them, and the fields discovered in them."""

import re
from dataclasses import dataclass
from functools import cache

_REQUEST = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What a function logs as JSON, behind the time, the request and the level that the runtime writes before it.
FUNCTION_JSON = rf"^[^\t]*\t{_REQUEST}\t[A-Z]+\t\{{"
JSON_BEGINS = "\t{"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field is: the group of an expression, times a factor; `mark` is a text that such a line has."""

    pattern: str
    mark: str = ""
    factor: int = 1


def _report(said: str, number: str = "[0-9.]+", factor: int = 1) -> Place:
    return Place(rf"^REPORT [^\n]*?\t{said}: ({number})", f"\t{said}: ", factor)


# Fields in their order, each with what it may be; the engine keeps nine groups at most, so each has an expression.
_FLOW_LOG = (
    ("version", r"\d+"), ("accountId", r"\d{12}|unknown"), ("interfaceId", r"eni-[0-9a-f]+|-"), ("srcAddr", r"\S+"),
    ("dstAddr", r"\S+"), ("srcPort", r"\d+|-"), ("dstPort", r"\d+|-"), ("protocol", r"\d+|-"), ("packets", r"\d+|-"),
    ("bytes", r"\d+|-"), ("startTime", r"\d+"), ("endTime", r"\d+"), ("action", "ACCEPT|REJECT|-"),
    ("logStatus", "OK|NODATA|SKIPDATA"),
)  # fmt: skip
_QUERY_LOG = (
    ("version", r"\d+\.\d+"), ("queryTimestamp", r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), ("hostZoneId", "Z[0-9A-Z]+"),
    ("queryName", r"\S+"), ("queryType", "[A-Z0-9]+"), ("responseCode", "[A-Z]+"), ("protocol", "UDP|TCP"),
    ("edgeLocation", "[A-Z0-9-]+"), ("resolverIp", "[0-9a-fA-F.:]+"), ("ednsClientSubnet", r"\S+"),
)  # fmt: skip


def _in_order(fields: tuple[tuple[str, str], ...]) -> dict[str, Place]:
    def around(wanted: str) -> str:
        return " ".join(f"({text})" if name == wanted else f"(?:{text})" for name, text in fields)

    return {name: Place(rf"^{around(name)}\s*$") for name, _ in fields}


# One entry for each format: times in milliseconds, sizes in bytes. Numbers of Lambda's are numbers, all else is text.
FORMATS: tuple[dict[str, Place], ...] = (
    {
        "@requestId": Place(rf"(?:RequestId: |^[^\t\n]*\t)({_REQUEST})", "-"),
        "@type": Place(r"^(START|END|REPORT) RequestId: ", "RequestId: "),
        "@duration": _report("Duration"),
        "@billedDuration": _report("Billed Duration"),
        "@initDuration": _report("Init Duration"),
        "@memorySize": _report("Memory Size", "[0-9]+", 1_000_000),
        "@maxMemoryUsed": _report("Max Memory Used", "[0-9]+", 1_000_000),
        "@xrayTraceId": Place(r"^REPORT (?s:.*)\bTraceId: (\S+)", "TraceId: "),
        "@xraySegmentId": Place(r"^REPORT (?s:.*)\bSegmentId: (\S+)", "SegmentId: "),
    },
    _in_order(_FLOW_LOG),
    _in_order(_QUERY_LOG),
)
NUMBERS = frozenset({"@duration", "@billedDuration", "@initDuration", "@memorySize", "@maxMemoryUsed"})


def places(name: str) -> list[Place]:
    """Return where a field may be in known lines; [] for a name that none of them has."""
    return [fields[name] for fields in FORMATS if name in fields]


def found_in(message: str) -> dict[str, str]:
    """Return the fields of a line of a known format; {} for any other line."""
    for fields in FORMATS:
        found = {}
        for name, place in fields.items():
            match = _compiled(place.pattern).search(message) if place.mark in message else None
            if match is not None:
                found[name] = match[1]
            elif not place.mark:
                break  # of a line of fields in order, all are there or none
        shown = {name: _scaled(text, fields[name].factor) for name, text in found.items() if text != "-"}
        if shown:
            return shown
    return {}


def function_json(message: str) -> str:
    """Return the JSON that a function logged behind the runtime's prefix, or the message as it is."""
    if JSON_BEGINS in message and _compiled(FUNCTION_JSON).match(message):
        return message[message.index(JSON_BEGINS) + 1 :]
    return message


def _scaled(text: str, factor: int) -> str:
    return text if factor == 1 else str(int(text) * factor)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
