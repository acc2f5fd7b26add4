"""The errors of S3 in S3's words. Source: Amazon S3 API Reference, Error responses."""

from typing import Any

from coldframe.core.faults import NotBuilt, ServiceFault


def no_such_bucket(name: str) -> ServiceFault:
    """There is no bucket of this name."""
    return ServiceFault("NoSuchBucket", "The specified bucket does not exist", status=404, BucketName=name)


def no_such_key(key: str) -> ServiceFault:
    """There is no object of this key."""
    return ServiceFault("NoSuchKey", "The specified key does not exist.", status=404, Key=key)


def no_such_version(key: str, version_id: str) -> ServiceFault:
    """The object has no such version."""
    text = "The specified version does not exist."
    return ServiceFault("NoSuchVersion", text, status=404, Key=key, VersionId=version_id)


def invalid_version_id(version_id: str) -> ServiceFault:
    """This is not the id of a version."""
    return invalid_argument("Invalid version id specified", "versionId", version_id)


def no_such_upload(upload_id: str) -> ServiceFault:
    """The multipart upload is not, or no longer, under way."""
    text = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or"
        " completed."
    )
    return ServiceFault("NoSuchUpload", text, status=404, UploadId=upload_id)


def invalid_argument(message: str, name: str = "", value: object = "") -> ServiceFault:
    """An argument is none that the operation takes."""
    members = {"ArgumentName": name} if name else {}
    members |= {"ArgumentValue": str(value)} if str(value) else {}
    return ServiceFault("InvalidArgument", message, status=400, **members)


def invalid_request(message: str) -> ServiceFault:
    """The request contradicts itself or the bucket."""
    return ServiceFault("InvalidRequest", message, status=400)


def malformed_xml() -> ServiceFault:
    """The document is not of its schema."""
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceFault("MalformedXML", text, status=400)


def precondition_failed(condition: str) -> ServiceFault:
    """A condition of the request does not hold."""
    text = "At least one of the pre-conditions you specified did not hold"
    return ServiceFault("PreconditionFailed", text, status=412, Condition=condition)


def bad_digest(name: str) -> ServiceFault:
    """The bytes that came are not the ones that the checksum is of."""
    text = f"The {name} you specified did not match the calculated checksum."
    return ServiceFault("BadDigest", text, status=400)


def access_denied(message: str = "Access Denied") -> ServiceFault:
    """The caller may not."""
    return ServiceFault("AccessDenied", message, status=403)


def method_not_allowed(method: str, kind: str, **headers: Any) -> ServiceFault:
    """The resource is of a kind that does not take this method."""
    text = "The specified method is not allowed against this resource."
    return ServiceFault(
        "MethodNotAllowed", text, status=405, Method=method, ResourceType=kind, headers=headers
    )


def not_built(message: str) -> NotBuilt:
    """Something of S3 that is not built here."""
    return NotBuilt(message)
