"""Aliases: other names of keys, which can be turned to other keys."""

import re
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms.listing import limit_of, marker_of, page
from coldframe.services.kms.lookup import (
    alias_arn,
    check_customer_managed,
    check_state,
    invalid,
    key_at,
    locate_by_id,
    not_found,
)
from coldframe.services.kms.records import Alias, Key
from coldframe.services.kms.specs import specs

_NAME = re.compile(r"alias/[a-zA-Z0-9/_-]+")
_MOST_OF_A_KEY = 50


def create_alias(call: Call, request: dict[str, Any]) -> None:
    """Give a key another name."""
    name = _checked_name(request["AliasName"])
    key = _target(call, request["TargetKeyId"])
    if call.records.find(Alias, name) is not None:
        text = f"An alias with the name {alias_arn(call, name)} already exists"
        raise ServiceFault("AlreadyExistsException", text)
    _check_room(call, key)
    call.records.add(Alias(name=name, key_id=key.id, created=call.now, updated=call.now))


def update_alias(call: Call, request: dict[str, Any]) -> None:
    """Turn an alias to another key of the same type and usage."""
    name = _checked_name(request["AliasName"])
    alias = _present(call, name)
    key, current = _target(call, request["TargetKeyId"]), call.records.find(Key, alias.key_id)
    if current is not None and (
        current.usage != key.usage or specs()[current.spec].asymmetric != specs()[key.spec].asymmetric
    ):
        raise invalid(f"{name} can only be turned to a key of the same type and usage as {current.id}")
    if key.id != alias.key_id:
        _check_room(call, key)
    call.records.change(alias, key_id=key.id, updated=call.now)


def delete_alias(call: Call, request: dict[str, Any]) -> None:
    """Take a name from a key."""
    call.records.remove(_present(call, _checked_name(request["AliasName"])))


def list_aliases(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the account's aliases by name, or those of one key."""
    limit, after = limit_of(request, 50, 100), marker_of(call, request)
    where: dict[str, Any] = {}
    if request.get("KeyId"):
        place = locate_by_id(call, request["KeyId"])
        where["key_id"] = key_at(call, place).id
    rows = call.records.list(Alias, where=where, after=None if after is None else (after,), limit=limit + 1)

    def show(alias: Alias) -> dict[str, Any]:
        return {
            "AliasName": alias.name,
            "AliasArn": alias_arn(call, alias.name),
            "TargetKeyId": alias.key_id,
            "CreationDate": alias.created / 1000,
            "LastUpdatedDate": alias.updated / 1000,
        }

    return page(call, "Aliases", rows, limit, place=lambda alias: alias.name, show=show)


def _checked_name(name: str) -> str:
    if not name.startswith("alias/"):
        raise invalid(
            'Alias must start with the prefix "alias/". Please see'
            " https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if name.startswith("alias/aws/"):
        raise ServiceFault("NotAuthorizedException", "", status=400)
    if _NAME.fullmatch(name) is None:
        raise invalid(f"{name} contains invalid characters for an alias")
    return name


def _target(call: Call, name: str) -> Key:
    if name.startswith("alias/") or ":alias/" in name:
        raise invalid("Aliases must refer to keys. Not aliases")
    place = locate_by_id(call, name)
    if place.account != call.account:
        raise invalid("An alias and its key must be in the same account and Region")
    key = key_at(call, place)
    check_customer_managed(place, key)
    check_state(call, place, key, "Enabled", "Disabled", "PendingImport")
    return key


def _present(call: Call, name: str) -> Alias:
    alias = call.records.find(Alias, name)
    if alias is None:
        raise not_found(f"Alias {alias_arn(call, name)} is not found.")
    return alias


def _check_room(call: Call, key: Key) -> None:
    if call.records.count(Alias, where={"key_id": key.id}) >= _MOST_OF_A_KEY:
        raise ServiceFault("LimitExceededException", f"A key has at most {_MOST_OF_A_KEY} aliases")
