"""Multi-Region keys: the same key in several regions of this installation."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms import making
from coldframe.services.kms.answers import metadata
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.lookup import check_state, own_key
from coldframe.services.kms.multi_region import change_all, copy_material
from coldframe.services.kms.places import Place
from coldframe.services.kms.policies import check_policy, default_policy
from coldframe.services.kms.records import Key, Material
from coldframe.services.kms.tagging import with_tags


def replicate_key(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a replica of a primary key in another region: same id, same material, own policy and tags."""
    place, key = _primary(call, request["KeyId"])
    region = request["ReplicaRegion"]
    call.require("kms:CreateKey", "*", {"aws:RequestedRegion": region})
    there = call.records.elsewhere(region=region)
    target = place._replace(region=region)
    if region in key.regions or there.find(Key, key.id) is not None:
        raise ServiceFault("AlreadyExistsException", f"{target.arn} already exists.")
    policy = request.get("Policy")
    if policy:
        check_policy(call, target, policy, bypass=bool(request.get("BypassPolicyLockoutSafetyCheck")))
    tags = request.get("Tags") or []
    imported = key.origin == "EXTERNAL"
    replica = making.replaced(
        key,
        created=call.now,
        policy=policy or default_policy(call),
        description=request.get("Description") or "",
        tags=with_tags({}, tags),
        state="PendingImport" if imported else "Enabled",
        material="" if imported else key.material,
        expires=0,
    )
    there.add(making.scheduled(replica))
    if not imported:
        for material in call.records.list(Material, key_prefix=(key.id,)):
            there.add(copy_material(call.part(Custodian), material, place, target))
    regions = [*key.regions, region]
    change_all(
        call.records,
        place,
        making.replaced(key, regions=regions),
        lambda found: making.replaced(found, regions=regions),
    )
    replica = making.replaced(replica, regions=regions)
    return {
        "ReplicaKeyMetadata": metadata(target, replica, call.now),
        "ReplicaPolicy": replica.policy,
        "ReplicaTags": tags,
    }


def update_primary_region(call: Call, request: dict[str, Any]) -> None:
    """Make a replica the primary key, and the primary a replica."""
    place, key = _primary(call, request["KeyId"])
    region = request["PrimaryRegion"]
    if region not in key.regions or region == key.primary:
        raise ServiceFault("UnsupportedOperationException", f"{place.arn} has no replica key in {region}.")
    change_all(call.records, place, key, lambda found: making.replaced(found, primary=region))


def _primary(call: Call, name: str) -> tuple[Place, Key]:
    place, key = own_key(call, name)
    check_state(call, place, key, "Enabled")
    if key.primary != place.region:
        raise ServiceFault("UnsupportedOperationException", f"{place.arn} is not a multi-region primary key.")
    return place, key
