"""The end of secrets: rows of the secret and of all its versions go together."""

from coldframe.core.records import Records
from coldframe.services.secretsmanager.records import Secret, Version

_MOST_VERSIONS = 100
_DAY = 86_400_000


def destroy(records: Records, secret: Secret) -> None:
    """Delete a secret with every value it has had."""
    for version in records.list(Version, key_prefix=(secret.name,)):
        records.remove(version)
    records.remove(secret)


def without_outdated(records: Records, secret: Secret, now: int) -> Secret:
    """Delete the oldest versions without labels beyond a hundred, none younger than a day; return the secret."""
    versions = sorted(records.list(Version, key_prefix=(secret.name,)), key=lambda version: version.created)
    stages = dict(secret.stages)
    for version in versions[: max(len(versions) - _MOST_VERSIONS, 0)]:
        if not stages.get(version.id) and version.created < now - _DAY:
            records.remove(version)
            stages.pop(version.id, None)
    return records.change(secret, stages=stages) if stages != secret.stages else secret
