"""Functions of IP addresses: IPv4 as RFC 791 writes them, IPv6 as RFC 4291 does."""

import ipaddress
from typing import TYPE_CHECKING

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.functions.function import Function
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_FOUR = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H = "[0-9A-Fa-f]{1,4}"
_SIX = "|".join(
    (
        rf"(?:{_H}:){{7}}{_H}",
        *(rf"(?:{_H}:){{{n}}}(?::{_H}){{1,{7 - n}}}" for n in range(1, 7)),
        rf"(?:{_H}:){{1,7}}:",
        rf":(?::{_H}){{1,7}}",
        "::",
        rf"(?:{_H}:){{6}}{_FOUR}",
        rf"::(?:{_H}:){{0,5}}{_FOUR}",
        *(rf"(?:{_H}:){{{n}}}:(?:{_H}:){{0,{5 - n}}}{_FOUR}" for n in range(1, 6)),
    )
)
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
# IANA's special-purpose registries, as far as they are neither private nor reachable.
_RESERVED = (
    "0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "100::/64",
    "2001:db8::/32", "fe80::/10", "ff00::/8",
)  # fmt: skip


def _is_four(text: str) -> str:
    return f"regexp_full_match({text}, '{_FOUR}')"


def _is_six(text: str) -> str:
    return f"regexp_full_match({text}, '{_SIX}')"


def ipv4_number(text: str) -> str:
    """Return SQL for an IPv4 address as a number, NULL for any other text."""
    parts = " + ".join(
        f"TRY_CAST(split_part({text}, '.', {n}) AS UHUGEINT) * {256 ** (4 - n)}" for n in range(1, 5)
    )
    return f"(CASE WHEN {_is_four(text)} THEN {parts} END)"


def _named(value: str, name: str, body: str) -> str:
    """Return SQL for `body` with `name` standing for a value, which is computed once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def ipv6_number(text: str) -> str:
    """Return SQL for an IPv6 address as a number: both halves around `::` padded to eight groups."""
    octets = [f"CAST(split_part(tail, '.', {n}) AS INTEGER)" for n in range(1, 5)]
    groups = f"printf('%x:%x', {octets[0]} * 256 + {octets[1]}, {octets[2]} * 256 + {octets[3]})"
    tail = f"regexp_extract(address, '{_FOUR}$')"
    plain = _named(
        tail, "tail", f"CASE WHEN tail = '' THEN address ELSE replace(address, tail, {groups}) END"
    )
    half = "list_transform(string_split(plain, '::'), lambda h: CASE WHEN h = '' THEN [] ELSE string_split(h, ':') END)"
    padding = "list_transform(range(8 - len(halves[1]) - len(halves[2])), lambda n: '0')"
    whole = f"CASE WHEN len(halves) = 2 THEN halves[1] || {padding} || halves[2] ELSE halves[1] END"
    numbers = f"list_transform({whole}, lambda g: CAST(CAST('0x' || g AS UBIGINT) AS UHUGEINT))"
    number = f"list_reduce({numbers}, lambda high, low: high * 65536 + low)"
    from_plain = _named(plain, "plain", _named(half, "halves", number))
    return f"(CASE WHEN {_is_six(text)} THEN {_named(text, 'address', from_plain)} END)"


def _inside(text: str, subnets: tuple[str, ...]) -> str:
    tests = []
    for version, number in ((4, ipv4_number), (6, ipv6_number)):
        ranges = [
            f"number BETWEEN {int(each.network_address)}::UHUGEINT AND {int(each.broadcast_address)}::UHUGEINT"
            for each in map(ipaddress.ip_network, subnets)
            if each.version == version
        ]
        if ranges:
            tests.append(f"coalesce({_named(number(text), 'number', ' OR '.join(ranges))}, FALSE)")
    return f"({' OR '.join(tests)})"


def _in_subnet(versions: tuple[int, ...]) -> Function:
    def build(c: "Compiler", node: tree.Call) -> Sql:
        written = c.constant(node.arguments[1], "a subnet")
        try:
            subnet = ipaddress.ip_network(written, strict=False)
        except ValueError:
            raise QueryError(
                f"{written!r} is not a subnet in CIDR notation", node.arguments[1].span
            ) from None
        if subnet.version not in versions:
            raise QueryError(
                f"{node.name} does not take an IPv{subnet.version} subnet", node.arguments[1].span
            )
        return Sql(_inside(c.string(node.arguments[0]), (str(subnet),)), "bool")

    return Function(2, 2, build)


def _valid(text: str) -> str:
    return f"coalesce({_is_four(text)} OR {_is_six(text)}, FALSE)"


def _of(test: str) -> Function:
    def build(c: "Compiler", node: tree.Call) -> Sql:
        text = c.string(node.arguments[0])
        tests = {
            "valid": lambda: _valid(text),
            "four": lambda: f"coalesce({_is_four(text)}, FALSE)",
            "six": lambda: f"coalesce({_is_six(text)}, FALSE)",
            "private": lambda: _inside(text, _PRIVATE),
            "reserved": lambda: _inside(text, _RESERVED),
            "public": lambda: f"({_valid(text)} AND NOT {_inside(text, (*_PRIVATE, *_RESERVED))})",
        }
        return Sql(tests[test](), "bool")

    return Function(1, 1, build)


ADDRESSES = {
    "isValidIp": _of("valid"),
    "isValidIpV4": _of("four"),
    "isValidIpV6": _of("six"),
    "isPrivateIP": _of("private"),
    "isPublicIP": _of("public"),
    "isReservedIP": _of("reserved"),
    "isIpInSubnet": _in_subnet((4, 6)),
    "isIpv4InSubnet": _in_subnet((4,)),
    "isIpv6InSubnet": _in_subnet((6,)),
    "ipv4ToNumber": Function(
        1, 1, lambda c, n: Sql(f"CAST({ipv4_number(c.string(n.arguments[0]))} AS DOUBLE)", "number")
    ),
}
