"""Replicas of a secret in other Regions of this installation: same suffix, same versions, encrypted by keys of theirs."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.secretsmanager import values
from coldframe.services.secretsmanager.destroying import destroy
from coldframe.services.secretsmanager.lookup import arn_in, invalid_parameter
from coldframe.services.secretsmanager.records import Replica, Secret, Version

Copies = dict[str, list[Version] | str]
"""The versions that each Region is to get, or why it can get none."""


def copies_of(call: Call, secret: Secret, account: str, version_id: str, value: values.Value) -> Copies:
    """Return a version encrypted for every Region that follows. No transaction may be open."""
    found: Copies = {}
    for replica in secret.replicas:
        if replica.status == "InSync":
            place = (arn_in(call, account, replica.region, secret), replica.region)
            try:
                copy = values.encrypted(call, place, secret.name, version_id, value, replica.kms_key)
            except ServiceFault as fault:
                found[replica.region] = f"Replication failed: {fault.message}"
            else:
                found[replica.region] = [copy]
    return found


def spread(records: Records, secret: Secret, copies: Copies | None = None) -> None:
    """Bring a secret's replicas to what it is now, with the versions they get and without those that have gone.

    A Region that can get no version follows no longer: it keeps what it has, and the secret says so.
    """
    failed = {region: text for region, text in (copies or {}).items() if isinstance(text, str)}
    if failed:
        told = [
            replace(each, status="Failed", message=failed[each.region]) if each.region in failed else each
            for each in secret.replicas
        ]
        secret = records.change(secret, replicas=told)
    for replica in secret.replicas:
        if replica.status != "InSync":
            continue
        there = records.elsewhere(region=replica.region)
        there.put(replace(secret, primary=records.region, replicas=[], kms_key=replica.kms_key, accessed=0))
        for version in (copies or {}).get(replica.region, ()):
            assert isinstance(version, Version), "Regions that get none were left out"
            there.put(version)
        for version in there.list(Version, key_prefix=(secret.name,)):
            if version.id not in secret.stages:
                there.remove(version)


def added(
    call: Call, account: str, secret: Secret, asked: Sequence[dict[str, Any]], *, force: bool, known: Copies
) -> tuple[list[Replica], Copies]:
    """Return the replicas of a secret with those asked for, and what they get; `known` are versions not yet stored.

    A Region that has a secret of that name already, or whose key is not to be had, is told as failed. Raises
    InvalidParameterException for a Region that cannot be asked for.
    """
    replicas, copies = list(secret.replicas), dict(known)
    present = {replica.region for replica in replicas if replica.status == "InSync"}
    for each in asked:
        region, key = each.get("Region") or "", each.get("KmsKeyId") or ""
        if not region or region == call.region or region in present:
            raise invalid_parameter("Invalid replica region.")
        present.add(region)
        replica = Replica(region=region, kms_key="" if key == values.DEFAULT_KEY else key)
        problem = _problem(call, account, secret, region, force=force)
        if not problem:
            try:
                copies[region] = _all_versions(call, account, secret, replica)
            except ServiceFault as fault:
                problem = f"Replication failed: {fault.message}"
        if problem:
            replica = replace(replica, status="Failed", message=problem)
        replicas = [old for old in replicas if old.region != region] + [replica]
    return replicas, copies


def take_place(records: Records, secret: Secret) -> None:
    """Remove what stands where replicas are to be."""
    for replica in secret.replicas:
        there = records.elsewhere(region=replica.region)
        old = there.find(Secret, secret.name) if replica.status == "InSync" else None
        if old is not None and old.primary != records.region:
            destroy(there, old)


def shown(secret: Secret) -> list[dict[str, Any]]:
    """Return the replicas as answers have them."""
    return [
        {
            "Region": replica.region,
            "KmsKeyId": replica.kms_key or values.DEFAULT_KEY,
            "Status": replica.status,
            **({"StatusMessage": replica.message} if replica.message else {}),
        }
        for replica in secret.replicas
    ]


def _problem(call: Call, account: str, secret: Secret, region: str, *, force: bool) -> str:
    there = call.installation.store.cached(Secret, account, region, secret.name)
    if there is None or there.due <= call.now or force or there.primary == call.region:
        return ""
    return f"Replication failed: Secret name {secret.name} already exists in region {region}."


def _all_versions(call: Call, account: str, secret: Secret, replica: Replica) -> list[Version]:
    """Return every version of a secret encrypted for one Region."""
    source = arn_in(call, account, call.region, secret)
    target = (arn_in(call, account, replica.region, secret), replica.region)
    found = []
    for version_id in secret.stages:
        version = call.installation.store.cached(Version, account, call.region, secret.name, version_id)
        if version is not None:
            value = values.decrypted(call, source, version)
            copy = values.encrypted(call, target, secret.name, version_id, value, replica.kms_key)
            found.append(replace(copy, created=version.created))
    return found
