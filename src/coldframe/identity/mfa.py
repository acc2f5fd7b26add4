"""A one-time code with a call of STS: checked against the caller's own device, and never taken twice."""

import hmac

from coldframe.core.faults import AccessDenied
from coldframe.core.installation import Installation
from coldframe.identity import one_time_codes
from coldframe.identity.caller import Caller
from coldframe.identity.records import MfaDevice

_FAILED = "MultiFactorAuthentication failed"


def check_code(installation: Installation, caller: Caller, serial: str | None, code: str | None) -> bool:
    """Tell whether the caller proved a device; False when it names none. Raises AccessDenied as STS words it."""
    if serial is None and code is None:
        return False
    if serial is None or code is None:
        raise AccessDenied(f"{_FAILED}, must provide both MFA serial number and one time pass code.")
    name = caller.arn.rpartition("/")[2]
    with installation.store.write() as transaction:
        records = transaction.records(caller.account, "")
        device = records.find(MfaDevice, serial)
        if caller.kind != "user" or device is None or device.user != name:
            raise AccessDenied(
                f"{_FAILED}, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
            )
        seed = installation.seal.open("mfa-seed", device.serial, device.sealed_seed)
        step = int(installation.clock.seconds()) // one_time_codes.STEP + device.shift
        # A code is good for its own half minute and the one on either side, since clocks and fingers are slow.
        for near in (step, step - 1, step + 1):
            if near > device.last_step and hmac.compare_digest(one_time_codes.code(seed, near), code):
                records.change(device, last_step=near)
                return True
    raise AccessDenied(f"{_FAILED} with invalid MFA one time pass code.")
