"""Object Lock: which versions may not be deleted or overwritten yet. Source: Amazon S3 User Guide, Object Lock."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.lookup import Request, bucket_arn
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import access_denied, invalid_argument, invalid_request
from coldframe.services.s3.times import DAY, milliseconds, moment

_PROTECTED = "Access Denied because object protected by object lock."


def lock_of_new(call: Call, bucket: Bucket, request: Request) -> dict[str, Any]:
    """Return the lock fields of a version that is being made: what the request says, else the bucket's default."""
    mode, until = request.get("ObjectLockMode"), request.get("ObjectLockRetainUntilDate")
    hold = request.get("ObjectLockLegalHoldStatus")
    if (mode or until or hold) and not bucket.lock_enabled:
        raise invalid_request("Bucket is missing Object Lock Configuration")
    if (mode is None) != (until is None):
        text = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        missing = "x-amz-object-lock-mode" if mode is None else "x-amz-object-lock-retain-until-date"
        raise ServiceFault("InvalidArgument", text, status=400, ArgumentName=missing)
    if mode not in {None, "GOVERNANCE", "COMPLIANCE"}:
        raise invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    fields: dict[str, Any] = {"legal_hold": hold == "ON", "hold_said": hold is not None}
    if until is not None:
        check_until(call, milliseconds(until))
        return fields | {"lock_mode": mode, "lock_until": milliseconds(until)}
    default = bucket.settings.get("object_lock", {}).get("DefaultRetention")
    if default:
        days = default["Days"] if "Days" in default else default["Years"] * 365
        return fields | {"lock_mode": default["Mode"], "lock_until": call.now + days * DAY}
    return fields


def check_until(call: Call, until: int) -> None:
    """Raise InvalidArgument for a retention that would end in the past."""
    if until <= call.now:
        # AWS writes the date in the time of its own place.
        said = moment(until).strftime("%a %b %d %H:%M:%S UTC %Y")
        raise invalid_argument("The retain until date must be in the future!", "RetainUntilDate", said)


def check_deletable(call: Call, found: Version, *, bypass: bool) -> None:
    """Raise AccessDenied while a version is locked; governance may be bypassed by who is allowed to."""
    if found.legal_hold:
        raise access_denied(_PROTECTED)
    if found.lock_until <= call.now or not found.lock_mode:
        return
    if found.lock_mode == "GOVERNANCE" and bypass and may_bypass(call, found):
        return
    raise access_denied(_PROTECTED)


def may_bypass(call: Call, found: Version) -> bool:
    """Tell whether the caller may bypass governance retention of this object."""
    arn = f"{bucket_arn(call, found.bucket)}/{found.key}"
    return call.allowed("s3:BypassGovernanceRetention", arn)


def need_lock(bucket: Bucket) -> None:
    """Raise InvalidRequest for a bucket without Object Lock."""
    if not bucket.lock_enabled:
        raise invalid_request("Bucket is missing Object Lock Configuration")


def no_lock_configuration() -> ServiceFault:
    """The object has no retention or legal hold."""
    text = "The specified object does not have a ObjectLock configuration"
    return ServiceFault("NoSuchObjectLockConfiguration", text, status=404)
