"""Uploads under way: finding one, and naming a stored part in it."""

from coldframe.core.call import Call
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3.bodies import Received
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Upload, UploadedPart
from coldframe.services.s3.refusals import no_such_upload


def commit_part(call: Call, request: Request, received: Received, etag: str) -> UploadedPart:
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
            etag=etag,
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


def upload_key(request: Request) -> tuple[str, str, str]:
    """Return the key of the upload that a request names."""
    return request["Bucket"], request["Key"], request["UploadId"]


def known_upload(upload: Upload | None, request: Request) -> Upload:
    """Return the upload; raises NoSuchUpload when there is none."""
    if upload is None:
        raise no_such_upload(request["UploadId"])
    return upload
