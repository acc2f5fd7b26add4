"""From what a caller names a key by to the key: ids, ARNs, aliases; and whether its state lets it be used."""

import re

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.services.kms import aws_managed
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Alias, Key, Material

_KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_STATES = {
    "PendingDeletion": "is pending deletion.",
    "PendingImport": "is pending import.",
    "PendingReplicaDeletion": "is pending replica deletion.",
    "Updating": "is updating.",
}


def not_found(message: str) -> ServiceFault:
    """Return the fault for a key or an alias that is not there."""
    return ServiceFault("NotFoundException", message)


def invalid(message: str) -> ServiceFault:
    """Return the fault for a request that contradicts itself."""
    return ServiceFault("ValidationException", message)


def locate(call: Call, name: str) -> Place:
    """Return where the key lies that a key id, key ARN, alias name or alias ARN names.

    Raises NotFoundException for an alias that is not there or a name of no known form; the key may be missing.
    """
    account, resource = call.account, name
    if name.startswith("arn:"):
        arn = _parsed(call, name)
        account, resource = arn.account, arn.resource
    elif not name.startswith("alias/"):
        resource = f"key/{name}"
    kind, _, rest = resource.partition("/")
    if kind == "alias":
        return _of_alias(call, account, resource)
    if kind != "key":
        raise ServiceFault("InvalidArnException", f"Invalid arn {name}")
    if _KEY_ID.fullmatch(rest) is None:
        raise not_found(f"Invalid keyId '{rest}'" if rest == name else f"Invalid keyId {name}")
    return Place(call.partition, account, call.region, rest)


def locate_by_id(call: Call, name: str) -> Place:
    """Return where the key lies that a key id or key ARN names; aliases are refused, as the operation does not take them."""
    if name.startswith("alias/") or (name.startswith("arn:") and ":alias/" in name):
        if name.startswith("arn:"):
            raise ServiceFault("InvalidArnException", f"{name} is not a valid key ARN")
        raise not_found(f"Invalid keyId '{name}'")
    return locate(call, name)


def alias_arn(call: Call, name: str, account: str = "") -> str:
    """Return the ARN of an alias name."""
    return f"arn:{call.partition}:kms:{call.region}:{account or call.account}:{name}"


def find_key(call: Call, place: Place) -> Key | None:
    """Return the key at a place as the call's transaction sees it; None when it is not there or its deletion is due."""
    if call.service.only_reads(call.operation):
        return committed_key(call, place)
    return _alive(call, call.records.elsewhere(account=place.account).find(Key, place.id))


def committed_key(call: Call, place: Place) -> Key | None:
    """Return the committed key at a place, for what is asked before a transaction begins."""
    return _alive(call, call.installation.store.cached(Key, place.account, place.region, place.id))


def key_at(call: Call, place: Place) -> Key:
    """Return the key at a place; raises NotFoundException."""
    key = find_key(call, place)
    if key is None:
        raise not_found(f"Key '{place.arn}' does not exist")
    return key


def own_key(call: Call, name: str) -> tuple[Place, Key]:
    """Return a key of the caller's account for an operation that reaches no other account; no aliases."""
    place = locate_by_id(call, name)
    if place.account != call.account:
        raise AccessDenied(
            f"User: {call.principal.arn} is not authorized to perform: kms:{call.operation} on resource:"
            f" {place.arn} because the resource does not exist in this Region, no resource-based policies allow"
            " access, or a resource-based policy explicitly denies access"
        )
    return place, key_at(call, place)


def changeable_key(call: Call, name: str) -> tuple[Place, Key]:
    """Return a customer managed key of the caller's account that is not about to be deleted."""
    place, key = own_key(call, name)
    check_customer_managed(place, key)
    check_state(call, place, key, "Enabled", "Disabled", "PendingImport", "Updating")
    return place, key


def check_customer_managed(place: Place, key: Key) -> None:
    """Raise the fault for a key that AWS services manage."""
    if key.manager == "AWS":
        raise AccessDenied(
            f"{place.arn} is an AWS managed key; its properties belong to the service that uses it"
        )


def usable_key(call: Call, name: str) -> tuple[Place, Key]:
    """Return a key that is enabled, for a cryptographic operation."""
    place = locate(call, name)
    key = key_at(call, place)
    check_usable(call, place, key)
    return place, key


def check_usable(call: Call, place: Place, key: Key) -> None:
    """Raise DisabledException or KMSInvalidStateException unless the key is enabled."""
    check_state(call, place, key, "Enabled")


def check_state(call: Call, place: Place, key: Key, *allowed: str) -> None:
    """Raise the fault of the key's state unless it is one of those allowed."""
    state = effective_state(key, call.now)
    if state in allowed:
        return
    if state == "Disabled":
        raise ServiceFault("DisabledException", f"{place.arn} is disabled.")
    raise ServiceFault(
        "KMSInvalidStateException", f"{place.arn} {_STATES.get(state, f'is {state.lower()}.')}"
    )


def effective_state(key: Key, now: int) -> str:
    """Return the state of a key at a time: imported material that has expired waits for its next import."""
    if key.state in {"Enabled", "Disabled"} and key.expires and key.expires <= now:
        return "PendingImport"
    return key.state


def material_of(call: Call, place: Place, key: Key, material_id: str = "") -> Material | None:
    """Return the current material of a key, or the one of an id; None where it is gone."""
    wanted = material_id or key.material
    found = call.installation.store.cached(Material, place.account, place.region, key.id, wanted)
    if found is None or not found.sealed or (found.expires and found.expires <= call.now):
        return None
    return found


def _alive(call: Call, key: Key | None) -> Key | None:
    if key is None or (key.state == "PendingDeletion" and key.deletion <= call.now):
        return None
    return key


def _parsed(call: Call, name: str) -> arns.Arn:
    try:
        arn = arns.parse(name)
    except ValueError:
        raise ServiceFault("InvalidArnException", f"Invalid arn {name}") from None
    if arn.service != "kms" or not arn.account:
        raise ServiceFault("InvalidArnException", f"Invalid arn {name}")
    if arn.region != call.region or arn.partition != call.partition:
        raise not_found(f"Invalid arn {arn.region}")
    return arn


def _of_alias(call: Call, account: str, name: str) -> Place:
    store = call.installation.store
    alias = store.cached(Alias, account, call.region, name)
    if alias is None and account and account == call.account and aws_managed.may_begin(call, name):
        aws_managed.begin(call, name)
        alias = store.cached(Alias, account, call.region, name)
    if alias is None:
        raise not_found(f"Alias {alias_arn(call, name, account)} is not found.")
    return Place(call.partition, account, call.region, alias.key_id)
