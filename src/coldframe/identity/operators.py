"""The comparisons of condition operators: strings, numbers, dates, booleans, bytes, addresses and ARNs."""

import base64
import binascii
import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple, TypeVar

from coldframe.identity.patterns import (
    Match,
    Template,
    compile_arn,
    compile_text,
    has_variables,
    literal_text,
)
from coldframe.identity.policy_errors import LEGACY, ElementError
from coldframe.identity.request import Request
from coldframe.identity.variables import parse_template, resolve, resolve_arn

Compare = Callable[[str, Request], bool]
"""Says whether one value of the request matches any of the policy's values."""

Compiler = Callable[[Sequence[str], bool], Compare]
"""Makes a comparison of the policy's values; the flag says whether policy variables count as such."""

Parsed = TypeVar("Parsed")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_REDUCED_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)


def _any(
    static: Sequence[Match], dynamic: Sequence[Template], compile_: Callable[[Template], Match]
) -> Compare:
    def compare(value: str, request: Request) -> bool:
        for match in static:
            if match(value):
                return True
        for template in dynamic:
            resolved = (resolve_arn if compile_ is compile_arn else resolve)(template, request)
            if resolved is not None and compile_(resolved)(value):
                return True
        return False

    return compare


def _templates(
    values: Sequence[str], variables: bool, wildcards: bool, compile_: Callable[[Template], Match]
) -> Compare:
    templates = [parse_template(value, variables=variables, wildcards=wildcards) for value in values]
    literals = [literal_text(template) for template in templates]
    if not wildcards and None not in literals:
        exact = frozenset(literals)
        return lambda value, _request: value in exact
    static = [compile_(template) for template in templates if not has_variables(template)]
    dynamic = [template for template in templates if has_variables(template)]
    return _any(static, dynamic, compile_)


def string_equals(values: Sequence[str], variables: bool) -> Compare:
    """StringEquals: exact, case matters, `*` is an ordinary character."""
    return _templates(values, variables, wildcards=False, compile_=compile_text)


def string_equals_ignore_case(values: Sequence[str], variables: bool) -> Compare:
    """StringEqualsIgnoreCase: as StringEquals, whatever the case."""

    def compile_(template: Template) -> Match:
        expected = (literal_text(template) or "").lower()
        return lambda value: value.lower() == expected

    templates = [parse_template(value, variables=variables, wildcards=False) for value in values]
    static = [compile_(template) for template in templates if not has_variables(template)]
    return _any(static, [template for template in templates if has_variables(template)], compile_)


def string_like(values: Sequence[str], variables: bool) -> Compare:
    """StringLike: `*` and `?` are wildcards, case matters."""
    return _templates(values, variables, wildcards=True, compile_=compile_text)


def arn_like(values: Sequence[str], variables: bool) -> Compare:
    """ArnLike and ArnEquals, which AWS treats alike: each of the six segments is matched by itself."""
    return _templates(values, variables, wildcards=True, compile_=compile_arn)


def _parsed(values: Sequence[str], parse: Callable[[str], Parsed | None], kind: str) -> list[Parsed]:
    result = []
    for value in values:
        parsed = parse(value)
        if parsed is None:
            raise ElementError(LEGACY, f"{value!r} is not {kind}")
        result.append(parsed)
    return result


@lru_cache(maxsize=1024)
def parse_number(text: str) -> Decimal | None:
    """Read an integer or decimal; None if it is neither."""
    if _NUMBER.fullmatch(text.strip()) is None:
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


@lru_cache(maxsize=1024)
def parse_date(text: str) -> Decimal | None:
    """Read a W3C ISO 8601 date or epoch seconds as epoch seconds; None if it is neither. No zone means UTC."""
    text = text.strip()
    reduced = _REDUCED_DATE.fullmatch(text)
    number = None if reduced else parse_number(text)
    if number is not None:
        return number
    if reduced:
        text = f"{reduced[1]}-{reduced[2] or '01'}-01"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Decimal((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def parse_boolean(text: str) -> bool | None:
    """Read true or false, whatever the case; None if it is neither."""
    return {"true": True, "false": False}.get(text.strip().lower())


def parse_binary(text: str) -> bytes | None:
    """Decode base64; None if it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class Block(NamedTuple):
    """A CIDR block: the bits of its network, how many low bits vary, and the IP version."""

    version: int
    network: int
    varying: int


def parse_block(text: str) -> Block | None:
    """Read an address or a CIDR block, IPv4 or IPv6; None if it is neither."""
    try:
        block = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    varying = block.max_prefixlen - block.prefixlen
    return Block(block.version, int(block.network_address) >> varying, varying)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> tuple[int, int] | None:
    """Read an address as version and number; an IPv4 address mapped into IPv6 counts as IPv4."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)


def ip_address_in(values: Sequence[str], _variables: bool) -> Compare:
    """IpAddress: the request's address lies in one of the blocks."""
    blocks = _parsed(values, parse_block, "an IP address or CIDR block")

    def compare(value: str, _request: Request) -> bool:
        address = parse_address(value)
        if address is None:
            return False
        version, number = address
        return any(block.version == version and number >> block.varying == block.network for block in blocks)

    return compare


def _equal(parse: Callable[[str], Parsed | None], kind: str) -> Compiler:
    def compile_(values: Sequence[str], _variables: bool) -> Compare:
        expected = frozenset(_parsed(values, parse, kind))

        def compare(value: str, _request: Request) -> bool:
            parsed = parse(value)
            return parsed is not None and parsed in expected

        return compare

    return compile_


def _ordered(
    parse: Callable[[str], Decimal | None], kind: str, order: Callable[[Decimal, Decimal], bool]
) -> Compiler:
    def compile_(values: Sequence[str], _variables: bool) -> Compare:
        bounds = _parsed(values, parse, kind)

        def compare(value: str, _request: Request) -> bool:
            parsed = parse(value)
            return parsed is not None and any(order(parsed, bound) for bound in bounds)

        return compare

    return compile_


def _comparisons(
    prefix: str, parse: Callable[[str], Decimal | None], kind: str
) -> dict[str, tuple[Compiler, bool]]:
    return {
        f"{prefix}equals": (_equal(parse, kind), False),
        f"{prefix}notequals": (_equal(parse, kind), True),
        f"{prefix}lessthan": (_ordered(parse, kind, operator.lt), False),
        f"{prefix}lessthanequals": (_ordered(parse, kind, operator.le), False),
        f"{prefix}greaterthan": (_ordered(parse, kind, operator.gt), False),
        f"{prefix}greaterthanequals": (_ordered(parse, kind, operator.ge), False),
    }


OPERATORS: dict[str, tuple[Compiler, bool]] = {
    "stringequals": (string_equals, False),
    "stringnotequals": (string_equals, True),
    "stringequalsignorecase": (string_equals_ignore_case, False),
    "stringnotequalsignorecase": (string_equals_ignore_case, True),
    "stringlike": (string_like, False),
    "stringnotlike": (string_like, True),
    **_comparisons("numeric", parse_number, "a number"),
    **_comparisons("date", parse_date, "an ISO 8601 date or epoch time"),
    "bool": (_equal(parse_boolean, "true or false"), False),
    "binaryequals": (_equal(parse_binary, "base64"), False),
    "ipaddress": (ip_address_in, False),
    "notipaddress": (ip_address_in, True),
    "arnequals": (arn_like, False),
    "arnlike": (arn_like, False),
    "arnnotequals": (arn_like, True),
    "arnnotlike": (arn_like, True),
}
"""Every operator but Null, in lower case: how its values compile, and whether it is negated."""
