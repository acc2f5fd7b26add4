"""Virtual MFA devices: made with a seed, enabled for a user with two consecutive codes."""

import base64
from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import one_time_codes
from coldframe.identity.records import MfaDevice, User
from coldframe.services.iam import answers, tagging
from coldframe.services.iam.answers import moment
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import path_of, user_name
from coldframe.services.iam.quotas import check_quota

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

_SEED_BYTES = 40


def create_virtual_mfa_device(
    call: Call, request: "shapes.CreateVirtualMFADeviceRequestTypeDef"
) -> dict[str, Any]:
    """Make a device and return its seed, shown only now; it counts once it is enabled for a user."""
    path = path_of(request)
    serial = call.arn(f"mfa{path}{request['VirtualMFADeviceName']}", region="")
    seed = bytes.fromhex(ids.hexadecimal(2 * _SEED_BYTES))
    row = MfaDevice(
        serial=serial,
        path=path,
        sealed_seed=call.installation.seal.seal("mfa-seed", serial, seed),
        created=call.now // 1000,
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    shape = {"SerialNumber": serial, "Base32StringSeed": base64.b32encode(seed)}
    if row.tags:
        return {"VirtualMFADevice": {**shape, "Tags": tagging.listed(row.tags)}}
    return {"VirtualMFADevice": shape}


def enable_mfa_device(call: Call, request: "shapes.EnableMFADeviceRequestTypeDef") -> None:
    """Give a device to a user who shows two of its codes, one after the other."""
    user = call.records.get(User, request["UserName"])
    device = call.records.get(MfaDevice, request["SerialNumber"])
    if device.user:
        raise ServiceFault("EntityAlreadyExists", f"MFA Device is already in use by user {device.user}.")
    check_quota("MFADevicesPerUser", call.records.count(MfaDevice, where={"user": user.name}) + 1)
    shift = _shift(call, device, request)
    call.records.change(device, user=user.name, enabled=call.now // 1000, shift=shift)


def resync_mfa_device(call: Call, request: "shapes.ResyncMFADeviceRequestTypeDef") -> None:
    """Note anew how far a device's clock is off."""
    device = _of_user(call, request["UserName"], request["SerialNumber"])
    call.records.change(device, shift=_shift(call, device, request))


def deactivate_mfa_device(call: Call, request: "shapes.DeactivateMFADeviceRequestTypeDef") -> None:
    """Take a device from its user."""
    device = _of_user(call, user_name(call, request), request["SerialNumber"])
    call.records.change(device, user="", enabled=0, shift=0)


def delete_virtual_mfa_device(call: Call, request: "shapes.DeleteVirtualMFADeviceRequestTypeDef") -> None:
    """Delete a device that no user has."""
    device = call.records.get(MfaDevice, request["SerialNumber"])
    if device.user:
        raise ServiceFault(
            "DeleteConflict", "MFA device is assigned to a user and must be deactivated first."
        )
    call.records.remove(device)


def get_mfa_device(call: Call, request: "shapes.GetMFADeviceRequestTypeDef") -> dict[str, Any]:
    """Return whose a device is, and since when."""
    device = call.records.get(MfaDevice, request["SerialNumber"])
    if request.get("UserName", device.user) != device.user or not device.user:
        raise _unknown(device.serial)
    return _shape(device)


def list_mfa_devices(call: Call, request: "shapes.ListMFADevicesRequestTypeDef") -> dict[str, Any]:
    """List the devices of a user."""
    name = user_name(call, request)
    rows = call.records.list(MfaDevice, where={"user": call.records.get(User, name).name}) if name else []
    found, more = page(call, request, rows, lambda device: device.serial)
    return {"MFADevices": [_shape(device) for device in found], **more}


def list_virtual_mfa_devices(
    call: Call, request: "shapes.ListVirtualMFADevicesRequestTypeDef"
) -> dict[str, Any]:
    """List the account's devices, those of users or those that are free."""
    wanted = request.get("AssignmentStatus", "Any")
    rows = [
        device
        for device in call.records.list(MfaDevice)
        if wanted == "Any" or bool(device.user) == (wanted == "Assigned")
    ]
    found, more = page(call, request, rows, lambda device: device.serial)
    return {"VirtualMFADevices": [_virtual(call, device) for device in found], **more}


def _shape(device: MfaDevice) -> dict[str, Any]:
    return {"UserName": device.user, "SerialNumber": device.serial, "EnableDate": moment(device.enabled)}


def _virtual(call: Call, device: MfaDevice) -> dict[str, Any]:
    shape: dict[str, Any] = {"SerialNumber": device.serial}
    if device.user:
        shape["EnableDate"] = moment(device.enabled)
        shape["User"] = answers.user(call, call.records.get(User, device.user))
    return shape


def _of_user(call: Call, name: str, serial: str) -> MfaDevice:
    device = call.records.get(MfaDevice, serial)
    if not name or device.user != name:
        raise _unknown(serial)
    return device


def _shift(call: Call, device: MfaDevice, request: Any) -> int:
    seed = call.installation.seal.open("mfa-seed", device.serial, device.sealed_seed)
    codes = request["AuthenticationCode1"], request["AuthenticationCode2"]
    shift = one_time_codes.find_shift(seed, call.now // 1000, *codes)
    if shift is None:
        raise ServiceFault("InvalidAuthenticationCode", "Authentication code for device is not valid.")
    return shift


def _unknown(serial: str) -> ServiceFault:
    return ServiceFault("NoSuchEntity", f"MFA Device invalid for user: {serial}")
