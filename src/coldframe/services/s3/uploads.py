"""Uploads under way: finding one, and naming a stored part in it."""

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3.bodies import Received
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Upload, UploadedPart
from coldframe.services.s3.refusals import invalid_argument, no_such_upload

# How long an upload's id is, and how many of its digits tell when it began.
_LENGTH, _MOMENT = 64, 12


def commit_part(call: Call, request: Request, received: Received) -> UploadedPart:
    """Name a stored part in its upload, in the call's transaction; it is discarded when the upload has ended."""
    store = call.part(ObjectStore)
    try:
        upload = known_upload(call.records.find(Upload, *upload_key(request)), request)
        number = request["PartNumber"]
        old = call.records.find(UploadedPart, upload.upload_id, number)
        part = UploadedPart(
            upload_id=upload.upload_id,
            number=number,
            blob=received.blob.id,
            size=received.blob.size,
            etag=received.md5,
            modified=call.now,
            checksums=received.checksums,
        )
        call.records.put(part)
    except BaseException:
        store.discard(received.blob.id)
        raise

    def settle() -> None:
        store.keep(received.blob.id)
        if old is not None:
            store.delete(old.blob)

    call.records.after_commit(settle)
    return part


def new_upload_id(now: int) -> str:
    """Return the id of an upload that begins now: the uploads of a key are listed in the order in which they began."""
    return f"{now:0{_MOMENT}x}{ids.lower(_LENGTH - _MOMENT)}"


def check_id_marker(records: Records, bucket: str, key: str, marker: str) -> None:
    """Raise InvalidArgument for the id of another key's upload; one that has ended is a place among the key's still."""
    named = records.list(Upload, key_prefix=(bucket,), where={"upload_id": marker}, limit=1)
    if named and named[0].key != key:
        raise invalid_argument("Invalid uploadId marker", "upload-id-marker", marker)


def upload_key(request: Request) -> tuple[str, str, str]:
    """Return the key of the upload that a request names."""
    return request["Bucket"], request["Key"], request["UploadId"]


def known_upload(upload: Upload | None, request: Request) -> Upload:
    """Return the upload; raises NoSuchUpload when there is none."""
    if upload is None:
        raise no_such_upload(request["UploadId"])
    return upload
