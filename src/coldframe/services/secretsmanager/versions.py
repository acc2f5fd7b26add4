"""Versions of secrets: found by id or label, added, and recognised when a request comes twice."""

from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.secretsmanager import replication, schedules, values
from coldframe.services.secretsmanager.destroying import without_outdated
from coldframe.services.secretsmanager.lookup import invalid_request, missing
from coldframe.services.secretsmanager.records import Secret, Version
from coldframe.services.secretsmanager.staging import CURRENT, moved, version_with


def version_of(call: Call, account: str, secret: Secret, version_id: str, label: str) -> Version:
    """Return the version of an id and a label, both of which may be empty; the current one without both.

    Raises ResourceNotFoundException, and InvalidRequestException where id and label are of two versions.
    """
    wanted = version_id or version_with(secret.stages, label or CURRENT)
    store = call.installation.store
    found = store.cached(Version, account, call.region, secret.name, wanted) if wanted else None
    if found is None:
        what = f"VersionId: {version_id}" if version_id else f"staging label: {label or CURRENT}"
        raise missing(f"Secrets Manager can't find the specified secret value for {what}")
    if version_id and label and label not in secret.stages.get(version_id, ()):
        raise invalid_request("You provided a VersionStage that is not associated to the provided VersionId.")
    return found


def add_version(
    call: Call,
    records: Records,
    secret: Secret,
    version: Version,
    labels: list[str],
    copies: replication.Copies | None = None,
) -> Secret:
    """Add a version and move labels to it, as the secret is now; versions nobody needs any more go.

    Its replicas get their `copies` of it.
    """
    records.add(version)
    now = records.get(Secret, secret.name)
    fields = schedules.rotated(now, call.now) if CURRENT in labels and now.stages else {}
    changed = replace(now, stages=moved(now.stages, version.id, labels), changed=call.now, **fields)
    records.put(changed)
    kept = without_outdated(records, changed, call.now)
    replication.spread(records, kept, copies)
    return kept


def check_token(call: Call, account: str, secret: Secret, arn: str, token: str, value: values.Value) -> bool:
    """Tell whether a version with this id and value is there; raises ResourceExistsException for another value."""
    there = call.installation.store.cached(Version, account, call.region, secret.name, token)
    if there is None:
        return False
    if there.digest != values.digest_of(call, arn, token, value):
        raise token_in_use(token, arn)
    return True


def token_of(request: dict[str, Any]) -> str:
    """Return the ClientRequestToken, which SDKs and the CLI make up; raises InvalidRequestException without one."""
    token: str = request.get("ClientRequestToken") or ""
    if not token:
        raise invalid_request("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
    return token


def token_in_use(token: str, arn: str) -> ServiceFault:
    """Return the fault for a version id that has another value."""
    text = f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    return ServiceFault("ResourceExistsException", text)
