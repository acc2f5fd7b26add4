"""Policy variables: `${aws:username}`, defaults, and the escapes `${*}`, `${?}` and `${$}`."""

import re

from coldframe.identity.patterns import ARN_SEGMENTS, Template, Token, Variable, Wildcard
from coldframe.identity.policy_errors import SYNTAX, ElementError
from coldframe.identity.request import Request

_SPECIAL = re.compile(r"\$\{(?P<inner>[^}]*)\}|(?P<unclosed>\$\{)|(?P<wildcard>[*?])")
_NAME = re.compile(r"\s*(?P<key>[^\s,'][^,']*?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_ESCAPES = ("*", "?", "$")


def parse_template(text: str, *, variables: bool, wildcards: bool) -> Template:
    """Cut a policy value into literals, wildcards and variables; neighbouring literals are joined.

    `variables` is off for Version 2008-10-17, where `${...}` is plain text; `wildcards` is off for operators that
    compare exactly. Raises ElementError for a `${` that is not closed or names nothing.
    """
    tokens: list[Token] = []
    position = 0
    for found in _SPECIAL.finditer(text):
        token = _token(found, variables=variables, wildcards=wildcards)
        _append(tokens, text[position : found.start()])
        _append(tokens, token)
        position = found.end()
    _append(tokens, text[position:])
    return tuple(tokens)


def _append(tokens: list[Token], token: Token) -> None:
    if not isinstance(token, str):
        tokens.append(token)
    elif token:
        if tokens and isinstance(tokens[-1], str):
            tokens[-1] += token
        else:
            tokens.append(token)


def _token(found: re.Match[str], *, variables: bool, wildcards: bool) -> Token:
    whole = found.group()
    if found["wildcard"]:
        return Wildcard(whole) if wildcards else whole
    if not variables:
        return whole
    inner = found["inner"]
    if inner in _ESCAPES:
        return str(inner)
    name = None if inner is None else _NAME.fullmatch(inner)
    if name is None:
        raise ElementError(SYNTAX, f"the policy variable in {found.string!r} is malformed")
    return Variable(name["key"].lower(), name["default"], name["key"])


def variable_keys(template: Template) -> set[str]:
    """Name the context keys that a template asks for, as the policy spells them."""
    return {token.spelling for token in template if isinstance(token, Variable)}


def resolve(template: Template, request: Request) -> Template | None:
    """Put the request's values in place of the variables, as literal text; None if one has no single value.

    AWS: a variable without a value is null, and nothing is equal to null or like it.
    """
    tokens: list[Token] = []
    for token in template:
        value = _value(token, request) if isinstance(token, Variable) else token
        if value is None:
            return None
        _append(tokens, value)
    return tuple(tokens)


def resolve_arn(template: Template, request: Request) -> Template | None:
    """Resolve an ARN template; None also where a value would bring a colon into one of the first five segments.

    Such a value would move the segments that the policy's author wrote, for example another account into place.
    """
    colons = 0
    for token in template if isinstance(template[0], str) else ():
        if isinstance(token, str):
            colons += token.count(":")
        elif (
            isinstance(token, Variable)
            and colons < ARN_SEGMENTS - 1
            and ":" in (_value(token, request) or "")
        ):
            return None
    return resolve(template, request)


def _value(variable: Variable, request: Request) -> str | None:
    values = request.values(variable.key)
    if not values:
        return variable.default
    return values[0] if len(values) == 1 else None
