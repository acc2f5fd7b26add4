"""Replicas of secrets in other Regions: added, removed, and made secrets of their own."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.services.secretsmanager import replication
from coldframe.services.secretsmanager.destroying import destroy
from coldframe.services.secretsmanager.lookup import (
    account_of,
    arn_of,
    changeable,
    invalid_parameter,
    invalid_request,
    usable,
)
from coldframe.services.secretsmanager.records import Secret


def replicate_secret_to_regions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make replicas of a secret, which follow it from now on."""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    force = bool(request.get("ForceOverwriteReplicaSecret"))
    asked = request["AddReplicaRegions"]
    replicas, copies = replication.added(call, account, secret, asked, force=force, known={})
    records = call.records.elsewhere(account=account)
    secret = records.change(secret, replicas=replicas)
    replication.take_place(records, secret)
    replication.spread(records, secret, copies)
    return {"ARN": arn_of(call, account, secret), "ReplicationStatus": replication.shown(secret)}


def remove_regions_from_replication(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete replicas of a secret."""
    name, account = changeable(call, request["SecretId"]).name, account_of(call, request["SecretId"])
    records = call.records.elsewhere(account=account)
    secret, gone = records.get(Secret, name), set(request["RemoveReplicaRegions"])
    if missing := sorted(gone - {replica.region for replica in secret.replicas}):
        raise invalid_parameter(f"The secret has no replica in {', '.join(missing)}.")
    for region in gone:
        there = records.elsewhere(region=region)
        replica = there.find(Secret, name)
        if replica is not None and replica.primary == call.region:
            destroy(there, replica)
    kept = [replica for replica in secret.replicas if replica.region not in gone]
    secret = records.change(secret, replicas=kept)
    return {"ARN": arn_of(call, account, secret), "ReplicationStatus": replication.shown(secret)}


def stop_replication_to_replica(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a replica a secret of its own, in the replica's Region."""
    secret, account = usable(call, request["SecretId"]), account_of(call, request["SecretId"])
    if not secret.primary:
        raise invalid_request("The secret is not a replica.")
    records = call.records.elsewhere(account=account)
    there = records.elsewhere(region=secret.primary)
    primary = there.find(Secret, secret.name)
    if primary is not None:
        kept = [replica for replica in primary.replicas if replica.region != call.region]
        there.put(replace(primary, replicas=kept))
    secret = records.change(secret, primary="")
    return {"ARN": arn_of(call, account, secret)}
