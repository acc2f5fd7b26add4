"""Grants: permissions to use a key that come and go without changing its policy."""

import os
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms import grants
from coldframe.services.kms.dry_run import end_dry_run
from coldframe.services.kms.listing import limit_of, marker_of, page
from coldframe.services.kms.lookup import check_state, invalid, key_at, locate_by_id, not_found
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Grant

_MOST_OF_A_KEY = 50_000


def create_grant(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Allow a principal to use a key; a name makes repetitions of the request find the same grant."""
    grants.check_tokens(call, request)
    place = locate_by_id(call, request["KeyId"])
    key = key_at(call, place)
    check_state(call, place, key, "Enabled")
    grants.check_request(call, key, request)
    end_dry_run(request)
    records = call.records.elsewhere(account=place.account)
    constraints = request.get("Constraints") or {}
    grant = Grant(
        key_id=key.id,
        id=os.urandom(32).hex(),
        grantee=request.get("GranteePrincipal") or request["GranteeServicePrincipal"],
        by_service="GranteeServicePrincipal" in request,
        operations=list(request["Operations"]),
        account=call.account,
        created=call.now,
        name=request.get("Name") or "",
        retiring=request.get("RetiringPrincipal") or request.get("RetiringServicePrincipal") or "",
        retired_by_service="RetiringServicePrincipal" in request,
        equals=constraints.get("EncryptionContextEquals"),
        subset=constraints.get("EncryptionContextSubset"),
        source_arn=constraints.get("SourceArn") or "",
    )
    present = _same(records.list(Grant, key_prefix=(key.id,)), grant) if grant.name else None
    if present is None:
        if records.count(Grant, key_prefix=(key.id,)) >= _MOST_OF_A_KEY:
            raise ServiceFault("LimitExceededException", f"A key has at most {_MOST_OF_A_KEY} grants")
        records.add(grant)
    found = present or grant
    return {"GrantId": found.id, "GrantToken": grants.token_of(call, place, found.id)}


def list_grants(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the grants of a key, or those of them with an id or for a principal."""
    place = locate_by_id(call, request["KeyId"])
    key_at(call, place)
    limit, after = limit_of(request, 50, 100), marker_of(call, request)
    records = call.records.elsewhere(account=place.account)
    rows = records.list(Grant, key_prefix=(place.id,), after=None if after is None else tuple(after))
    wanted = request.get("GranteePrincipal") or request.get("GranteeServicePrincipal")
    rows = [
        row
        for row in rows
        if request.get("GrantId") in {None, row.id} and (wanted is None or row.grantee == wanted)
    ]
    if request.get("GrantId") and not rows and after is None:
        raise ServiceFault("InvalidGrantIdException", f"Grant ID {request['GrantId']} is not found")
    return page(
        call,
        "Grants",
        rows[: limit + 1],
        limit,
        place=lambda row: [row.key_id, row.id],
        show=lambda row: grants.shown(place, row),
    )


def list_retirable_grants(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the grants of the account's keys that a principal may retire."""
    wanted = request.get("RetiringPrincipal") or request.get("RetiringServicePrincipal")
    if not wanted or (request.get("RetiringPrincipal") and request.get("RetiringServicePrincipal")):
        raise invalid("You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.")
    limit, after = limit_of(request, 50, 100), marker_of(call, request)
    rows = call.records.list(
        Grant,
        where={"retiring": wanted},
        after=None if after is None else tuple(after),
        limit=limit + 1,
    )

    def show(row: Grant) -> dict[str, Any]:
        return grants.shown(Place(call.partition, call.account, call.region, row.key_id), row)

    return page(call, "Grants", rows, limit, place=lambda row: [row.key_id, row.id], show=show)


def retire_grant(call: Call, request: dict[str, Any]) -> None:
    """Delete a grant whose work is done."""
    if request.get("GrantToken"):
        place, grant_id = grants.from_token(call, request["GrantToken"])
    else:
        place, grant_id = locate_by_id(call, request["KeyId"]), request["GrantId"]
    _remove(call, request, place, grant_id)


def revoke_grant(call: Call, request: dict[str, Any]) -> None:
    """Delete a grant that is no longer wanted."""
    _remove(call, request, locate_by_id(call, request["KeyId"]), request["GrantId"])


def _remove(call: Call, request: dict[str, Any], place: Place, grant_id: str) -> None:
    key_at(call, place)
    records = call.records.elsewhere(account=place.account, region=place.region)
    grant = records.find(Grant, place.id, grant_id)
    if grant is None:
        if request.get("GrantToken"):
            raise not_found(f"Grant ID {grant_id} is not found")
        raise ServiceFault("InvalidGrantIdException", f"Grant ID {grant_id} is not found")
    end_dry_run(request)
    records.remove(grant)


def _same(present: list[Grant], wanted: Grant) -> Grant | None:
    """Return the grant that is there with the same name and everything else alike."""
    from msgspec.structs import replace

    for grant in present:
        if replace(grant, id=wanted.id, created=wanted.created) == wanted:
            return grant
    return None
