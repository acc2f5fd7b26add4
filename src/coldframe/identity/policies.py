"""Policy documents: parsed, validated as AWS does, and compiled once into an immutable Policy."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeVar, get_args

from coldframe.identity.conditions import compile_conditions
from coldframe.identity.patterns import ARN_SEGMENTS, Template, Wildcard, arn_segments
from coldframe.identity.policy_errors import (
    LEGACY,
    NO_ACTIONS,
    NO_RESOURCES,
    NOT_UNIQUE,
    SYNTAX,
    VENDOR_MISSING,
    VERSION,
    ElementError,
    PolicyError,
    first_told,
)
from coldframe.identity.principals import PrincipalSet, compile_principals
from coldframe.identity.statements import (
    ActionSet,
    ResourceSet,
    Statement,
    compile_actions,
    compile_resources,
)
from coldframe.identity.variables import parse_template, variable_keys

PolicyKind = Literal["identity", "resource", "trust", "scp", "rcp", "boundary", "session"]

T = TypeVar("T")
CURRENT_VERSION = "2012-10-17"
FIRST_VERSION = "2008-10-17"
_VERSIONS = (FIRST_VERSION, CURRENT_VERSION)
_EFFECTS = ("Allow", "Deny")
NEEDS_PRINCIPAL = frozenset({"resource", "trust", "rcp"})
NEEDS_CURRENT_VERSION = frozenset({"identity", "boundary", "session", "scp", "rcp"})

_POLICY_KEYS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS = frozenset(
    {
        *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
        *("Resource", "NotResource", "Condition"),
    }
)
_VENDOR = re.compile(r"[a-zA-Z0-9.-]+", re.ASCII)
_SID = re.compile(r"[0-9A-Za-z]*", re.ASCII)
_PARTITIONS = frozenset(
    {"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"}
)

_TRUSTED = frozenset(
    f"sts:{name}"
    for name in (
        *("assumerole", "assumerolewithsaml", "assumerolewithwebidentity"),
        *("setcontext", "setsourceidentity", "tagsession"),
    )
)
_IAM_PATHS = (
    *("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/"),
    *("policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy: immutable, safe to cache and to share between threads.

    `context_keys` are the keys that conditions and variables read, as the policy spells them.
    """

    kind: PolicyKind
    version: str
    statements: tuple[Statement, ...]
    context_keys: frozenset[str]
    _general: tuple[Statement, ...] = field(repr=False)
    _by_service: Mapping[str, tuple[Statement, ...]] = field(repr=False)

    def candidates(self, service: str) -> tuple[Statement, ...]:
        """Give the statements that may speak about an action of this service prefix, in order."""
        return self._by_service.get(service, self._general)


def parse_policy(document: str | Mapping[str, Any], kind: PolicyKind) -> Policy:
    """Parse, validate and compile a policy document.

    Raises PolicyError with AWS's message, the index of the statement, and the reason. Limits of size are the
    service's, which counts them per resource. Source: IAM User Guide, Grammar of the IAM JSON policy language.
    """
    if kind not in get_args(PolicyKind):
        raise ValueError(f"{kind} is not a kind of policy")
    loaded = _load(document, kind) if isinstance(document, str) else document
    if not isinstance(loaded, Mapping):
        raise PolicyError(SYNTAX, reason="the document must be a JSON object")
    for name in loaded:
        if name not in _POLICY_KEYS:
            raise PolicyError(SYNTAX, reason=f"unknown element {name!r}")
    if not isinstance(loaded.get("Id", ""), str):
        raise PolicyError(SYNTAX, reason="Id must be text")
    version = _version(loaded)
    entries = _entries(loaded)
    statements: list[Statement] = []
    keys: set[str] = set()
    errors: list[PolicyError] = []
    if kind in NEEDS_CURRENT_VERSION and version != CURRENT_VERSION:
        errors.append(PolicyError(VERSION))
    for index, entry in enumerate(entries):
        found: list[ElementError] = []
        statement = _statement(index, entry, kind, found, variables=version == CURRENT_VERSION)
        errors += [PolicyError(error.message, index, error.reason) for error in found]
        if statement is not None:
            statements.append(statement[0])
            keys |= statement[1]
    errors += _repeated_sids(entries)
    if errors:
        raise first_told(errors)
    return _indexed(kind, version, tuple(statements), frozenset(keys))


@lru_cache(maxsize=4096)
def compiled_policy(text: str, kind: PolicyKind) -> Policy:
    """Give the compiled form of a stored document, parsed once as long as it stays in use; raises as parse_policy."""
    return parse_policy(text, kind)


def _load(text: str, kind: str) -> Any:
    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) != len(members):
            raise ValueError("an element is given twice")
        return found

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        message = "This policy contains invalid Json" if kind == "trust" else SYNTAX
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise PolicyError(message, reason=reason) from None


def _version(loaded: Mapping[str, Any]) -> str:
    version = loaded.get("Version", FIRST_VERSION)
    if version not in _VERSIONS:
        raise PolicyError(SYNTAX, reason=f"Version must be {CURRENT_VERSION}, not {version!r}")
    return str(version)


def _entries(loaded: Mapping[str, Any]) -> Sequence[Any]:
    entries = loaded.get("Statement")
    if isinstance(entries, Mapping):
        return [entries]
    if not isinstance(entries, list) or not entries:
        raise PolicyError(SYNTAX, reason="Statement must be an object or a list of at least one")
    return entries


def _repeated_sids(entries: Sequence[Any]) -> list[PolicyError]:
    seen: set[str] = set()
    errors = []
    for index, entry in enumerate(entries):
        sid = entry.get("Sid") if isinstance(entry, Mapping) else None
        if isinstance(sid, str) and sid:
            if sid in seen:
                errors.append(PolicyError(NOT_UNIQUE, index, f"{sid!r} is there before"))
            seen.add(sid)
    return errors


def _indexed(
    kind: PolicyKind, version: str, statements: tuple[Statement, ...], keys: frozenset[str]
) -> Policy:
    """Sort the statements by service prefix, so that a check skips those that cannot match."""
    services = {s.index: None if s.not_action else s.actions.services for s in statements}
    named = {name for listed in services.values() if listed is not None for name in listed}

    def choose(service: str | None) -> tuple[Statement, ...]:
        chosen = []
        for statement in statements:
            listed = services[statement.index]
            if listed is None or service in listed:
                chosen.append(statement)
        return tuple(chosen)

    return Policy(kind, version, statements, keys, choose(None), {name: choose(name) for name in named})


def _statement(
    index: int, entry: Any, kind: PolicyKind, errors: list[ElementError], *, variables: bool
) -> tuple[Statement, frozenset[str]] | None:
    """Compile a statement and name the context keys it reads; None where something is wrong, all of it in `errors`."""

    def part(compile_it: Callable[[], T]) -> T | None:
        try:
            return compile_it()
        except ElementError as error:
            errors.append(error)
            return None

    part(lambda: _check_elements(entry))
    if errors:
        return None
    allow = part(lambda: _allows(entry["Effect"]))
    principals = part(lambda: _principals(entry, kind))
    actions = part(lambda: _actions(entry, kind))
    resources = part(lambda: _resources(entry, kind, variables=variables))
    conditions = part(lambda: compile_conditions(entry.get("Condition", {}), variables=variables))
    sid = part(lambda: _sid(entry, kind))
    if allow is None or actions is None or resources is None or conditions is None or sid is None or errors:
        return None
    statement = Statement(
        index=index,
        sid=sid,
        allow=allow,
        actions=actions,
        not_action="NotAction" in entry,
        resources=resources[0],
        not_resource="NotResource" in entry,
        checks=conditions[0],
        principals=principals,
        not_principal="NotPrincipal" in entry,
    )
    return statement, conditions[1] | resources[1]


def _check_elements(entry: Any) -> None:
    if not isinstance(entry, Mapping):
        raise ElementError(SYNTAX, "a statement must be an object")
    for name in entry:
        if name not in _STATEMENT_KEYS:
            raise ElementError(SYNTAX, f"unknown element {name!r}")
    for name in ("Action", "Resource", "Principal"):
        if name in entry and f"Not{name}" in entry:
            raise ElementError(SYNTAX, f"{name} and Not{name} exclude each other")
    effect = entry.get("Effect")
    if not isinstance(effect, str) or effect.capitalize() not in _EFFECTS:
        raise ElementError(SYNTAX, "Effect must be Allow or Deny")


def _allows(effect: str) -> bool:
    if effect not in _EFFECTS:
        raise ElementError(LEGACY, f"Effect must be {effect.capitalize()}, not {effect}")
    return effect == "Allow"


def _sid(entry: Mapping[str, Any], kind: str) -> str:
    sid = entry.get("Sid", "")
    if not isinstance(sid, str):
        raise ElementError(SYNTAX, "Sid must be text")
    if kind not in NEEDS_PRINCIPAL and _SID.fullmatch(sid) is None:
        raise ElementError(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            f"Sid {sid!r}",
        )
    return sid


def _texts(entry: Mapping[str, Any], name: str, missing: str) -> list[str]:
    """Give the values of an element or its Not form; `missing` is the message when there are none."""
    values = entry.get(name, entry.get(f"Not{name}"))
    if values is None or values == []:
        raise ElementError(missing)
    listed = values if isinstance(values, list) else [values]
    for value in listed:
        if not isinstance(value, str):
            raise ElementError(SYNTAX, f"{name} must be text or a list of texts")
    return listed


def _principals(entry: Mapping[str, Any], kind: str) -> PrincipalSet | None:
    name = "NotPrincipal" if "NotPrincipal" in entry else "Principal"
    if kind in NEEDS_PRINCIPAL:
        if name not in entry:
            raise ElementError("Missing required field Principal")
        return compile_principals(entry[name])
    if name in entry:
        raise ElementError("Policy document should not specify a principal.")
    return None


def _actions(entry: Mapping[str, Any], kind: str) -> ActionSet:
    actions = _texts(entry, "Action", NO_ACTIONS)
    for action in actions:
        _check_action(action)
        if kind == "trust" and not _may_trust(action):
            raise ElementError(
                "AssumeRole policy may only specify STS AssumeRole actions.", f"action {action!r}"
            )
    return compile_actions(actions)


def _may_trust(action: str) -> bool:
    """Tell whether an action is one that a trust policy can speak of; one with wildcards need only be of STS."""
    action = action.lower()
    if "*" in action or "?" in action:
        return action.startswith("sts:")
    return action in _TRUSTED


def _check_action(action: str) -> None:
    if action in {"*", "*:*"}:
        return
    vendor, colon, name = action.partition(":")
    if not colon or not name:
        raise ElementError(VENDOR_MISSING, f"action {action!r}")
    if ":" in name:
        raise ElementError("Actions/Condition can contain only one colon.", f"action {action!r}")
    if _VENDOR.fullmatch(vendor) is None:
        raise ElementError(f"Vendor {vendor} is not valid", f"action {action!r}")


def _resources(entry: Mapping[str, Any], kind: str, *, variables: bool) -> tuple[ResourceSet, frozenset[str]]:
    if kind == "trust":
        for name in ("Resource", "NotResource"):
            if name in entry:
                raise ElementError(f"Has prohibited field {name}")
        return compile_resources([], everything=True), frozenset()
    missing = "Missing required field Resource" if kind == "resource" else NO_RESOURCES
    values = _texts(entry, "Resource", missing)
    templates: list[Template] = []
    keys: set[str] = set()
    for value in values:
        template = parse_template(value, variables=variables, wildcards=True)
        if value != "*":
            # Queues and log groups take policies whose resource is no ARN, and that speak of nothing therefore.
            if kind != "resource" or value.startswith("arn:"):
                _check_resource(value, template)
            templates.append(template)
            keys |= variable_keys(template)
    return compile_resources(templates, everything="*" in values), frozenset(keys)


def _check_resource(value: str, template: Template) -> None:
    if not value.startswith("arn:"):
        raise ElementError(f'Resource {value} must be in ARN format or "*".')
    segments = arn_segments(template)
    partition, service, region, account, path = (_literal(segments, place) for place in range(1, 6))
    if partition is not None and partition not in _PARTITIONS:
        raise ElementError(f'Partition "{partition}" is not valid for resource "{value}".')
    if len(segments) < ARN_SEGMENTS and template[-1] is not Wildcard.MANY:
        if len(segments) < ARN_SEGMENTS - 3:
            raise ElementError("Resource vendor must be fully qualified and cannot contain regexes.")
        raise ElementError(LEGACY, f"resource {value!r} has fewer than six segments")
    if service == "":
        raise ElementError(LEGACY, f"resource {value!r} names no service")
    # What of S3 lies in a region, such as an access point, belongs to an account; a bucket names neither.
    if service == "s3" and region and not account:
        raise ElementError(f"Resource {value} can not contain region information.")
    if service == "iam" and region:
        raise ElementError(f"IAM resource {value} cannot contain region information.")
    if service == "iam" and path not in {None, "*", "root"} and not str(path).startswith(_IAM_PATHS):
        paths = ", ".join(_IAM_PATHS)
        raise ElementError(f'IAM resource path must either be "*" or start with {paths}.')


def _literal(segments: Sequence[Template], place: int) -> str | None:
    """Give the text of a segment, None where it is not there or has wildcards or variables."""
    segment = segments[place] if len(segments) > place else (Wildcard.MANY,)
    return None if any(not isinstance(token, str) for token in segment) else "".join(map(str, segment))
