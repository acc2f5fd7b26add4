"""How versions follow each other: a put, a delete, and the delete of one version, in a transaction.

Each function returns the ids of the blobs that nothing names any more. Source: Amazon S3 User Guide, Versioning.
"""

from hashlib import sha256
from typing import NamedTuple

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.records import Records
from coldframe.services.s3.lookup import newest, version
from coldframe.services.s3.records import Bucket, Version

NULL = "null"
_BEFORE_ALL = -(2**62)
# How many digits of a version's id tell its rank, and how many that it was made so.
_RANK, _CHECK = 8, 6


class Change(NamedTuple):
    """What a change left: the version it made or removed, if any, and the blobs to delete."""

    version: Version | None
    blobs: list[str]


def put(records: Records, bucket: Bucket, draft: Version) -> Change:
    """Make a draft the newest version of its key; without versioning it takes the place of the null version."""
    top = newest(records, draft.bucket, draft.key)
    rank = 0 if top is None else top.rank - 1
    freed: list[str] = []
    version_id = _id_of(rank)
    if bucket.versioning != "Enabled":
        version_id = NULL
        old = version(records, draft.bucket, draft.key, NULL)
        if old is not None:
            freed = blobs_of(old)
            records.remove(old)
            top = None if top is not None and top.rank == old.rank else top
    if top is not None and top.latest:
        records.change(top, latest=False, live=False, superseded=draft.modified)
    made = replace(draft, rank=rank, version_id=version_id, latest=True, live=not draft.marker)
    records.add(made)
    return Change(made, freed)


def delete(records: Records, bucket: Bucket, key: str, now: int) -> Change:
    """Delete a key: for good without versioning, with it by a delete marker on top, which is returned."""
    if bucket.versioning:
        marker = Version(
            bucket=bucket.name, key=key, rank=0, version_id="", marker=True, modified=now, owner=bucket.owner
        )
        return put(records, bucket, marker)
    found = newest(records, bucket.name, key)
    if found is None:
        return Change(None, [])
    records.remove(found)
    return Change(None, blobs_of(found))


def delete_version(records: Records, found: Version) -> Change:
    """Delete one version for good; the next older one becomes the newest."""
    records.remove(found)
    if found.latest:
        below = newest(records, found.bucket, found.key)
        if below is not None:
            records.change(below, latest=True, live=not below.marker, superseded=0)
    return Change(found, blobs_of(found))


def rank_of(version_id: str) -> int | None:
    """Return the rank of a version from its id alone, as after it was deleted; None where the id does not tell.

    A null version, of which a key has one at most, stood before all that is left: nothing is left out behind it.
    """
    if version_id == NULL:
        return _BEFORE_ALL
    body, check = version_id[:-_CHECK], version_id[-_CHECK:]
    return -int(body[-_RANK:], 16) if check == _check(body) else None


def _id_of(rank: int) -> str:
    """Return a new id for a version of this rank: random digits, the rank, and a few digits to know both by."""
    body = f"{ids.hexadecimal(32 - _RANK - _CHECK)}{-rank:0{_RANK}x}"
    return body + _check(body)


def _check(body: str) -> str:
    return sha256(body.encode()).hexdigest()[:_CHECK]


def told_version(made: Version) -> dict[str, str]:
    """Return what the answer to a write says of its version: nothing of one that has no id of its own."""
    return {} if made.version_id == NULL else {"VersionId": made.version_id}


def blobs_of(found: Version) -> list[str]:
    """Return the ids of a version's blobs."""
    return [blob for blob, _ in found.blobs]
